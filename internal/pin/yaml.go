package pin

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/zenml-upgrade/zenml-upgrade/internal/yamltree"
)

var composeDefault = regexp.MustCompile(`\$\{[A-Za-z0-9_]+:?-([^}]*)\}`)

// unspoken are keys whose values say nothing by themselves.
var unspoken = []string{"name", "description", "title", "repository", "newName"}

// yamlFile is one YAML file that is walked.
type yamlFile struct {
	*reader
	file string
	kind Kind // of commands in it
}

func readYAML(r *reader, p string, data []byte) {
	f := &yamlFile{reader: r, file: p, kind: Requirement}
	if strings.HasPrefix(p, ".github/") || strings.HasPrefix(path.Base(p), "action.") {
		f.kind = Workflow
	}
	docs, err := yamltree.Parse(data)
	if err != nil {
		if strings.Contains(string(data), "{{") && f.kind != Workflow {
			r.script(p, 1, string(data), Script, "") // a template: its text is all there is
			return
		}
		line := 0
		if at, ok := err.(*yamltree.Error); ok { //nolint:errorlint // Parse returns no other
			line = at.Line
		}
		r.gap(p, line, "it is not readable YAML")
		r.script(p, 1, string(data), f.kind, "")
		return
	}
	for _, d := range docs {
		f.walk(d, "")
	}
}

func (f *yamlFile) walk(n ast.Node, place string) {
	pairs := yamltree.Pairs(n)
	f.mapping(pairs, place)
	for _, p := range pairs {
		text, line, scalar := yamltree.Text(p.Value)
		if scalar {
			f.scalar(text, line, p.Key, join(place, p.Key))
		} else {
			f.walk(p.Value, join(place, p.Key))
		}
	}
	for i, item := range yamltree.Items(n) {
		at := fmt.Sprintf("%s[%d]", place, i)
		if name, _, ok := yamltree.Text(yamltree.Value(item, "name")); ok {
			at = fmt.Sprintf("%s[%s]", place, name) // an entry that moves keeps its name
		}
		if text, line, ok := yamltree.Text(item); ok {
			f.scalar(text, line, "", at)
		} else {
			f.walk(item, at)
		}
	}
}

// scalar takes what one value says.
func (f *yamlFile) scalar(text string, line int, key, place string) {
	text = composeDefault.ReplaceAllString(text, "$1")
	switch {
	case variableName.MatchString(key):
		if v, rest := tagged(text); v != nil {
			f.add(Pin{File: f.file, Line: line, Kind: Variable, Place: place, Text: key + ": " + text, Version: v, Marker: rest})
		}
	case strings.Contains(strings.ToLower(text), "zenml") && !slices.Contains(unspoken, key):
		f.script(f.file, line, text, f.kind, place)
	}
}

// mapping takes what the keys of one mapping say together.
func (f *yamlFile) mapping(pairs []yamltree.Pair, place string) {
	values, lines := map[string]string{}, map[string]int{}
	for _, p := range pairs {
		if text, line, ok := yamltree.Text(p.Value); ok {
			values[p.Key], lines[p.Key] = text, line
		}
	}
	pin := func(kind Kind, key, text string) {
		v, rest := tagged(values[key])
		f.add(Pin{File: f.file, Line: lines[key], Kind: kind, Place: join(place, key), Text: text, Version: v, Marker: rest})
	}
	repository := strings.Trim(values["registry"]+"/"+values["repository"], "/")
	_, hasTag := values["tag"]
	named := strings.Contains(strings.ToLower(place+" "+f.file), "zenml")
	switch {
	case hasTag && imageName.MatchString(repository), hasTag && repository == "zenml-server",
		hasTag && repository == "" && strings.HasSuffix("."+place, ".image") && named:
		pin(HelmValue, "tag", strings.TrimSpace(repository+" tag "+values["tag"]))
	case values["newTag"] != "" && imageName.MatchString(values["name"]):
		pin(Image, "newTag", values["name"]+":"+values["newTag"])
	case zenmlChart.MatchString(values["chart"]) && values["targetRevision"] != "":
		pin(Chart, "targetRevision", values["chart"]+" "+values["targetRevision"])
	case zenmlChart.MatchString(values["chart"]) && values["version"] != "":
		pin(Chart, "version", values["chart"]+" "+values["version"])
	case values["name"] == "zenml" && values["version"] != "" && (path.Base(f.file) == "Chart.yaml" || path.Base(f.file) == "Chart.lock" || values["repo"]+values["repository"] != ""):
		pin(Chart, "version", "zenml "+values["version"])
	}
}
