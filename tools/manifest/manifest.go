package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// manifest is one action.yml, as far as it is used here.
type manifest struct {
	Name    string `yaml:"name"`
	Inputs  ordered
	Outputs ordered
	action  string // the folder's name
	dir     string
}

// ordered are inputs or outputs in the order of the file.
type ordered []entry

type entry struct {
	name        string
	Description string  `yaml:"description"`
	Required    bool    `yaml:"required"`
	Default     *string `yaml:"default"`
}

// UnmarshalYAML keeps the order in which the entries stand.
func (o *ordered) UnmarshalYAML(text []byte) error {
	var keys yaml.MapSlice
	var values map[string]entry
	if err := errors.Join(yaml.Unmarshal(text, &keys), yaml.Unmarshal(text, &values)); err != nil {
		return err
	}
	for _, k := range keys {
		name, ok := k.Key.(string)
		if !ok {
			return fmt.Errorf("name %v is not text", k.Key)
		}
		e := values[name]
		e.name = name
		if e.Default != nil && *e.Default == "" {
			e.Default = nil // the runner passes an empty value either way
		}
		*o = append(*o, e)
	}
	return nil
}

// generated is a file as it should be.
type generated struct {
	path string
	text []byte
}

// generate reads the actions below root and returns every generated file.
func generate(root string) ([]generated, error) {
	manifests, err := load(root)
	if err != nil {
		return nil, err
	}
	text, err := rootAction(manifests)
	if err != nil {
		return nil, err
	}
	files := []generated{{path: filepath.Join(root, "action.yml"), text: text}}
	for _, m := range manifests {
		path := filepath.Join(m.dir, "README.md")
		readme, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading a README: %w", err)
		}
		readme, err = between(readme, "inputs", inputTable(m.Inputs))
		if err == nil {
			readme, err = between(readme, "outputs", outputTable(m.Outputs))
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", path, err)
		}
		files = append(files, generated{path: path, text: readme})
	}
	return files, nil
}

// load reads every action.yml, sorted by folder.
func load(root string) ([]manifest, error) {
	paths, err := filepath.Glob(filepath.Join(root, "actions", "*", "action.yml"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("no actions/*/action.yml below %q", root)
	}
	slices.Sort(paths)
	var manifests []manifest
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading an action: %w", err)
		}
		m := manifest{dir: filepath.Dir(path), action: filepath.Base(filepath.Dir(path))}
		if err := yaml.Unmarshal(text, &m); err != nil {
			return nil, fmt.Errorf("reading %q: %w", path, err)
		}
		manifests = append(manifests, m)
	}
	return manifests, nil
}

// rootAction joins the actions into one, whose input action picks the one to run. It is a docker
// action: a composite one could not reach its siblings.
func rootAction(manifests []manifest) ([]byte, error) {
	names := make([]string, 0, len(manifests))
	for _, m := range manifests {
		names = append(names, m.action)
	}
	inputs, err := union(manifests, func(m manifest) ordered { return m.Inputs })
	if err != nil {
		return nil, err
	}
	outputs, err := union(manifests, func(m manifest) ordered { return m.Outputs })
	if err != nil {
		return nil, err
	}
	in := yaml.MapSlice{{Key: "action", Value: yaml.MapSlice{
		{Key: "description", Value: "What to run: " + strings.Join(names, ", ") + "."}, {Key: "required", Value: true},
	}}}
	for _, e := range inputs {
		// What one action needs another does not know: the program tells what is missing.
		fields := yaml.MapSlice{{Key: "description", Value: e.Description}, {Key: "required", Value: false}}
		if e.Default != nil {
			fields = append(fields, yaml.MapItem{Key: "default", Value: *e.Default})
		}
		in = append(in, yaml.MapItem{Key: e.name, Value: fields})
	}
	out := yaml.MapSlice{}
	for _, e := range outputs {
		out = append(out, yaml.MapItem{Key: e.name, Value: yaml.MapSlice{{Key: "description", Value: e.Description}}})
	}
	text, err := yaml.MarshalWithOptions(yaml.MapSlice{
		{Key: "name", Value: "zenml-upgrade"},
		{Key: "description", Value: "Proves an upgrade of a ZenML server before it happens."},
		{Key: "author", Value: "zenml-upgrade"},
		{Key: "branding", Value: yaml.MapSlice{{Key: "icon", Value: "shield"}, {Key: "color", Value: "purple"}}},
		{Key: "inputs", Value: in}, {Key: "outputs", Value: out},
		{Key: "runs", Value: yaml.MapSlice{{Key: "using", Value: "docker"}, {Key: "image", Value: "Dockerfile"}}},
	})
	if err != nil {
		return nil, fmt.Errorf("writing the root action: %w", err)
	}
	return append([]byte("# Generated from actions/*/action.yml by tools/manifest; DO NOT EDIT.\n"), text...), nil
}

// union joins entries by name. Two actions that give one input different defaults cannot be
// joined: the runner passes a default as if it were given.
func union(manifests []manifest, part func(manifest) ordered) (ordered, error) {
	var all ordered
	said := map[string][]string{} // name to the actions that have it, with their words
	for _, m := range manifests {
		for _, e := range part(m) {
			said[e.name] = append(said[e.name], m.action+": "+e.Description)
			i := slices.IndexFunc(all, func(a entry) bool { return a.name == e.name })
			switch {
			case i < 0:
				all = append(all, e)
			case !same(all[i].Default, e.Default):
				return nil, fmt.Errorf("%q has another default in %s than in the actions before it", e.name, m.action)
			case all[i].Description != e.Description:
				all[i].Description = "" // told per action below
			}
		}
	}
	for i, e := range all {
		switch {
		case e.Description == "":
			all[i].Description = strings.Join(said[e.name], " ")
		case len(said[e.name]) < len(manifests):
			var names []string
			for _, s := range said[e.name] {
				name, _, _ := strings.Cut(s, ":")
				names = append(names, name)
			}
			all[i].Description = strings.Join(names, ", ") + ": " + e.Description
		}
	}
	return all, nil
}

func same(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

func inputTable(inputs ordered) string {
	var b strings.Builder
	b.WriteString("| input | default | what it is |\n| --- | --- | --- |\n")
	for _, e := range inputs {
		standard := ""
		switch {
		case e.Required:
			standard = "required"
		case e.Default != nil && *e.Default != "":
			standard = "`" + cell(*e.Default) + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", e.name, standard, cell(e.Description))
	}
	return b.String()
}

func outputTable(outputs ordered) string {
	var b strings.Builder
	b.WriteString("| output | what it is |\n| --- | --- |\n")
	for _, e := range outputs {
		fmt.Fprintf(&b, "| `%s` | %s |\n", e.name, cell(e.Description))
	}
	return b.String()
}

func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}

// between replaces what stands between <!-- mark --> and <!-- /mark -->.
func between(text []byte, mark, body string) ([]byte, error) {
	open, shut := []byte("<!-- "+mark+" -->"), []byte("<!-- /"+mark+" -->")
	before, rest, ok := bytes.Cut(text, open)
	_, after, ok2 := bytes.Cut(rest, shut)
	if !ok || !ok2 {
		return nil, fmt.Errorf("has no %s ... %s", open, shut)
	}
	return slices.Concat(before, open, []byte("\n"), []byte(body), shut, after), nil
}
