package zenml

// Field returns a value of an object from whichever part of the answer holds it: between versions
// fields move from one part to another.
func Field(o map[string]any, name string) any {
	for _, part := range []string{"body", "metadata", "resources"} {
		if m, ok := o[part].(map[string]any); ok && m[name] != nil {
			return m[name]
		}
	}
	return o[name]
}

// Text returns a value that is a string, "" for any other.
func Text(v any) string {
	s, _ := v.(string)
	return s
}
