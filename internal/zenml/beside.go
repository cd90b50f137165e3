package zenml

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// setup are the lists that Setup keeps as they are answered, by file.
var setup = []struct{ file, path string }{
	{"flavors.json", "/flavors"},
	{"schedules.json", "/schedules"},
}

// Setup reads how the server is set up, as files by name (with /): what a person needs to build it
// again without its database. stacks/ID.yaml are in the form of `zenml stack export`, which
// `zenml stack import` takes. No secret is in them: of a configuration only what its own schema calls
// open is kept, and references to secrets; the names of the rest stand in left_out.
func (c *Client) Setup(ctx context.Context) (map[string][]byte, error) {
	v, err := c.Version(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading how the server is set up: %w", err)
	}
	s := &setupReader{c: c, files: map[string][]byte{}}
	for _, step := range []func(context.Context) error{s.lists, s.components, s.connectors, func(ctx context.Context) error { return s.stacks(ctx, v) }} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("reading how the server is set up: %w", err)
		}
	}
	return s.files, nil
}

type setupReader struct {
	c       *Client
	files   map[string][]byte
	flavors map[string]any            // type and name of a flavor: its configuration's schema
	parts   map[string]map[string]any // components as kept, by id
}

func (s *setupReader) keep(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	s.files[file] = append(b, '\n')
	return nil
}

func (s *setupReader) lists(ctx context.Context) error {
	s.flavors = map[string]any{}
	for _, l := range setup {
		items, err := s.c.ListEverywhere(ctx, l.path, url.Values{"hydrate": {"true"}})
		if err != nil {
			return err
		}
		if l.path == "/flavors" {
			for _, f := range items {
				s.flavors[word(part(f, "type"))+"/"+word(f["name"])] = part(f, "config_schema")
			}
			items = slices.DeleteFunc(items, func(f map[string]any) bool { return part(f, "is_custom") != true })
		}
		if err := s.keep(l.file, items); err != nil {
			return err
		}
	}
	return nil
}

// components keeps them, and which integrations they come from.
func (s *setupReader) components(ctx context.Context) error {
	items, err := s.c.List(ctx, "/components", url.Values{"hydrate": {"true"}})
	if err != nil {
		return err
	}
	s.parts = map[string]map[string]any{}
	list, from := []map[string]any{}, map[string]bool{}
	for _, o := range items {
		flavor, integration := word(part(o, "flavor_name")), part(o, "integration")
		switch f := part(o, "flavor").(type) {
		case string:
			flavor = f
		case map[string]any:
			flavor, integration = word(f["name"]), part(f, "integration")
		}
		if name := word(integration); name != "" {
			from[name] = true
		}
		kind := word(part(o, "type"))
		open, left := openOf(part(o, "configuration"), s.flavors[kind+"/"+flavor])
		kept := map[string]any{
			"id": o["id"], "name": o["name"], "type": kind, "flavor": flavor, "configuration": open, "left_out": left,
			"labels": part(o, "labels"), "connector_resource_id": part(o, "connector_resource_id"), "connector": nil,
		}
		if link, ok := part(o, "connector").(map[string]any); ok {
			kept["connector"] = link["id"]
		}
		s.parts[word(o["id"])] = kept
		list = append(list, kept)
	}
	names := []string{}
	for name := range from {
		names = append(names, name)
	}
	slices.Sort(names)
	return errors.Join(s.keep("components.json", list), s.keep("integrations.json", names))
}

// stacks writes each in the form of ZenML's own export. Its version is what an import compares.
func (s *setupReader) stacks(ctx context.Context, v string) error {
	items, err := s.c.List(ctx, "/stacks", url.Values{"hydrate": {"true"}})
	if err != nil {
		return err
	}
	for _, o := range items {
		components := map[string]any{}
		byType, _ := part(o, "components").(map[string]any)
		for kind, list := range byType {
			var of []any
			for _, one := range asList(list) {
				m, _ := one.(map[string]any)
				kept := s.parts[word(m["id"])]
				if kept == nil {
					return fmt.Errorf("the stack %q has a component that the server does not list", word(o["name"]))
				}
				of = append(of, map[string]any{"name": kept["name"], "type": kind, "flavor": kept["flavor"], "configuration": kept["configuration"]})
			}
			switch len(of) {
			case 0:
			case 1:
				components[kind] = of[0]
			default:
				components[kind] = of
			}
		}
		id := word(o["id"])
		if !plainID(id) {
			return errors.New("a stack's id is of no known form")
		}
		// JSON is YAML, too.
		if err := s.keep("stacks/"+id+".yaml", map[string]any{"stack_name": o["name"], "components": components, "zenml_version": v}); err != nil {
			return err
		}
	}
	return nil
}

