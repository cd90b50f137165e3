package comment

import (
	"cmp"
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/command"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// Result is result.json of comment.
type Result struct {
	report.Common
	Outcome     command.Outcome `json:"outcome"`
	Comment     int64           `json:"comment"` // its id
	Author      string          `json:"author"`
	Command     *string         `json:"command"`      // rehearse, upgrade, rollback, hold, unhold, status; null when none holds
	Role        *string         `json:"role"`         // the author's in the repository
	Operator    *bool           `json:"operator"`     // listed in the configuration
	Issue       *int            `json:"issue"`        // number of the issue or pull request
	Environment *string         `json:"environment"`  // of the run that was asked for
	Commit      *string         `json:"commit"`       // head when the comment was made
	Workflow    *string         `json:"workflow"`     // file of the one that was started
	FromComment *string         `json:"from_comment"` // the comment's address

	answer *command.Answer
}

// fill takes what became of the comment.
func (r *Result) fill(a *command.Answer) {
	r.answer, r.Outcome = a, a.Outcome
	if q := a.Asked; q != nil {
		verb, role := string(q.Verb), q.By.Role.String()
		r.Command, r.Role, r.Operator, r.Issue, r.FromComment = &verb, &role, &q.By.Operator, &q.Comment.Issue, &q.Comment.URL
	}
	if run := a.Run; run != nil {
		r.Environment, r.Commit, r.To = &run.Environment, &run.Commit, &run.Version
	}
	if a.Outcome == command.Started || a.Outcome == command.Uncertain {
		r.Workflow = &a.Workflow
	}
	switch a.Outcome {
	case command.Refused:
		r.Reasons = []verdict.Reason{verdict.Because(verdict.Review, a.Code, a.Text, nil)}
	case command.Uncertain:
		r.Reasons = []verdict.Reason{verdict.Because(verdict.Unknown, "start_unknown", a.Text, nil)}
	default: // the others are as asked
	}
	r.Decide(cmp.Or(a.Code, string(a.Outcome)))
}

// Document is the report for people.
func (r *Result) Document() report.Document {
	d := report.Document{
		Title: "comment", Decision: r.Decision, Reasons: r.Reasons,
		Headline: r.answer.Text, Footer: fmt.Sprintf("zenml-upgrade %s, comment %d by %s, outcome %s", r.ToolVersion, r.Comment, r.Author, r.Outcome),
	}
	if blocks := r.answer.Blocks()[1:]; len(blocks) > 0 {
		d.Sections = []report.Section{{Title: "Answer", Blocks: blocks}}
	}
	return d
}
