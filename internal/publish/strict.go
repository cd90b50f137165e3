package publish

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// Bounds of a result that somebody else made.
const (
	LargestResult = 5 << 20 // bytes
	longestText   = 64 << 10
	longestList   = 5000
)

// Decode reads a result of another run into a struct, which nothing but the form has proved: every
// key of the struct's must be there and no other, of the right type, no text or list longer than a
// run writes. Texts stay hostile until a writer encodes them.
func Decode(data []byte, into any) error {
	if len(data) > LargestResult {
		return bad(fmt.Sprintf("it is larger than %d bytes", LargestResult))
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return bad("it is no JSON: " + err.Error())
	}
	schema, err := schemaOf(into)
	if err != nil {
		return err
	}
	var wrong *jsonschema.ValidationError
	if err := schema.Validate(value); errors.As(err, &wrong) {
		return bad(strings.Join(places(wrong, nil), "; "))
	} else if err != nil {
		return bad(err.Error())
	}
	// What was checked is what is read: of a key that stands twice the checker saw one.
	checked, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(checked, into)
	}
	if err != nil {
		return bad(err.Error())
	}
	return nil
}

func bad(why string) error {
	return fault.BadInput("the result is not one that this program wrote: "+why, "nothing was published; use the same version in both workflows")
}

// schemaOf compiles the JSON schema of a struct.
func schemaOf(v any) (*jsonschema.Schema, error) {
	text, err := json.Marshal(describe(reflect.TypeOf(v).Elem()))
	if err != nil {
		return nil, fmt.Errorf("describing a result: %w", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("describing a result: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("result.json", doc); err != nil {
		return nil, fmt.Errorf("describing a result: %w", err)
	}
	return c.Compile("result.json")
}

type object = map[string]any

// describe returns the JSON schema of what a type is encoded as.
func describe(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time", "maxLength": 40}
	case t == reflect.TypeFor[verdict.Decision]():
		return object{"enum": []verdict.Decision{verdict.Pass, verdict.Review, verdict.Unknown, verdict.Block}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return object{"anyOf": []any{object{"type": "null"}, describe(t.Elem())}}
	case reflect.Slice:
		return object{"type": []string{"array", "null"}, "maxItems": longestList, "items": describe(t.Elem())}
	case reflect.Array:
		return object{"type": "array", "minItems": t.Len(), "maxItems": t.Len(), "items": describe(t.Elem())}
	case reflect.Map:
		return object{"type": []string{"object", "null"}, "maxProperties": longestList, "propertyNames": object{"maxLength": 200}, "additionalProperties": describe(t.Elem())}
	case reflect.Struct:
		properties, required := object{}, []string{}
		fields(t, func(name string, f reflect.StructField) {
			properties[name], required = describe(f.Type), append(required, name)
		})
		return object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number", "minimum": -1e12, "maximum": 1e12}
	case reflect.String:
		return object{"type": "string", "maxLength": longestText}
	default:
		return object{"type": "integer", "minimum": -1e9, "maximum": 1e9}
	}
}

// fields calls do for every field that is encoded, those of embedded structs among them.
func fields(t reflect.Type, do func(name string, f reflect.StructField)) {
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous || !f.IsExported() || name == "-":
		case name == "":
			do(f.Name, f)
		default:
			do(name, f)
		}
	}
}

// places words what is wrong where, at most five of them.
func places(e *jsonschema.ValidationError, out []string) []string {
	for _, c := range e.Causes {
		out = places(c, out)
	}
	if _, group := e.ErrorKind.(*kind.AnyOf); len(e.Causes) > 0 || group || len(out) >= 5 {
		return out
	}
	at := strings.Join(e.InstanceLocation, ".")
	if at == "" {
		at = "the whole"
	}
	return append(out, fmt.Sprintf("%.80q: %.200q", at, e.ErrorKind.LocalizedString(message.NewPrinter(language.English))))
}
