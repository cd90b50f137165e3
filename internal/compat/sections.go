package compat

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

func (r *Result) artifactSection() report.Section {
	t := report.Table{Header: []string{"artifact", "type", "old", "new", "same value", "class of failure"}}
	for _, a := range r.Artifacts {
		kind, same, class := "unknown", "not compared", ""
		if a.Class != nil {
			class = words(*a.Class)
		}
		if a.Type != nil {
			kind = *a.Type
		}
		if a.SameValue != nil {
			same = map[bool]string{true: "yes", false: "no"}[*a.SameValue]
		}
		t.Rows = append(t.Rows, []report.Text{
			report.C(a.label()), report.C(kind), report.T(string(a.LoadOld)), report.T(string(a.LoadNew)), report.T(same), report.T(class),
		})
	}
	count := fmt.Sprintf("%d of the old server's %s were tried on both versions.", len(r.Artifacts), report.Count(r.held, "artifact version"))
	return report.Section{
		Title: "Artifacts of the old version", Folded: true, Blocks: []report.Block{report.Para{Text: report.T(count)}, t},
	}
}

func (r *Result) deprecatedSection() report.Section {
	t := report.Table{Header: []string{"check", "where", "what the new version says"}}
	for _, d := range r.Deprecated {
		where := report.T("not in your code")
		if d.File != nil && d.Line != nil {
			where = report.C(fmt.Sprintf("%s:%d", *d.File, *d.Line))
		}
		t.Rows = append(t.Rows, []report.Text{report.C(d.Check), where, report.C(d.Message)})
	}
	return report.Section{Title: "Warnings of what will go", Folded: true, Blocks: []report.Block{t}}
}

// logs shows the end of what those runs wrote that did not simply pass.
func (r *Result) logs() report.Section {
	s := report.Section{Title: "Logs", Folded: true}
	for _, c := range r.Checks {
		if c.Verdict == OK {
			continue
		}
		for _, side := range []struct {
			name string
			at   Attempt
		}{{"old", c.Baseline}, {"new", c.Candidate}} {
			if side.at.tail == "" {
				continue
			}
			head := report.Text{{Code: c.Name}, {Plain: " on the " + side.name + " version"}}
			if side.at.Log != nil {
				head = append(head, report.Span{Plain: ", the end of "}, report.Span{Code: *side.at.Log})
			}
			s.Blocks = append(s.Blocks, report.Para{Text: head}, report.Code{Text: side.at.tail})
		}
	}
	return s
}

// slowest lists the ten checks that took longest in both worlds together.
func (r *Result) slowest() report.Table {
	seconds := func(c Check) (sum float64) {
		for _, s := range []*float64{c.Baseline.Seconds, c.Candidate.Seconds} {
			if s != nil {
				sum += *s
			}
		}
		return sum
	}
	timed := slices.DeleteFunc(slices.Clone(r.Checks), func(c Check) bool { return seconds(c) == 0 })
	slices.SortStableFunc(timed, func(a, b Check) int { return cmp.Compare(seconds(b), seconds(a)) })
	return table(timed[:min(10, len(timed))])
}
