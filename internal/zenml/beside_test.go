package zenml

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOnlyWhatASchemaCallsOpenIsKept(t *testing.T) {
	t.Parallel()
	schema := map[string]any{"properties": map[string]any{
		"region":  map[string]any{"type": "string"},
		"key":     map[string]any{"anyOf": []any{map[string]any{"type": "string", "format": "password", "writeOnly": true}, map[string]any{"type": "null"}}},
		"token":   map[string]any{"type": "string", "sensitive": true},
		"nested":  map[string]any{"$ref": "#/$defs/Account"},
		"pointed": map[string]any{"type": "string", "sensitive": true},
	}}
	values := map[string]any{
		"region": "eu", "key": "AKIA", "token": "t0k", "nested": map[string]any{"a": "b"}, "pointed": "{{store.key}}", "new": "?", "empty": nil,
		"trick": "{{a}} s3cret {{b}}",
	}
	open, left := openOf(values, schema)
	if d := cmp.Diff(map[string]any{"region": "eu", "pointed": "{{store.key}}"}, open); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"key", "nested", "new", "token", "trick"}, left); d != "" {
		t.Error(d)
	}
	open, left = openOf(values, nil)
	if len(open) != 1 || len(left) != 6 {
		t.Errorf("without a schema: %v, %v", open, left)
	}
}
