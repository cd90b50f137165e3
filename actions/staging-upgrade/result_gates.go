package stagingupgrade

import (
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

// gateSections are the gates with their evidence, and who approved.
func (r *Result) gateSections() []report.Section {
	var blocks []report.Block
	if len(r.Gates) > 0 {
		t := report.Table{Header: []string{"Gate", "Verdict", "Needed", "Got", "Evidence"}}
		for _, g := range r.Gates {
			t.Rows = append(t.Rows, []report.Text{
				report.T(strings.ReplaceAll(g.Name, "_", " ")), report.T(string(g.Verdict)), report.T(g.Needed), report.T(g.Got), report.T(strings.Join(g.Evidence, "; ")),
			})
		}
		blocks = append(blocks, t)
	}
	if len(r.Approvals) > 0 {
		t := report.Table{Header: []string{"Person", "Answer", "Environments", "Let in at", "Comment"}}
		for _, a := range r.Approvals {
			at := "not kept by GitHub"
			if a.LetInAt != nil {
				at = a.LetInAt.Format("2006-01-02 15:04:05 MST")
			}
			t.Rows = append(t.Rows, []report.Text{report.T(a.Login), report.T(a.State), report.T(strings.Join(a.Environments, ", ")), report.T(at), report.T(a.Comment)})
		}
		blocks = append(blocks, t)
	}
	if r.AskedBy != nil {
		blocks = append(blocks, report.Para{Text: report.Text{{Plain: "Asked for by " + *r.AskedBy + ": "}, {Plain: "the comment", URL: deref(r.FromComment)}}})
	}
	if len(blocks) == 0 {
		return nil
	}
	return []report.Section{{Title: "Gates", Folded: true, Blocks: blocks}}
}
