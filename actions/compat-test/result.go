package compattest

import (
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
)

// Result is what a compat-test found, with the lines at fault for GitHub.
type Result struct {
	*compat.Result
	track *action.Track // null: no tracking issue
}

// Tracked is what the tracking issue is told.
func (r *Result) Tracked() *action.Track { return r.track }

// Annotations are the lines at which the upgrade breaks a pipeline, then those that led to a warning of
// the new version. One that several runs met is marked once.
func (r *Result) Annotations() []action.Annotation {
	var out []action.Annotation
	for _, b := range r.Code {
		out = append(out, action.Annotation{Failure: true, File: b.File, Line: b.Line, Title: "Broken by the upgrade: " + b.Check, Message: b.Message})
	}
	type mark struct {
		file, message string
		line          int
	}
	var seen []mark
	for _, d := range r.Deprecated {
		if d.File == nil || d.Line == nil {
			continue // nobody's line
		}
		m := mark{*d.File, d.Message, *d.Line}
		if slices.Contains(seen, m) {
			continue
		}
		seen = append(seen, m)
		out = append(out, action.Annotation{File: m.file, Line: m.line, Title: "Deprecated: " + d.Kind, Message: d.Message})
	}
	return out
}
