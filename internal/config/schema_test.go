package config

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var schemaFile = filepath.Join("..", "..", "schema", "zenml-upgrade.schema.json")

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The schema's keys and the structs' keys are the same at every place, and each is described.
func TestSchemaHasTheKeysOfTheCode(t *testing.T) {
	t.Parallel()
	compare(t, "", compile(t), reflect.TypeFor[Config]())
}

func compare(t *testing.T, at string, s *jsonschema.Schema, typ reflect.Type) {
	t.Helper()
	for s.Ref != nil {
		s = s.Ref
	}
	switch typ.Kind() {
	case reflect.Pointer:
		compare(t, at, s, typ.Elem())
	case reflect.Slice:
		compare(t, at+"[]", s.Items2020, typ.Elem())
	case reflect.Map:
		if element, ok := s.AdditionalProperties.(*jsonschema.Schema); ok {
			compare(t, at+".*", element, typ.Elem())
		}
	case reflect.Struct:
		var code, schema []string
		for i := range typ.NumField() {
			key := typ.Field(i).Tag.Get("yaml")
			code = append(code, key)
			if p := s.Properties[key]; p != nil {
				if p.Description == "" && (p.Ref == nil || p.Ref.Description == "") {
					t.Errorf("%s.%s has no description", at, key)
				}
				compare(t, at+"."+key, p, typ.Field(i).Type)
			}
		}
		for key := range s.Properties {
			schema = append(schema, key)
		}
		slices.Sort(code)
		slices.Sort(schema)
		if d := cmp.Diff(code, schema); d != "" {
			t.Errorf("keys of %q, code (-) and schema (+):\n%s", at, d)
		}
		if s.AdditionalProperties != false {
			t.Errorf("%q lets unknown keys pass", at)
		}
	}
}

// What the schema tells in an editor is what the program tells in a run.
func TestSchemaAndCodeAgree(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	tests := map[string]bool{
		strings.ReplaceAll(full, "renovate[bot]", "'renovate[bot]'"): true,
		"operators: []\n":       true,
		"deployment: cloud\n":   false,
		"deploymnet: oss\n":     false,
		"environments: {a: {}}": false,
		"environments: {a: {kind: staging, driver: command}}":                                                                                                false,
		"environments: {a: {kind: staging, snapshot: {take: a, restore: b, drop: c, forget: d, pass: [AWS_PROFILE]}}}":                                       true,
		"environments: {a: {kind: staging, snapshot: {take: a, restore: b, drop: c}}}":                                                                       false,
		"environments: {a: {kind: staging, hooks: {drain: x}}}":                                                                                              false,
		"environments: {a: {kind: staging, driver: command, command: {python: 3.11}, hooks: {start: a, start-private: b, stop: c, status: d, version: e}}}":  true,
		"environments: {a: {kind: staging, driver: command, command: {python: '2.7'}, hooks: {start: a, start-private: b, stop: c, status: d, version: e}}}": false,
		"environments: {a: {kind: staging, driver: command, command: {python: 3.11}, hooks: {start: a}}}":                                                    false,
		"environments: {a: {kind: staging, driver: command, hooks: {start: a, start-private: b, stop: c, status: d, version: e}}}":                           false,
		"environments: {a: {kind: staging, command: {python: 3.11}}}":                                                                                        false,
		"environments: {a: {kind: staging, driver: local, hooks: {start: a, start-private: b, stop: c, status: d, version: e}}}":                             false,
		"environments: {a: {kind: staging, local: {python: p}}}":                                                                                             false,
		"environments: {a: {kind: staging, server-url: 'ftp://x'}}":                                                                                          false,
		"environments: {a: {kind: staging, server-url: 'https://u:p@x'}}":                                                                                    false,
		"environments: {a: {kind: staging, window: tonight}}":                                                                                                false,
		"environments: {a: {kind: staging, max-downtime: 10 min}}":                                                                                           false,
		"environments: {a: {kind: staging, smoke: public}}":                                                                                                  true,
		"environments: {a: {kind: staging, smoke: none}}":                                                                                                    false,
		"environments: {'a b': {kind: staging}}":                                                                                                             false,
		"environments: {a: {kind: staging, rollback: maybe}}":                                                                                                false,
		"projects: [{path: ../x}]":                                                              false,
		"projects: [{path: /x}]":                                                                false,
		"projects: [{path: x, python-versions: [2.7]}]":                                         false,
		"pipelines: [{name: x}]":                                                                false,
		"pipelines: [{name: x, marker: skip}]":                                                  true,
		"pipelines: [{name: x, command: y, marker: quick}]":                                     false,
		"pipelines: [{name: x, command: y, timeout: soon}]":                                     false,
		"pipelines: [{name: x, command: y, environment: {MODE: fast, N: 3}, secrets: [KEY]}]":   true,
		"pipelines: [{name: x, command: y, environment: {ZENML_STORE_URL: z}}]":                 false,
		"pipelines: [{name: x, command: y, environment: {PATH: z}}]":                            false,
		"pipelines: [{name: x, command: y, environment: {PATH_TO_DATA: z}}]":                    true,
		"pipelines: [{name: x, command: y, environment: {'A B': z}}]":                           false,
		"pipelines: [{name: x, command: y, secrets: [GITHUB_TOKEN]}]":                           false,
		"pipelines: [{name: x, command: y, secrets: [input_x]}]":                                false,
		"pipelines: [{name: x, command: y, secrets: ['']}]":                                     false,
		"waivers: [{finding: x, owner: y, reason: z}]":                                          false,
		"waivers: [{finding: x, owner: y, reason: z, expires: '2026-1-1'}]":                     false,
		"waivers: [{finding: x, owner: y, reason: z, expires: '2026-01-01', migrated: true}]":   true,
		"waivers: [{finding: x, owner: y, reason: z, expires: '2026-01-01', migrated: soon}]":   false,
		"teams: [{members: [a]}]":                                                               false,
		"operators: ['@ana']":                                                                   false,
		"gates: {production: {staging: off, approvals: {count: 1, from: [ana]}}}":               true,
		"gates: {staging: {staging: required}}":                                                 false,
		"gates: {production: {hold: maybe}}":                                                    false,
		"gates: {production: {approvals: {count: 0, from: [ana]}}}":                             false,
		"gates: {production: {approvals: {from: [ana]}}}":                                       false,
		"gates: {production: {rehearsal-max-age: 168h}}":                                        false,
		"environments: {a: {kind: staging, environment-url: 'https://u:p@x'}}":                  false,
		"gates: {tests: true}":                                                                  false,
		"environments: {a: {kind: staging, local: {python: p, port: 80}, rollback: 'false'}}\n": true,
	}
	for text, want := range tests {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		_, byCode := Parse("c.yml", []byte(text))
		bySchema := schema.Validate(plain(value))
		if (byCode == nil) != want || (bySchema == nil) != want {
			t.Errorf("%s\nwant good %v; code says %v; schema says %v", text, want, byCode, bySchema)
		}
	}
}

// The examples that the repository shows have to be valid.
func TestExamplesAreValid(t *testing.T) {
	t.Parallel()
	for _, example := range []string{"churn", "compose"} {
		if _, err := Load(filepath.Join("..", "..", "examples", example, DefaultPath)); err != nil {
			t.Error(err)
		}
	}
}

// plain turns what the YAML library gives into what the schema library reads.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case uint64:
		return int64(v)
	}
	return v
}
