package releasecheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// plan makes the checklist for this upgrade out of the guide and what was found.
func (r *Result) plan(s *settings, g *gathered) error {
	c := checklist.Conditions{
		Deployment: checklist.Deployment(s.cfg.Deployment), From: s.from, To: s.to,
		Path: r.Path, Before: g.path.Conditions, Acks: r.acknowledged(),
	}
	yes := len(r.Code) > 0 || slices.ContainsFunc(r.Findings, func(f release.Finding) bool { return f.Category == release.Breaking && f.Affects != release.No })
	if yes || r.Code != nil && r.notesComplete() {
		c.Breaking = &yes
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Source == "notes" {
			if first, ok := checklist.OrderOf(f.Title + "\n" + f.Text); ok {
				c.Orders = append(c.Orders, checklist.Order{ClientsFirst: first, Why: fmt.Sprintf("%s (release notes of %s, finding %s)", f.Title, f.Version, f.ID)})
			}
		}
	}
	phases, err := checklist.Make(c, r.proofs())
	r.Checklist = phases
	if s.start != nil {
		r.Schedule = checklist.Plan(*s.start, c.Breaking == nil || *c.Breaking)
	}
	return err
}

// acknowledged are the breaking changes that hit and that a valid waiver takes note of.
func (r *Result) acknowledged() []checklist.Acknowledged {
	var out []checklist.Acknowledged
	for _, w := range r.Waivers {
		if w.State != Applied && w.State != StepOpen || w.Migrated == nil {
			continue
		}
		i := slices.IndexFunc(r.Findings, func(f release.Finding) bool { return f.ID == w.Finding })
		out = append(out, checklist.Acknowledged{Finding: w.Finding, Title: r.Findings[i].Title, Owner: w.Owner, Migrated: *w.Migrated})
	}
	return out
}

func (r *Result) notesComplete() bool {
	return len(r.Releases) > 0 && !slices.ContainsFunc(r.Reasons, func(x verdict.Reason) bool {
		return strings.HasPrefix(x.Code, "notes_") || x.Code == "versions_unknown"
	})
}

// proofs are the guide's steps that this run can say something of.
func (r *Result) proofs() map[string]checklist.Proof {
	out := map[string]checklist.Proof{}
	put := func(state checklist.State, evidence string, ids ...string) {
		for _, id := range ids {
			out[id] = checklist.Proof{State: state, Evidence: evidence}
		}
	}
	if r.notesComplete() {
		put(checklist.Done, fmt.Sprintf("%s read, %s", report.Count(len(r.Releases), "release"), report.Count(len(r.Findings), "finding")), checklist.NotesRead, checklist.ChangeNotes)
		put(checklist.Done, r.count(release.Security), checklist.SecurityRead)
		put(checklist.Done, r.count(release.Feature), checklist.FeaturesRead)
	}
	if unread := slices.ContainsFunc(r.Reasons, func(x verdict.Reason) bool { return x.Code == "migrations_unknown" }); r.Migrations != nil && !unread {
		put(checklist.Done, report.Count(len(r.Migrations), "migration")+" read from both wheels", checklist.MigrationsRead)
		put(checklist.Open, report.Count(len(r.Migrations), "migration")+", which the server runs by itself", checklist.ChangeScripts)
	}
	if ok := r.Python.Supported; ok != nil && *ok {
		put(checklist.Done, strings.Join(r.Python.Used, ", ")+" against "+*r.Python.RequiresNew, checklist.PlanPython, checklist.PythonSupport)
	} else if ok != nil {
		put(checklist.Failed, strings.Join(r.Python.Unsupported, ", ")+" against "+*r.Python.RequiresNew, checklist.PlanPython, checklist.PythonSupport)
	}
	pins := []string{checklist.PlanPins, checklist.Dependencies, checklist.ChangePins}
	if r.Pins != nil && len(r.Pins.Conflicts) > 0 {
		put(checklist.Failed, report.Count(len(r.Pins.Conflicts), "conflict"), pins...)
	} else if r.Pins != nil && len(r.Pins.Already)+len(r.Pins.Unjudged) == 0 {
		put(checklist.Done, "resolved for Python "+strings.Join(r.Python.Used, ", "), pins...)
	}
	if len(r.Code) > 0 {
		put(checklist.Failed, report.Count(len(r.Code), "breakage"), checklist.PlanCode)
	} else if r.Code != nil && len(r.CodeGaps) == 0 {
		// A type check is a part of the review, not all of it: the box stays for a person.
		put(checklist.Open, "the type check found no breakage", checklist.PlanCode)
	}
	return out
}

func (r *Result) count(c release.Category) string {
	n := 0
	for i := range r.Findings {
		if r.Findings[i].Category == c {
			n++
		}
	}
	return report.Count(n, "finding")
}

// planSections are the days, the guide's steps and what the matrix could not hold.
func (r *Result) planSections() []report.Section {
	out := append([]report.Section{r.Schedule.Section()}, checklist.Sections(r.Checklist)...)
	if len(r.MatrixNotes) > 0 {
		var list report.List
		for _, n := range r.MatrixNotes {
			list.Items = append(list.Items, report.T(n))
		}
		out = append(out, report.Section{Title: "The matrix of compat-test", Folded: true, Blocks: []report.Block{list}})
	}
	return out
}
