package releasecheck

import (
	"fmt"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pin"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
	"github.com/zenml-upgrade/zenml-upgrade/internal/which"
)

// short is the result of a run that ends with which upgrade it is.
func (s *settings) short() *Result {
	r := &Result{Common: report.Common{GitHub: report.GitHubUse{Requests: s.requests()}, Reasons: s.settled}, Upgrade: s.upgrade}
	r.Upgrade.Settled = true
	if s.from != "" {
		r.From = &s.from
	}
	if s.to != "" {
		r.To = &s.to
	}
	r.Matrix.Include = []compat.Cell{}
	r.Decide("no_upgrade")
	return r
}

// requests is how many questions GitHub was asked so far.
func (s *settings) requests() int {
	if s.reader == nil {
		return 0
	}
	return s.reader.Requests()
}

// shortDocument reports what was found, and that nothing else was looked at.
func (r *Result) shortDocument() report.Document {
	headline := map[verdict.Decision]string{
		verdict.Pass:    "There is no upgrade of ZenML to check.",
		verdict.Unknown: "Which upgrade of ZenML this is could not be found out, so nothing was checked.",
		verdict.Block:   "This is no upgrade that ZenML can make.",
	}[r.Decision]
	return report.Document{
		Title: name + ": which upgrade", Decision: r.Decision, Headline: headline, Reasons: r.Reasons, Sections: r.upgradeSections(),
		Footer: fmt.Sprintf("zenml-upgrade %s, %.1f s. Nothing was installed.", version.Tool, r.Seconds),
	}
}

// mostRows bounds the table of places in the report; result.json has all.
const mostRows = 40

// upgradeSections say which upgrade it is and what else the head brings in.
func (r *Result) upgradeSections() []report.Section {
	u := r.Upgrade
	if u == nil {
		return nil
	}
	blocks := []report.Block{report.Para{Text: report.T(u.sentence())}}
	t := report.Table{Header: []string{"Place", "Project", "Kind", "Before", "Now", "Moves"}}
	left := 0
	for i := range u.Pins {
		c := &u.Pins[i]
		if len(t.Rows) == mostRows {
			left++
			continue
		}
		at := c.At()
		t.Rows = append(t.Rows, []report.Text{report.C(fmt.Sprintf("%s:%d", at.File, at.Line)), report.T(at.Project), report.T(string(at.Kind)), said(c.Base), said(c.Head), report.T(string(c.Move))})
	}
	if len(t.Rows) > 0 {
		blocks = append(blocks, t)
	}
	if left > 0 {
		blocks = append(blocks, report.Para{Text: report.T(fmt.Sprintf("%s more in result.json.", report.Count(left, "place")))})
	}
	out := []report.Section{{Title: "Which upgrade", Blocks: blocks}}
	if u.Config != nil && u.Config.Diff != nil {
		out = append(out, report.Section{Title: "Changes of the configuration (they take effect after the merge)", Folded: true, Blocks: []report.Block{report.Code{Language: "diff", Text: *u.Config.Diff}}})
	}
	for _, part := range []struct {
		title string
		list  []which.Added
	}{{"Suppressions that the pull request adds (they do not count)", u.Suppressions}, {"Package sources that the pull request adds (they are not followed)", u.Sources}} {
		if len(part.list) == 0 {
			continue
		}
		rows := report.Table{Header: []string{"Place", "Line"}}
		for _, a := range part.list {
			rows.Rows = append(rows.Rows, []report.Text{report.C(fmt.Sprintf("%s:%d", a.File, a.Line)), report.C(a.Text)})
		}
		out = append(out, report.Section{Title: part.title, Blocks: []report.Block{rows}})
	}
	return out
}

func said(p *pin.Pin) report.Text {
	if p == nil {
		return report.T("")
	}
	return report.C(p.Text)
}

// sentence says where the upgrade was found and by whom it was made.
func (u *Upgrade) sentence() string {
	var b strings.Builder
	switch {
	case u.PullRequest != nil && u.Actor != nil && u.Author != nil:
		fmt.Fprintf(&b, "Found in pull request %d (%s, %s).", *u.PullRequest, *u.Actor, *u.Author)
	case u.FoundIn == "merge_group":
		b.WriteString("Found in a merge group.")
	default:
		b.WriteString("No pull request: the versions in use are those of the repository.")
	}
	if u.Base != nil && u.Head != nil {
		fmt.Fprintf(&b, " Compared are the commits %.12s and %.12s.", *u.Base, *u.Head)
	}
	if u.Server != nil {
		fmt.Fprintf(&b, " The server runs ZenML %s.", *u.Server)
	}
	for _, p := range u.Projects {
		if p.From != nil && p.To != nil {
			fmt.Fprintf(&b, " Project %q moves from %s to %s.", p.Project, *p.From, *p.To)
		}
	}
	return b.String()
}
