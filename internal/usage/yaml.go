package usage

import (
	"errors"
	"path"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

var (
	valuesName = regexp.MustCompile(`(?i)values[^/]*\.ya?ml$`)
	templated  = regexp.MustCompile(`(?m)^\s*\{\{|:\s*\{\{`)
)

// yamlFile reads workflows, Helm values, run configurations and manifests. Which of them a file is
// follows from what stands in it.
func (b *builder) yamlFile(p string, data []byte) error {
	f, err := parser.ParseBytes(data, 0)
	if err != nil {
		if !relevant.Match(data) {
			return nil
		}
		if templated.Match(data) { // a chart's template: no YAML before it is rendered
			return &lineError{0, "it is a template, which cannot be read before it is filled in"}
		}
		line := 0
		var bad yaml.Error
		if errors.As(err, &bad) && bad.GetToken() != nil {
			line = bad.GetToken().Position.Line
		}
		return &lineError{line, "it is not YAML that can be read"}
	}
	mentions := strings.Contains(strings.ToLower(string(data)), "zenml") || strings.Contains(strings.ToLower(p), "zenml")
	for _, d := range f.Docs {
		y := yamlDoc{b: b, file: p}
		if valuesName.MatchString(path.Base(p)) && (mentions || b.chartOfZenML(path.Dir(p))) {
			y.helm = true
		}
		y.walk(d.Body, "", "")
	}
	return nil
}

// chartOfZenML says whether a folder is a chart that has ZenML's as a part.
func (b *builder) chartOfZenML(dir string) bool {
	data, err := b.tree.Read(path.Join(dir, "Chart.yaml"))
	return err == nil && strings.Contains(strings.ToLower(string(data)), "zenml")
}

func (b *builder) jsonFile(p string, data []byte) error {
	if !relevant.Match(data) {
		return nil
	}
	return b.yamlFile(p, data)
}

// yamlDoc reads one document.
type yamlDoc struct {
	b    *builder
	file string
	helm bool // its keys are values for ZenML's chart
}

func (y *yamlDoc) put(kind Kind, name, text string, n ast.Node) {
	if t := n.GetToken(); t != nil {
		y.b.add(Place{File: y.file, Line: t.Position.Line, Kind: kind, Name: name, Text: text})
	}
}

// scripts are keys whose text a shell runs, in the workflow engines in use.
var scripts = map[string]bool{"run": true, "script": true, "before_script": true, "after_script": true, "command": true, "args": true, "bash": true, "commands": true, "entrypoint": true, "entry": true, "cmd": true, "cmds": true}

// walk reads a node; at is the dotted key that leads to it, key its last part.
func (y *yamlDoc) walk(n ast.Node, at, key string) {
	switch n := n.(type) {
	case *ast.MappingNode:
		inner := *y
		if !y.helm && chartSource(n) {
			inner.helm = true
			at = ""
		}
		for _, v := range n.Values {
			inner.pair(v, at)
		}
	case *ast.MappingValueNode:
		y.pair(n, at)
	case *ast.SequenceNode:
		if scripts[key] && words(n) {
			y.list(n)
			return
		}
		for _, v := range n.Values {
			y.walk(v, at, key)
		}
	case *ast.AnchorNode:
		y.walk(n.Value, at, key)
	case *ast.TagNode:
		y.walk(n.Value, at, key)
	case *ast.LiteralNode:
		y.text(n.Value.Value, n.Start.Position.Line+1, at, key, n)
	case *ast.StringNode:
		y.text(n.Value, n.Token.Position.Line, at, key, n)
	}
}

func (y *yamlDoc) pair(v *ast.MappingValueNode, at string) {
	if v.Key == nil || v.Key.GetToken() == nil {
		return
	}
	key := strings.Trim(v.Key.GetToken().Value, `"'`)
	full := key
	if at != "" {
		full = at + "." + key
	}
	if variable.MatchString(key) {
		y.put(Env, key, "", v.Key)
	}
	if y.helm {
		for _, cut := range []string{"values.", "valuesObject.", "helm.valuesObject.", "spec.values."} {
			full = strings.TrimPrefix(full, cut)
		}
		y.put(Helm, full, "", v.Key)
	} else {
		y.put(Config, full, "", v.Key)
	}
	y.walk(v.Value, full, key)
}

// chartSource says whether a mapping installs ZenML's chart (a release of Flux, an application of
// Argo CD, a release of helmfile): its values are that chart's.
func chartSource(n *ast.MappingNode) bool {
	for _, v := range n.Values {
		if v.Key == nil || v.Key.GetToken() == nil {
			continue
		}
		key := v.Key.GetToken().Value
		if s, ok := v.Value.(*ast.StringNode); ok && (key == "chart" || key == "repoURL") && strings.Contains(strings.ToLower(s.Value), "zenml") {
			return true
		}
		if m, ok := v.Value.(*ast.MappingNode); ok && (key == "chart" || key == "spec" || key == "source") && chartSource(m) {
			return true
		}
	}
	return false
}

func words(n *ast.SequenceNode) bool {
	for _, v := range n.Values {
		if _, ok := v.(*ast.StringNode); !ok {
			return false
		}
	}
	return len(n.Values) > 0
}

// list reads a list of words as one command, or each of them as a command of its own.
func (y *yamlDoc) list(n *ast.SequenceNode) {
	first, _ := n.Values[0].(*ast.StringNode)
	if strings.ContainsAny(first.Value, " ;&|") {
		for _, v := range n.Values {
			s, _ := v.(*ast.StringNode)
			y.b.shell(y.file, shellText{text: s.Value, line: s.Token.Position.Line, fixed: true})
		}
		return
	}
	var parts []string
	for _, v := range n.Values {
		s, _ := v.(*ast.StringNode)
		parts = append(parts, "'"+strings.ReplaceAll(s.Value, "'", `'\''`)+"'")
	}
	y.b.shell(y.file, shellText{text: strings.Join(parts, " "), line: first.Token.Position.Line, fixed: true})
}

func (y *yamlDoc) text(t string, line int, at, key string, n ast.Node) {
	if scripts[key] && t != "" {
		_, block := n.(*ast.LiteralNode)
		y.b.shell(y.file, shellText{text: t, line: line, fixed: !block})
		return
	}
	if name, _, _ := strings.Cut(t, "="); variable.MatchString(name) { // a list of NAME=value, or of name: NAME
		y.put(Env, name, "", n)
	}
	if key == "valuesInline" || key == "values" && strings.Contains(t, ":") && y.helm {
		if f, err := parser.ParseBytes([]byte(t), 0); err == nil && len(f.Docs) == 1 {
			inner := &yamlDoc{b: y.b, file: y.file, helm: true}
			before := len(y.b.x.places[Helm])
			inner.walk(f.Docs[0].Body, "", "")
			for i := before; i < len(y.b.x.places[Helm]); i++ {
				y.b.x.places[Helm][i].Line += line - 1
			}
		}
		return
	}
	if !strings.ContainsAny(t, " \n") && len(t) <= 100 {
		y.put(Word, t, at, n)
		if routeText.MatchString(t) {
			y.put(REST, t, "", n)
		}
	}
}
