package releasecheck

import (
	"fmt"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/impact"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// Document describes the result: the verdict, whom it hits, then what changed, then the checklist.
func (r *Result) Document() report.Document {
	if r.Upgrade != nil && r.Upgrade.Settled {
		return r.shortDocument()
	}
	d := report.Document{
		Title:    fmt.Sprintf("%s: ZenML %s to %s", name, *r.From, *r.To),
		Decision: r.Decision, Headline: r.headline(), Reasons: r.Reasons,
		Footer: fmt.Sprintf("zenml-upgrade %s, %.1f s. All facts with their evidence are in result.json.", r.ToolVersion, r.Seconds),
	}
	d.Sections = append(d.Sections, r.upgradeSections()...)
	d.Sections = append(d.Sections, r.codeSections()...)
	d.Sections = append(d.Sections, r.pinSections()...)
	d.Sections = append(d.Sections, r.serverSections()...)
	d.Sections = append(d.Sections, r.waiverSections()...)
	d.Sections = append(d.Sections, r.pathSection())
	d.Sections = append(d.Sections, r.securitySections()...)
	d.Sections = append(d.Sections, r.findingSections()...)
	d.Sections = append(d.Sections, r.migrationSections()...)
	d.Sections = append(d.Sections, r.apiSection(), r.releaseSection())
	d.Sections = append(d.Sections, r.planSections()...)
	return d
}

func (r *Result) headline() string {
	switch r.Decision {
	case verdict.Pass:
		return fmt.Sprintf("Nothing in this repository stands against ZenML %s.", *r.To)
	case verdict.Review:
		return fmt.Sprintf("Nothing breaks by proof; a person should read %s before the upgrade to ZenML %s.", report.Count(len(r.Reasons), "point"), *r.To)
	case verdict.Unknown:
		return fmt.Sprintf("Whether this repository works with ZenML %s is not known yet.", *r.To)
	case verdict.Block:
	}
	return fmt.Sprintf("This repository does not work with ZenML %s as it stands.", *r.To)
}

func (r *Result) codeSections() []report.Section {
	var out []report.Section
	for _, part := range []struct {
		title string
		list  []impact.Breakage
	}{{"Code that breaks", r.Code}, {"Code that uses what is deprecated", r.Deprecated}} {
		if len(part.list) == 0 {
			continue
		}
		t := report.Table{Header: []string{"Place", "What the type checker says of the new version only"}}
		for _, b := range part.list {
			message := b.Message
			if len(b.Findings) > 0 {
				message += " (told in " + strings.Join(b.Findings, ", ") + ")"
			}
			t.Rows = append(t.Rows, []report.Text{report.C(fmt.Sprintf("%s:%d", b.File, b.Line)), report.T(message)})
		}
		out = append(out, report.Section{Title: part.title, Blocks: []report.Block{t}})
	}
	return out
}

func (r *Result) pinSections() []report.Section {
	if r.Pins == nil || len(r.Pins.Conflicts) == 0 {
		return nil
	}
	t := report.Table{Header: []string{"Place", "Yours", "Needed by", "Fix (proved by the resolver)", "Python"}}
	s := report.Section{Title: "Pins in the way"}
	var proofs []report.Block
	shown := map[string]bool{}
	for _, c := range r.Pins.Conflicts {
		fix := report.T("none was proved")
		if c.Fix != nil {
			fix = report.C(*c.Fix)
		}
		t.Rows = append(t.Rows, []report.Text{report.C(fmt.Sprintf("%s:%d", c.File, c.Line)), report.C(c.Yours), report.T(c.NeededBy), fix, report.T(c.Python)})
		if !shown[c.Proof] {
			proofs = append(proofs, report.Code{Language: "text", Text: c.Proof})
		}
		shown[c.Proof] = true
	}
	s.Blocks = []report.Block{t}
	return []report.Section{s, {Title: "The resolver's words", Folded: true, Blocks: proofs}}
}

// titles are the categories in the order of a reader's interest.
var titles = []struct {
	category release.Category
	title    string
}{
	{release.Breaking, "Breaking changes"}, {release.Security, "Security"}, {release.Migration, "Database migrations"},
	{release.PythonSupport, "Python support"}, {release.Dependency, "Dependencies"}, {release.Deprecation, "Deprecations"},
	{release.Helm, "Helm"}, {release.KnownIssue, "Known issues"}, {release.Feature, "Features"},
}

func (r *Result) findingSections() []report.Section {
	var out []report.Section
	for _, c := range titles {
		t := report.Table{Header: []string{"Version", "Change", "Hits you", "Where or why", "Id"}}
		for _, f := range r.Findings {
			if f.Category != c.category {
				continue
			}
			change := report.T(f.Title)
			if f.URL != nil {
				change = report.Text{{Plain: f.Title, URL: *f.URL}}
			}
			affects := string(f.Affects)
			if f.Waiver != nil {
				affects += ", waived by " + *f.Waiver
			}
			t.Rows = append(t.Rows, []report.Text{report.T(f.Version), change, report.T(affects), report.T(ground(&f)), report.C(f.ID)})
		}
		if len(t.Rows) > 0 {
			out = append(out, report.Section{Title: fmt.Sprintf("%s (%d)", c.title, len(t.Rows)), Folded: true, Blocks: []report.Block{t}})
		}
	}
	return out
}

// ground is where a finding hits, else why it does not, or what would decide it.
func ground(f *release.Finding) string {
	switch {
	case f.WouldDecide != nil && len(f.Evidence) == 0:
		return "open: " + *f.WouldDecide
	case f.WouldDecide != nil:
		return where(f.Evidence) + "; open: " + *f.WouldDecide
	case len(f.Evidence) > 0:
		return where(f.Evidence)
	}
	return f.Reason
}

func where(evidence []release.Evidence) string {
	var parts []string
	for _, e := range evidence {
		if e.Line > 0 {
			parts = append(parts, fmt.Sprintf("%s:%d", e.File, e.Line))
		} else {
			parts = append(parts, e.File)
		}
	}
	return strings.Join(parts, ", ")
}

func (r *Result) releaseSection() report.Section {
	t := report.Table{Header: []string{"Release", "Published", "Notes"}}
	for _, rel := range r.Releases {
		published := "not known"
		if rel.PublishedAt != nil {
			published = rel.PublishedAt.Format("2006-01-02")
		}
		link := report.T(rel.Version)
		if rel.URL != nil {
			link = report.Text{{Plain: rel.Version, URL: *rel.URL}}
		}
		t.Rows = append(t.Rows, []report.Text{link, report.T(published), report.T(string(rel.Notes))})
	}
	used := strings.Join(r.Python.Used, ", ")
	if used == "" {
		used = "not known"
	}
	text := "Python in use: " + used
	if r.Python.RequiresNew != nil {
		text += "; ZenML " + *r.To + " requires " + *r.Python.RequiresNew
	}
	return report.Section{Title: fmt.Sprintf("Releases crossed (%d) and Python", len(r.Releases)), Folded: true, Blocks: []report.Block{t, report.Para{Text: report.T(text)}}}
}

func oneLine(err error) string {
	text := []rune(strings.Join(strings.Fields(err.Error()), " "))
	if len(text) > 400 {
		text = append(text[:399], '…')
	}
	return string(text)
}

func breakages(list []impact.Breakage) []string {
	var out []string
	for _, b := range list {
		out = append(out, fmt.Sprintf("%s:%d: %s", b.File, b.Line, b.Message))
	}
	return out
}

func gaps(list []repo.Gap) []string {
	var out []string
	for _, g := range list {
		out = append(out, g.String())
	}
	return out
}
