package stagingupgrade

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// judgeRehearsal tells what the rehearsal found that does not stop the upgrade.
func (r *Result) judgeRehearsal() {
	if r.Rehearsal == nil {
		return
	}
	var failed []string
	for _, s := range r.Rehearsal.Skew {
		if s.Status == "failed" {
			failed = append(failed, s.Call)
		}
	}
	if len(failed) > 0 {
		r.Reasons = append(r.Reasons, verdict.Because(verdict.Review, "old_clients_break",
			fmt.Sprintf("clients of %s fail in %d of %d calls on the new server: upgrade them together with it", deref(r.From), len(failed), len(r.Rehearsal.Skew)), failed))
	}
}

// brokenMigration explains a revision that failed. Here nothing is shown that may be a value of a row.
func (r *Result) brokenMigration() []report.Text {
	b := r.Failure.Migration
	if b == nil {
		return nil
	}
	statement, message := b.Masked()
	items := []report.Text{{{Plain: "Migration that failed: ", Bold: true}, {Code: b.Revision}, {Plain: " " + b.Title}}}
	if b.Version != "" {
		items = append(items, report.Text{{Plain: "It came with: ", Bold: true}, {Plain: "ZenML " + b.Version}})
	}
	if b.Table != "" {
		items = append(items, report.Text{{Plain: "Table: ", Bold: true}, {Code: b.Table}})
	}
	if statement != "" {
		items = append(items, report.Text{{Plain: "Statement: ", Bold: true}, {Code: statement}})
	}
	items = append(items, report.Text{{Plain: "ZenML says: ", Bold: true}, {Code: strings.TrimPrefix(b.Class+": "+message, ": ")}})
	if b.Repair != "" {
		items = append(items, report.Text{{Plain: "Repair: ", Bold: true}, {Plain: b.Repair}})
	}
	return items
}

// slowest is how many revisions the report shows.
const slowest = 10

func (r *Result) rehearsalSections() []report.Section {
	h := r.Rehearsal
	if h == nil {
		return nil
	}
	ways := report.Table{Header: []string{"Way", "Result", "Stops", "Migration s", "Predicted downtime s"}}
	for _, w := range h.Ways {
		result := "passed"
		if w.Failure != nil {
			result = "failed: " + *w.Failure
		}
		var stops []string
		for _, s := range w.Stops {
			stops = append(stops, fmt.Sprintf("%s (%.1f s)", s.Version, s.Seconds))
		}
		ways.Rows = append(ways.Rows, []report.Text{report.T(w.Name), report.T(result), report.T(strings.Join(stops, ", ")),
			report.T(fmt.Sprintf("%.1f", w.MigrationSeconds)), report.T(seconds(w.DowntimeSeconds))})
	}
	proposed := report.List{Items: []report.Text{{{Plain: "Proposed way: ", Bold: true}, {Plain: cmp.Or(h.Way, "none")}, {Plain: " (" + h.Because + ")"}}}}
	out := []report.Section{{Title: "Rehearsal", Blocks: []report.Block{proposed, ways}}}
	if t := revisions(h.Revisions); len(t.Rows) > 0 {
		out = append(out, report.Section{Title: fmt.Sprintf("The slowest of %d migrations", len(h.Revisions)), Folded: true, Blocks: []report.Block{t}})
	}
	if len(h.Skew) > 0 {
		t := report.Table{Header: []string{"Call", fmt.Sprintf("Client %s on server %s", h.Skew[0].Client, h.Skew[0].Server), "Why"}}
		for _, s := range h.Skew {
			t.Rows = append(t.Rows, []report.Text{report.C(s.Call), report.T(s.Status), report.T(s.Detail)})
		}
		out = append(out, report.Section{Title: "Old clients on the new server", Folded: true, Blocks: []report.Block{t}})
	}
	return out
}

func revisions(all []upgrade.RevisionTime) report.Table {
	list := slices.DeleteFunc(slices.Clone(all), func(x upgrade.RevisionTime) bool { return migration.Marks(x.Revision) })
	slices.SortStableFunc(list, func(a, b upgrade.RevisionTime) int { return cmp.Compare(b.Seconds, a.Seconds) })
	t := report.Table{Header: []string{"Revision", "Came with", "Seconds"}}
	for _, x := range list[:min(slowest, len(list))] {
		t.Rows = append(t.Rows, []report.Text{report.C(x.Revision), report.T(x.Version), report.T(fmt.Sprintf("%.2f", x.Seconds))})
	}
	return t
}