// connectors keeps them without secrets: an account that may read those gets them in the list (0.85.0).
func (s *setupReader) connectors(ctx context.Context) error {
	items, err := s.c.List(ctx, "/service_connectors", url.Values{"hydrate": {"true"}})
	if err != nil {
		return err
	}
	list := []map[string]any{}
	for _, o := range items {
		kind := word(part(o, "connector_type"))
		if m, ok := part(o, "connector_type").(map[string]any); ok {
			kind = word(m["connector_type"])
		}
		method := word(part(o, "auth_method"))
		schema, err := s.methodSchema(ctx, kind, method)
		if err != nil {
			return err
		}
		open, left := openOf(part(o, "configuration"), schema)
		kept := map[string]any{"id": o["id"], "name": o["name"], "connector_type": kind, "auth_method": method, "configuration": open, "left_out": left}
		for _, f := range []string{"description", "resource_types", "resource_id", "supports_instances", "labels"} {
			kept[f] = part(o, f)
		}
		list = append(list, kept)
	}
	return s.keep("service_connectors.json", list)
}

// methodSchema is the schema of a way to log in, nil when the server does not know it.
func (s *setupReader) methodSchema(ctx context.Context, kind, method string) (any, error) {
	var got struct {
		AuthMethods []map[string]any `json:"auth_methods"`
	}
	err := s.c.Get(ctx, "/service_connector_types/"+url.PathEscape(kind), nil, &got)
	var status *StatusError
	if errors.As(err, &status) && status.Code >= 400 && status.Code < 500 && status.Code != http.StatusUnauthorized {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, m := range got.AuthMethods {
		if m["auth_method"] == method {
			return m["config_schema"], nil
		}
	}
	return nil, nil
}

// openOf returns what a schema calls open of a configuration, and the sorted names of the rest. A
// reference to a secret is no secret.
func openOf(configuration, schema any) (open map[string]any, left []string) {
	values, _ := configuration.(map[string]any)
	s, _ := schema.(map[string]any)
	properties, _ := s["properties"].(map[string]any)
	open, left = map[string]any{}, []string{}
	for key, v := range values {
		text, isText := v.(string)
		switch {
		case v == nil:
		case isText && strings.HasPrefix(text, "{{") && strings.HasSuffix(text, "}}") && !strings.Contains(text[2:], "{{"):
			open[key] = v
		case isOpen(properties[key]):
			open[key] = v
		default:
			left = append(left, key)
		}
	}
	slices.Sort(left)
	return open, left
}

// isOpen says whether a property is declared and nothing in it marks a secret. ZenML writes
// sensitive for a component's, Pydantic writeOnly and format password for a connector's; what is
// declared elsewhere ($ref) may hold either.
func isOpen(property any) bool {
	if property == nil {
		return false
	}
	b, err := json.Marshal(property)
	if err != nil {
		return false
	}
	for _, mark := range []string{`"sensitive":true`, `"writeOnly":true`, `"format":"password"`, `"$ref"`} {
		if strings.Contains(string(b), mark) {
			return false
		}
	}
	return true
}

// part looks a value up in every part of an answer: between versions fields move.
func part(o map[string]any, name string) any {
	for _, p := range []string{"body", "metadata", "resources"} {
		if m, ok := o[p].(map[string]any); ok {
			if v, ok := m[name]; ok && v != nil {
				return v
			}
		}
	}
	return o[name]
}

func word(v any) string { s, _ := v.(string); return s }

func plainID(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(strings.ToLower(id), "0123456789abcdef-") == ""
}
