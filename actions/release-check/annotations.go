package releasecheck

import (
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
)

// Annotations are the lines at fault: code that breaks, pins in the way, then code that uses what is
// deprecated.
func (r *Result) Annotations() []action.Annotation {
	var out []action.Annotation
	for _, b := range r.Code {
		out = append(out, action.Annotation{Failure: true, File: b.File, Line: b.Line, Title: "Breaks: " + b.Rule, Message: b.Message})
	}
	if r.Pins != nil {
		for _, c := range r.Pins.Conflicts {
			message := fmt.Sprintf("%s cannot be installed with the new version on Python %s: %s", c.Yours, c.Python, c.NeededBy)
			if c.Fix != nil {
				message += "\nProved to work: " + *c.Fix
			}
			out = append(out, action.Annotation{Failure: true, File: c.File, Line: c.Line, Title: "Pin in the way: " + c.Package, Message: message})
		}
	}
	for _, b := range r.Deprecated {
		out = append(out, action.Annotation{File: b.File, Line: b.Line, Title: "Deprecated: " + b.Rule, Message: b.Message})
	}
	return out
}
