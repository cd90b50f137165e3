package releasecheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

// securitySections lists the fixes that the version in use lacks.
func (r *Result) securitySections() []report.Section {
	t := report.Table{Header: []string{"Fixed in", "Advisories", "What", "Exposed", "Where"}}
	for _, f := range r.Findings {
		if f.Exposed != nil {
			t.Rows = append(t.Rows, []report.Text{report.T(f.Version), report.T(strings.Join(f.CVEs, ", ")), report.T(f.Title), report.T(*f.Exposed), report.T(where(f.Evidence))})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []report.Section{{Title: fmt.Sprintf("Security fixes that ZenML %s lacks (%d)", *r.From, len(t.Rows)), Folded: true, Blocks: []report.Block{t}}}
}

// apiSection counts the differences of the APIs, used or not.
func (r *Result) apiSection() report.Section {
	t := report.Table{Header: []string{"API", "Differences", "By kind", "Findings"}}
	for _, a := range []struct {
		name string
		d    *APIDifferences
	}{{"Python", r.API.Python}, {"REST", r.API.REST}} {
		if a.d == nil {
			t.Rows = append(t.Rows, []report.Text{report.T(a.name), report.T("could not be compared"), report.T(""), report.T("")})
			continue
		}
		var kinds []string
		for _, k := range slices.Sorted(maps.Keys(a.d.Kinds)) {
			kinds = append(kinds, fmt.Sprintf("%s %d", k, a.d.Kinds[k]))
		}
		t.Rows = append(t.Rows, []report.Text{report.T(a.name), report.T(fmt.Sprint(a.d.Changes)), report.T(strings.Join(kinds, ", ")), report.T(fmt.Sprint(a.d.Findings))})
	}
	return report.Section{Title: "Differences of the APIs, used here or not (all in api-changes.json)", Folded: true, Blocks: []report.Block{t}}
}
