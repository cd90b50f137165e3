// Package publish shows a result on the pull request that it is about: one comment, one check run
// with annotations, one label. It is for people: whether a merge may pass is told by the exit
// status of the job, so nothing here changes a verdict.
package publish

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

// GitHub is what publishing needs of it.
type GitHub interface {
	PullRequest(ctx context.Context, repo forge.Repository, number int) (forge.PullRequest, error)
	Files(ctx context.Context, repo forge.Repository, number int) ([]string, error)
	EnsureComment(ctx context.Context, s forge.Sticky) (forge.Change, error)
	EnsureCheck(ctx context.Context, c forge.Check) (forge.Change, error)
	EnsureLabels(ctx context.Context, repo forge.Repository, number int, has, managed, want []string) (forge.Change, error)
}

// Target is where a result is shown.
type Target struct {
	Repository forge.Repository
	Number     int
	HeadSHA    string // the commit that the result is about
	RunURL     string // of the run whose summary has the whole text; may be empty
}

// Parts are what is asked for.
type Parts struct{ Comment, Check, Label bool }

// Any says whether anything is asked for.
func (p Parts) Any() bool { return p.Comment || p.Check || p.Label }

// Result is what is shown. Texts in it come from outside and are encoded here.
type Result struct {
	Action      string // release-check ...
	Scope       string // tells results of one action on one pull request apart; may be empty
	Version     string // of this program
	Document    report.Document
	Failed      bool
	Annotations []forge.Annotation // paths relative to the repository's root
}

// Shown is what became of it.
type Shown struct {
	Notes    []string // for the summary: what is not there and why
	Checked  bool     // the check run stands, so its annotations need no other way
	ReadOnly bool     // a part is not there because the token may only read
}

// Show makes the parts stand on the pull request. The error joins what failed for another reason
// than a token that may only read; notes tell of both.
func Show(ctx context.Context, gh GitHub, t Target, want Parts, r Result, dry bool) (Shown, error) {
	var s Shown
	pull, err := gh.PullRequest(ctx, t.Repository, t.Number)
	if err != nil {
		s.Notes = []string{fmt.Sprintf("Nothing is shown on the pull request: %v", err)}
		if s.ReadOnly = errors.Is(err, forge.ErrNotAllowed); s.ReadOnly {
			err = nil
		}
		return s, err
	}
	if !pull.Open || pull.HeadSHA != t.HeadSHA {
		s.Notes = []string{stale(pull, t)}
		return s, nil
	}
	var done, readOnly []string
	var faults []error
	note := func(what string, change forge.Change, err error) {
		switch {
		case errors.Is(err, forge.ErrNotAllowed):
			readOnly = append(readOnly, what)
		case err != nil:
			faults = append(faults, err)
			s.Notes = append(s.Notes, fmt.Sprintf("The %s is not up to date: %v", what, err))
		default:
			done = append(done, fmt.Sprintf("%s: %s", what, change))
		}
	}
	if want.Comment {
		change, err := comment(ctx, gh, t, r)
		note("comment", change, err)
	}
	if want.Check {
		change, err := check(ctx, gh, t, r)
		note("check run", change, err)
		s.Checked = err == nil && !dry
	}
	if want.Label {
		change, err := label(ctx, gh, t, pull, r)
		note("label", change, err)
	}
	if s.ReadOnly = len(readOnly) > 0; s.ReadOnly {
		s.Notes = append(s.Notes, fmt.Sprintf("Not on the pull request (%s): the token may only read, as for pull requests from forks and by Dependabot. The status of this job tells the verdict all the same.", strings.Join(readOnly, ", ")))
	}
	if dry {
		s.Notes = append(s.Notes, fmt.Sprintf("Dry run, nothing was written. On pull request %d it would be: %s.", t.Number, strings.Join(done, ", ")))
	}
	return s, errors.Join(faults...)
}

func stale(pull forge.PullRequest, t Target) string {
	if !pull.Open {
		return fmt.Sprintf("Pull request %d is closed: nothing was written there.", t.Number)
	}
	return fmt.Sprintf("Pull request %d has moved on since this run began: it is at commit %.10s, the result is about %.10s. Nothing was written there; the run of the newer commit tells.", t.Number, pull.HeadSHA, t.HeadSHA)
}

// marker begins the comment and tells it from all others.
func (r Result) marker() string {
	if r.Scope == "" {
		return "<!-- zenml-upgrade:" + r.Action + " -->"
	}
	return "<!-- zenml-upgrade:" + r.Action + ":" + r.Scope + " -->"
}

// document is the result's, without what differs from run to run although nothing changed.
func (r Result) document(t Target) report.Document {
	d := r.Document.WithoutBoxes()
	d.Footer, d.Commit, d.RunURL = "zenml-upgrade "+r.Version, t.HeadSHA, t.RunURL
	return d
}

func comment(ctx context.Context, gh GitHub, t Target, r Result) (forge.Change, error) {
	marker := r.marker()
	var body bytes.Buffer
	if err := report.Markdown(&body, r.document(t), report.CommentLimit-len(marker)-1); err != nil {
		return forge.Unchanged, err
	}
	return gh.EnsureComment(ctx, forge.Sticky{Repository: t.Repository, Number: t.Number, Marker: marker, Body: body.String()})
}

// checkName differs from the job's, which is the check that a ruleset requires.
func (r Result) checkName() string { return r.Action + " findings" }

// summaryLimit is what GitHub takes as the summary of a check run.
const summaryLimit = 65535

func check(ctx context.Context, gh GitHub, t Target, r Result) (forge.Change, error) {
	d := r.document(t)
	d.Sections = nil // the comment and the summary have them
	var summary bytes.Buffer
	if err := report.Markdown(&summary, d, summaryLimit); err != nil {
		return forge.Unchanged, err
	}
	marks := r.Annotations
	if len(marks) > 0 {
		files, err := gh.Files(ctx, t.Repository, t.Number)
		if err != nil {
			return forge.Unchanged, err
		}
		marks = Rank(marks, files)
	}
	return gh.EnsureCheck(ctx, forge.Check{
		Repository: t.Repository, Name: r.checkName(), HeadSHA: t.HeadSHA, Failed: r.Failed, Title: report.Title(r.Document, 255),
		Summary: summary.String(), DetailsURL: t.RunURL, Annotations: marks,
	})
}

// Rank sorts annotations: failures first, then those in files that the pull request changes, then
// by place. Equal ones keep their order.
func Rank(all []forge.Annotation, changed []string) []forge.Annotation {
	in := map[string]bool{}
	for _, f := range changed {
		in[f] = true
	}
	class := func(a forge.Annotation) int {
		switch {
		case a.Failure && in[a.Path]:
			return 0
		case a.Failure:
			return 1
		case in[a.Path]:
			return 2
		}
		return 3
	}
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b forge.Annotation) int {
		return cmp.Or(cmp.Compare(class(a), class(b)), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	return out
}

// label says with one label whether the result stands in the way of a merge. One is enough: every
// change is then one write, and no label of other people's is ever touched.
func label(ctx context.Context, gh GitHub, t Target, pull forge.PullRequest, r Result) (forge.Change, error) {
	blocked := r.Action + "-blocked"
	var want []string
	if r.Failed {
		want = []string{blocked}
	}
	return gh.EnsureLabels(ctx, t.Repository, t.Number, pull.Labels, []string{blocked}, want)
}
