package compat

import (
	"fmt"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// Document describes the result for the writers.
func (r *Result) Document() report.Document {
	d := report.Document{
		Title:    fmt.Sprintf("compat-test: ZenML %s to %s", *r.From, *r.To),
		Decision: r.Decision, Headline: r.headline(), Reasons: r.Reasons,
		Footer: fmt.Sprintf("zenml-upgrade %s, %.0f s", r.ToolVersion, r.Seconds),
	}
	if r.Machine != nil {
		d.Footer += ", " + r.Machine.String()
	}
	d.Sections = append(d.Sections, r.odd(), r.pipelines())
	if len(r.Pythons) > 0 {
		d.Sections = append(d.Sections, r.pythonSection())
	}
	if len(r.Pins.Files) > 0 && !r.Pins.Resolved {
		d.Sections = append(d.Sections, r.pinSection())
	}
	if r.Servers != nil {
		d.Sections = append(d.Sections, r.Servers.section(*r.From, *r.To))
	}
	if len(r.Skew) > 0 {
		d.Sections = append(d.Sections, r.skewSection())
	}
	if len(r.Artifacts) > 0 {
		d.Sections = append(d.Sections, r.artifactSection())
	}
	if len(r.Deprecated) > 0 {
		d.Sections = append(d.Sections, r.deprecatedSection())
	}
	if logs := r.logs(); len(logs.Blocks) > 0 {
		d.Sections = append(d.Sections, logs)
	}
	if slow := r.slowest(); len(slow.Rows) > 0 {
		d.Sections = append(d.Sections, report.Section{Title: "The slowest ten", Folded: true, Blocks: []report.Block{slow}})
	}
	d.Sections = append(d.Sections, report.Section{
		Title: "All checks", Folded: true, Blocks: []report.Block{table(r.Checks)},
	})
	return d
}

func (r *Result) headline() string {
	counts := map[Verdict]int{}
	for _, c := range r.Checks {
		counts[c.Verdict]++
	}
	good := fmt.Sprintf("%d of %d checks pass on both versions", counts[OK], len(r.Checks))
	switch r.Decision {
	case verdict.Block:
		return fmt.Sprintf("The upgrade breaks %s; %s.", report.Count(counts[BrokenByUpgrade], "check"), good)
	case verdict.Unknown:
		return "What the upgrade does to this code could not be found out; " + good + "."
	case verdict.Review:
		return good + "; read the reasons before you upgrade."
	default:
		return good + "."
	}
}

// odd shows the checks that are not simply ok, with what was said.
func (r *Result) odd() report.Section {
	s := report.Section{Title: "Checks that stand out"}
	for _, c := range r.Checks {
		if c.Verdict == OK {
			continue
		}
		s.Blocks = append(s.Blocks, report.Para{Text: report.Text{{Code: c.Name}, {Plain: ": " + words(c.Verdict), Bold: true}, {Plain: weight(c)}}})
		if c.Cause != nil {
			s.Blocks = append(s.Blocks, report.Code{Text: *c.Cause})
		}
	}
	if len(s.Blocks) == 0 {
		s.Blocks = append(s.Blocks, report.Para{Text: report.T("None.")})
	}
	return s
}

// weight says of a check that it does not count.
func weight(c Check) string {
	if c.Required {
		return ""
	}
	return " (optional: the decision does not rest on it)"
}

func (r *Result) pipelines() report.Section {
	var own []Check
	for _, c := range r.Checks {
		if strings.HasPrefix(c.Name, "pipeline:") {
			own = append(own, c)
		}
	}
	s := report.Section{Title: "Your pipelines"}
	if len(own) == 0 {
		s.Blocks = append(s.Blocks, report.Para{Text: report.T("None was run: name them under pipelines in the configuration.")})
		return s
	}
	s.Blocks = append(s.Blocks, table(own))
	return s
}

func table(checks []Check) report.Table {
	t := report.Table{Header: []string{"check", "old", "new", "verdict"}}
	for _, c := range checks {
		t.Rows = append(t.Rows, []report.Text{report.C(c.Name), side(c.Baseline), side(c.Candidate), report.T(words(c.Verdict))})
	}
	return t
}

func side(a Attempt) report.Text {
	if a.Seconds == nil {
		return report.T(string(a.Status))
	}
	return report.T(fmt.Sprintf("%s, %.1f s", a.Status, *a.Seconds))
}

// words writes a verdict or a class of failure for a person.
func words[T ~string](v T) string { return strings.ReplaceAll(string(v), "_", " ") }

func (r *Result) pinSection() report.Section {
	s := report.Section{Title: "Requirements"}
	s.Blocks = append(s.Blocks, report.Para{Text: report.T("They cannot be installed beside the new version. The resolver says:")})
	if r.Pins.Proof != nil {
		s.Blocks = append(s.Blocks, report.Code{Text: *r.Pins.Proof})
	}
	var items []report.Text
	for _, line := range r.Pins.Dropped {
		items = append(items, report.C(line))
	}
	if len(items) > 0 {
		s.Blocks = append(s.Blocks, report.Para{Text: report.T("The new client ran without:")}, report.List{Items: items})
	}
	return s
}
