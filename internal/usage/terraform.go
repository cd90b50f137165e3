package usage

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// terraform reads the keys that a helm_release of ZenML's chart sets, and environment variables.
func (b *builder) terraform(p string, data []byte) error {
	f, diags := hclsyntax.ParseConfig(data, p, hcl.InitialPos)
	if diags.HasErrors() && relevant.Match(data) {
		line := 0
		if s := diags[0].Subject; s != nil {
			line = s.Start.Line
		}
		b.gap(p, line, "it is not Terraform that can be read")
	}
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		return nil
	}
	for _, block := range body.Blocks {
		if block.Type == "resource" && len(block.Labels) > 0 && block.Labels[0] == "helm_release" {
			b.helmRelease(p, block)
		}
	}
	return hclWalk(body, func(text string, line int) {
		if variable.MatchString(text) {
			b.add(Place{File: p, Line: line, Kind: Env, Name: text})
		}
	})
}

func (b *builder) helmRelease(p string, block *hclsyntax.Block) {
	zenml := false
	for _, name := range []string{"chart", "repository", "name"} {
		if a := block.Body.Attributes[name]; a != nil {
			zenml = zenml || strings.Contains(strings.ToLower(constant(a.Expr)), "zenml")
		}
	}
	if !zenml {
		return
	}
	for _, set := range block.Body.Blocks {
		if a := set.Body.Attributes["name"]; strings.HasPrefix(set.Type, "set") && a != nil {
			b.add(Place{File: p, Line: a.SrcRange.Start.Line, Kind: Helm, Name: constant(a.Expr)})
		}
	}
	for name, a := range block.Body.Attributes {
		list, ok := a.Expr.(*hclsyntax.TupleConsExpr)
		if !ok {
			continue
		}
		for _, e := range list.Exprs {
			switch e := e.(type) {
			case *hclsyntax.ObjectConsExpr: // set = [{ name = "a.b", value = 1 }]
				for _, item := range e.Items {
					if strings.HasPrefix(name, "set") && keyword(item.KeyExpr) == "name" {
						b.add(Place{File: p, Line: item.KeyExpr.Range().Start.Line, Kind: Helm, Name: constant(item.ValueExpr)})
					}
				}
			case *hclsyntax.FunctionCallExpr: // values = [yamlencode({ ... })]
				if name == "values" && e.Name == "yamlencode" && len(e.Args) == 1 {
					b.helmObject(p, e.Args[0], "")
				}
			}
		}
	}
}

func (b *builder) helmObject(p string, e hclsyntax.Expression, at string) {
	o, ok := e.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return
	}
	for _, item := range o.Items {
		full := strings.TrimPrefix(at+"."+keyword(item.KeyExpr), ".")
		b.add(Place{File: p, Line: item.KeyExpr.Range().Start.Line, Kind: Helm, Name: full})
		b.helmObject(p, item.ValueExpr, full)
	}
}

func keyword(e hclsyntax.Expression) string {
	if k, ok := e.(*hclsyntax.ObjectConsKeyExpr); ok {
		if word := hcl.ExprAsKeyword(k.Wrapped); word != "" {
			return word
		}
		return constant(k.Wrapped)
	}
	return constant(e)
}

// constant returns the text of an expression that needs nothing else, empty for others.
func constant(e hcl.Expression) string {
	v, diags := e.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return ""
	}
	return v.AsString()
}

// hclWalk calls found for every constant text and key.
func hclWalk(body *hclsyntax.Body, found func(text string, line int)) error {
	diags := hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.TemplateExpr:
			found(constant(n), n.Range().Start.Line)
		case *hclsyntax.ObjectConsKeyExpr:
			found(keyword(n), n.Range().Start.Line)
		}
		return nil
	})
	if diags.HasErrors() {
		return diags
	}
	return nil
}
