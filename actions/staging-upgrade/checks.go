package stagingupgrade

import (
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// judgeDifferences names what the new version does otherwise without losing anything: for a person to
// look at before the real upgrade.
func (r *Result) judgeDifferences() {
	d := r.Differences
	if d == nil {
		return
	}
	for _, g := range []struct {
		code, text string
		what       []string
	}{
		{"boundaries_changed", "the new version refuses or answers otherwise in %d places, and no release note that is known here says so", d.Boundaries},
		{"definitions_changed", "%d settings of stacks, components or connectors are others after the upgrade", d.Definitions},
		{"components_unknown", "%d stack components could not be made here by both versions, so that nothing is known of them", d.Components},
	} {
		if n := len(g.what); n > 0 {
			r.Reasons = append(r.Reasons, verdict.Because(verdict.Review, g.code, fmt.Sprintf(g.text, n), g.what))
		}
	}
}

// checks shows every examination; one that did not run says why.
func (r *Result) checks() report.Block {
	t := report.Table{Header: []string{"Check", "Server", "Status", "Seconds", "Detail"}}
	for _, c := range r.Checks {
		t.Rows = append(t.Rows, []report.Text{report.T(c.Name), report.T(c.Server), report.T(string(c.Status)), report.T(fmt.Sprintf("%.1f", c.Seconds)), report.T(c.Detail)})
	}
	return t
}
