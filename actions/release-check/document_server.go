package releasecheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// waiverSections shows who answers for what, and until when.
func (r *Result) waiverSections() []report.Section {
	if len(r.Waivers) == 0 {
		return nil
	}
	says := map[WaiverState]string{
		Applied: "holds: the finding is lifted", Expired: "expired: the finding blocks", StepOpen: "acknowledged, its migration step is not ticked: the finding blocks", Needless: "not needed: the finding does not stand against the upgrade",
		OtherUpgrade: "of another upgrade", UnknownFinding: "without effect: no finding has this id",
	}
	t := report.Table{Header: []string{"Finding", "Owner", "Until", "Reason", "State"}}
	for _, w := range r.Waivers {
		t.Rows = append(t.Rows, []report.Text{report.C(w.Finding), report.T(w.Owner), report.T(w.Expires), report.T(w.Reason), report.T(says[w.State])})
	}
	return []report.Section{{Title: fmt.Sprintf("Waivers (%d)", len(r.Waivers)), Blocks: []report.Block{t}}}
}

// pathSection shows the way, one line for each server that is started. It is open when something about
// it needs a decision.
func (r *Result) pathSection() report.Section {
	t := report.Table{Header: []string{"From", "To", "Python", "Why", "With it"}}
	for _, h := range r.Path {
		python := "not known"
		if h.Python != nil {
			python = *h.Python
		}
		t.Rows = append(t.Rows, []report.Text{report.T(h.From), report.T(h.To), report.T(python), report.T(h.Reason), report.T(strings.Join(h.Advice, "; "))})
	}
	asks := slices.ContainsFunc(r.Reasons, func(x verdict.Reason) bool {
		return strings.HasPrefix(x.Code, "path_") || x.Code == "target_faulty"
	})
	return report.Section{Title: fmt.Sprintf("The way (%s)", report.Count(len(r.Path), "hop")), Folded: !asks && len(r.Path) == 1, Blocks: []report.Block{t}}
}

// migrationSections lists what the new server runs on the database, those that only add included.
func (r *Result) migrationSections() []report.Section {
	if len(r.Migrations) == 0 {
		return nil
	}
	t := report.Table{Header: []string{"Version", "Revision", "Does", "Tables", "Takes away", "Can be undone"}}
	lost := 0
	for _, m := range r.Migrations {
		var does []string
		for _, kind := range slices.Sorted(maps.Keys(m.Operations)) {
			does = append(does, fmt.Sprintf("%s %d", kind, m.Operations[kind]))
		}
		takes, undo := "no", "yes"
		switch {
		case m.Destructive == nil:
			takes = "not known"
		case *m.Destructive:
			takes = m.Loses()
			lost++
		}
		if m.Irreversible {
			undo = "no"
		}
		t.Rows = append(t.Rows, []report.Text{report.T(m.Version), report.C(m.Revision), report.T(strings.Join(does, ", ")),
			report.T(strings.Join(m.Tables, ", ")), report.T(takes), report.T(undo)})
	}
	return []report.Section{{
		Title: fmt.Sprintf("What runs on the database (%s, %d take something away)", report.Count(len(r.Migrations), "migration"), lost), Folded: true, Blocks: []report.Block{t},
	}}
}
