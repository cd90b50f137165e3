package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

//go:embed report.tmpl.html
var htmlSource string

//go:embed report.css
var htmlStyle string

var htmlTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"line": oneLine, "inline": inline, "verbatim": verbatim, "href": webURL, "word": decisionWord,
	"kind": blockKind, "mark": decisionMark, "class": decisionClass, "cells": cells, "layout": Gantt.layout,
}).Parse(htmlSource))

// HTML writes d as one file that needs nothing else: no script, no font, no address is loaded,
// and its own policy forbids the browser to. It follows the reader's light or dark setting and
// prints with every folded part open.
func HTML(w io.Writer, d Document) error {
	sum := sha256.Sum256([]byte(htmlStyle))
	err := htmlTemplate.Execute(w, map[string]any{
		"Doc": d,
		// The style is ours, from the build; its digest is what the policy allows.
		"Style":  template.CSS(htmlStyle), //nolint:gosec // G203: a constant of this package
		"Policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'",
	})
	if err != nil {
		return fmt.Errorf("writing the HTML report: %w", err)
	}
	return nil
}

func blockKind(b Block) string {
	switch b.(type) {
	case Para:
		return "para"
	case List:
		return "list"
	case Table:
		return "table"
	case Code:
		return "code"
	case Checklist:
		return "checklist"
	case Mermaid:
		return "mermaid"
	case Gantt:
		return "gantt"
	}
	return ""
}

// decisionClass is the decision as a style class; what is not known is shown as unknown.
func decisionClass(d verdict.Decision) string { return strings.ToLower(decisionWord(d)) }

// decisionMark is a sign beside the colour, for those who do not see it.
func decisionMark(d verdict.Decision) string {
	return map[string]string{"pass": "✓", "review": "!", "unknown": "?", "block": "✕"}[decisionClass(d)]
}

// cells returns a row with exactly as many cells as the table has columns.
func cells(t Table, r []Text) []Text {
	out := make([]Text, len(t.Header))
	copy(out, r)
	return out
}
