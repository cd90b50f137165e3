package pin

import (
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

func readTerraform(r *reader, p string, data []byte) {
	if deep(data) {
		r.gap(p, 0, "it is nested too deeply to be read")
		return
	}
	file, diags := hclsyntax.ParseConfig(data, p, hcl.InitialPos)
	for _, d := range diags {
		line := 0
		if d.Subject != nil {
			line = d.Subject.Start.Line
		}
		if d.Severity == hcl.DiagError {
			r.gap(p, line, "it is not readable Terraform")
		}
	}
	if file == nil {
		return
	}
	if body, ok := file.Body.(*hclsyntax.Body); ok { // also beside an error: what was read counts
		r.body(p, body, "")
	}
}

// deep says whether brackets nest so deeply that a parser that calls itself would end the program.
func deep(data []byte) bool {
	level := 0
	for _, c := range data {
		switch c {
		case '{', '[', '(':
			if level++; level > 200 {
				return true
			}
		case '}', ']', ')':
			level--
		case '!', '-', '?': // operators nest without brackets
		}
	}
	return false
}

var (
	zenmlChart  = regexp.MustCompile(`(^|/)zenml$`)
	zenmlSource = regexp.MustCompile(`(?i)(^|[/:.])zenml-io/`)
	gitRef      = regexp.MustCompile(`(?i)zenml-io/zenml(?:\.git)?(?://[^?]*)?\?(?:.*&)?ref=([\w.-]+)`)
)

func (r *reader) body(p string, b *hclsyntax.Body, place string) {
	values := map[string]string{}
	lines := map[string]int{}
	for name, a := range b.Attributes {
		values[name], lines[name] = literal(a.Expr), a.SrcRange.Start.Line
		r.value(p, a.Expr, join(place, name), lines[name])
	}
	module := strings.HasPrefix(place, "module.")
	switch chart, source := values["chart"], values["source"]; {
	case gitRef.MatchString(source):
		tag := gitRef.FindStringSubmatch(source)[1]
		v, _ := tagged(tag)
		r.add(Pin{File: p, Line: lines["source"], Kind: Image, Place: join(place, "source"), Text: source, Version: v})
	case module && zenmlSource.MatchString(source), zenmlSource.MatchString(strings.TrimPrefix(place, "provider.")):
		r.add(Pin{File: p, Line: max(lines["version"], lines["source"]), Kind: Terraform, Place: place, Text: strings.TrimSpace(source + " " + values["version"]), Bounds: values["version"]})
	case chart != "" && zenmlChart.MatchString(chart) && values["version"] != "":
		v, _ := tagged(values["version"])
		r.add(Pin{File: p, Line: lines["version"], Kind: Chart, Place: place, Text: chart + " " + values["version"], Version: v})
	}
	if name := values["name"]; strings.HasSuffix(name, "image.tag") && strings.Contains(strings.ToLower(place+name), "zenml") {
		v, rest := tagged(values["value"])
		r.add(Pin{File: p, Line: lines["value"], Kind: HelmValue, Place: join(place, name), Text: name + " = " + values["value"], Version: v, Marker: rest})
	}
	if label := place[strings.LastIndexByte(place, '.')+1:]; strings.HasPrefix(place, "variable.") && variableName.MatchString(label) && values["default"] != "" {
		v, rest := tagged(values["default"])
		r.add(Pin{File: p, Line: lines["default"], Kind: Variable, Place: place, Text: label + " = " + values["default"], Version: v, Marker: rest})
	}
	for _, block := range b.Blocks {
		r.body(p, block.Body, join(place, strings.Join(append([]string{block.Type}, block.Labels...), ".")))
	}
}

// value takes what one attribute says by itself, and what the entries of an object do.
func (r *reader) value(p string, e hclsyntax.Expression, place string, line int) {
	if object, ok := e.(*hclsyntax.ObjectConsExpr); ok {
		values := map[string]string{}
		for _, item := range object.Items {
			key := hcl.ExprAsKeyword(item.KeyExpr)
			if key == "" {
				key = literal(item.KeyExpr)
			}
			at := item.ValueExpr.Range().Start.Line
			values[key] = literal(item.ValueExpr)
			r.value(p, item.ValueExpr, join(place, key), at)
		}
		if zenmlSource.MatchString(values["source"]) {
			r.add(Pin{File: p, Line: line, Kind: Terraform, Place: place, Text: strings.TrimSpace(values["source"] + " " + values["version"]), Bounds: values["version"]})
		}
		return
	}
	text := literal(e)
	if name := place[strings.LastIndexByte(place, '.')+1:]; variableName.MatchString(name) && text != "" {
		v, rest := tagged(text)
		r.add(Pin{File: p, Line: line, Kind: Variable, Place: place, Text: name + " = " + text, Version: v, Marker: rest})
		return
	}
	r.images(p, line, text, place)
}

// literal is the text of an expression that needs nothing else, empty for others.
func literal(e hcl.Expression) string {
	v, diags := e.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return ""
	}
	return v.AsString()
}

func join(place, name string) string {
	if place == "" {
		return name
	}
	return place + "." + name
}
