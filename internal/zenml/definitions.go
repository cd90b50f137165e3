package zenml

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Definition is how one object is set up: each field's value as JSON. What only names, dates or
// shows it is left out, and no secret is in it.
type Definition map[string]string

// Definitions holds, per kind and id, how stacks, components and service connectors are set up.
type Definitions map[string]map[string]Definition

// defined are the kinds and the fields that make their objects work. A field lies in another part of
// the answer in other versions, so it is looked for in all of them.
var defined = []struct {
	kind, path string
	fields     []string
}{
	{"component", "/components", []string{"type", "flavor_name", "flavor", "configuration", "labels", "connector_resource_id"}},
	{"stack", "/stacks", []string{"labels", "stack_spec_path"}},
	{"service_connector", "/service_connectors", []string{"connector_type", "auth_method", "resource_types", "resource_id", "supports_instances", "labels"}},
}

// Definitions reads how stacks, components and connectors are set up. A connector's configuration is
// left out: an account that may read its secrets gets them among it.
func (c *Client) Definitions(ctx context.Context) (Definitions, error) {
	out := Definitions{}
	for _, d := range defined {
		items, err := c.List(ctx, d.path, url.Values{"hydrate": {"true"}})
		if err != nil {
			return nil, fmt.Errorf("reading how every %s is set up: %w", d.kind, err)
		}
		out[d.kind] = map[string]Definition{}
		for _, o := range items {
			id, _ := o["id"].(string)
			out[d.kind][id] = definition(o, d.fields)
		}
	}
	return out, nil
}

func definition(o map[string]any, fields []string) Definition {
	def := Definition{}
	def.set("name", o["name"])
	parts := []any{o["body"], o["metadata"], o["resources"]}
	for _, part := range parts {
		values, _ := part.(map[string]any)
		for _, f := range fields {
			def.set(f, values[f])
		}
		components, _ := values["components"].(map[string]any)
		for kind, list := range components {
			for _, one := range asList(list) {
				m, _ := one.(map[string]any)
				if id, ok := m["id"].(string); ok {
					def["component "+kind+" "+id] = "true"
				}
			}
		}
		for _, link := range []string{"connector", "service_connector"} {
			if m, ok := values[link].(map[string]any); ok {
				def.set("connector", m["id"])
			}
		}
	}
	return def
}

func asList(v any) []any { l, _ := v.([]any); return l }

// set files a value under its name, an object key by key; what is empty is as if it were not there.
func (d Definition) set(name string, v any) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		if name == "flavor" { // the object; before and after its name is told by flavor_name too
			d.set("flavor_name", v["name"])
			return
		}
		for key, inner := range v {
			d.set(name+"."+key, inner)
		}
	default:
		b, err := json.Marshal(v)
		if text := string(b); err == nil && text != `""` && text != "[]" {
			d[name] = text
		}
	}
}

// CompareDefinitions tells what of before is gone or another after: sentences without values, sorted.
// What was added is no difference, nor is an object that is missing: Compare tells that.
func CompareDefinitions(before, after Definitions) []string {
	var out []string
	for kind, objects := range before {
		for id, was := range objects {
			now, there := after[kind][id]
			if !there {
				continue
			}
			for _, field := range slices.Sorted(maps.Keys(was)) {
				switch v, ok := now[field]; {
				case !ok:
					out = append(out, fmt.Sprintf("%s %s: %s is gone", kind, strings.Trim(was["name"], `"`), field))
				case v != was[field]:
					out = append(out, fmt.Sprintf("%s %s: %s has another value", kind, strings.Trim(was["name"], `"`), field))
				}
			}
		}
	}
	slices.Sort(out)
	return out
}
