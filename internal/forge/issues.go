package forge

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-github/v62/github"
)

// Issue is an issue. Title and Body come from outside.
type Issue struct {
	Number      int
	Title, Body string
	URL         string
	Author      string // login; that of a bot ends in [bot]
	Open        bool
	UpdatedAt   time.Time
}

// IssuesLabelled returns all issues that bear a label, open and closed ones, the oldest first. Pull
// requests are not among them.
func (r *Reader) IssuesLabelled(ctx context.Context, repo Repository, label string) ([]Issue, error) {
	var out []Issue
	err := r.eachPage(fmt.Sprintf("listing the issues labelled %q", label), func(opts *github.ListOptions) (*github.Response, error) {
		page, resp, err := r.api.Issues.ListByRepo(ctx, repo.Owner, repo.Name, &github.IssueListByRepoOptions{
			State: "all", Labels: []string{label}, ListOptions: *opts,
		})
		for _, i := range page {
			if !i.IsPullRequest() {
				out = append(out, issue(i))
			}
		}
		return resp, err
	})
	slices.SortFunc(out, func(a, b Issue) int { return a.Number - b.Number })
	return out, err
}

func issue(i *github.Issue) Issue {
	return Issue{
		Number: i.GetNumber(), Title: i.GetTitle(), Body: i.GetBody(), URL: i.GetHTMLURL(), Author: i.GetUser().GetLogin(),
		Open: i.GetState() == "open", UpdatedAt: i.GetUpdatedAt().Time,
	}
}

// NewIssue is an issue that is to be made. A label that does not exist comes to be with it.
type NewIssue struct {
	Title, Body string // the body 65,536 characters at most
	Label       string
}

// CreateIssue makes an issue, once: when the answer is lost, same says of the issues with the label
// whether one of them is it. A dry writer makes none and returns one without a number.
func (w *Writer) CreateIssue(ctx context.Context, repo Repository, n NewIssue, same func(Issue) bool) (Issue, error) {
	if w.dry {
		return Issue{Title: n.Title, Body: n.Body, Open: true}, nil
	}
	made, err := create(ctx, func() (Issue, error) {
		i, _, err := w.api.Issues.Create(ctx, repo.Owner, repo.Name, &github.IssueRequest{Title: &n.Title, Body: &n.Body, Labels: &[]string{n.Label}})
		return issue(i), err
	}, func() (Issue, bool, error) {
		all, err := w.IssuesLabelled(ctx, repo, n.Label)
		for _, i := range all {
			if same(i) {
				return i, true, nil
			}
		}
		return Issue{}, false, err
	})
	if err != nil {
		return Issue{}, w.explain("making an issue", err)
	}
	return made, nil
}

// IssueEdit is what an issue is to be like. Its title is left alone: people rename issues.
type IssueEdit struct {
	Body   string // 65,536 characters at most
	Open   bool
	Reason string // why it is closed: completed or not_planned
}

// EditIssue changes an issue. GitHub knows no edit on a condition: what somebody wrote a moment ago is
// replaced, and can be read in the history only.
func (w *Writer) EditIssue(ctx context.Context, repo Repository, number int, e IssueEdit) (Issue, error) {
	if w.dry {
		return Issue{}, nil
	}
	req := &github.IssueRequest{Body: &e.Body, State: github.String("open")}
	if !e.Open {
		req.State, req.StateReason = github.String("closed"), &e.Reason
	}
	i, _, err := w.api.Issues.Edit(ctx, repo.Owner, repo.Name, number, req)
	if err != nil {
		return Issue{}, w.explain(fmt.Sprintf("updating issue %d", number), err)
	}
	return issue(i), nil
}

// DryRun says whether nothing is written.
func (w *Writer) DryRun() bool { return w.dry }
