package forge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-github/v62/github"

	tree "github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// Repository names a repository.
type Repository struct{ Owner, Name string }

func (r Repository) String() string { return r.Owner + "/" + r.Name }

// PullRequest is a pull request. Title and refs come from outside.
type PullRequest struct {
	Number           int
	Author           string // login of who opened it, such as dependabot[bot]
	Title            string
	URL              string
	Open             bool
	HeadRepository   string // owner/name; empty when it was deleted
	HeadRef, HeadSHA string
	BaseRef, BaseSHA string
	Labels           []string
}

// Fork says whether the head lies in another repository.
func (p PullRequest) Fork(base Repository) bool { return p.HeadRepository != base.String() }

// PullRequest reads a pull request.
func (r *Reader) PullRequest(ctx context.Context, repo Repository, number int) (PullRequest, error) {
	p, _, err := r.api.PullRequests.Get(ctx, repo.Owner, repo.Name, number)
	if err != nil {
		return PullRequest{}, r.explain(fmt.Sprintf("reading pull request %d of %q", number, repo), err)
	}
	out := pullRequest(p)
	if !tree.IsCommitID(out.HeadSHA) {
		return PullRequest{}, r.explain(fmt.Sprintf("reading pull request %d of %q", number, repo), errors.New("the answer names no commits"))
	}
	return out, nil
}

// PullRequestsFrom returns the open pull requests whose head is this branch of this owner.
func (r *Reader) PullRequestsFrom(ctx context.Context, repo Repository, headOwner, branch string) ([]PullRequest, error) {
	var out []PullRequest
	err := r.eachPage(fmt.Sprintf("listing the pull requests of %q", repo), func(opts *github.ListOptions) (*github.Response, error) {
		page, resp, err := r.api.PullRequests.List(ctx, repo.Owner, repo.Name, &github.PullRequestListOptions{State: "open", Head: headOwner + ":" + branch, ListOptions: *opts})
		for _, p := range page {
			out = append(out, pullRequest(p))
		}
		return resp, err
	})
	return out, err
}

func pullRequest(p *github.PullRequest) PullRequest {
	out := PullRequest{
		Number: p.GetNumber(), Author: p.GetUser().GetLogin(), Title: p.GetTitle(), URL: p.GetHTMLURL(), Open: p.GetState() == "open",
		HeadRepository: p.GetHead().GetRepo().GetFullName(), HeadRef: p.GetHead().GetRef(), HeadSHA: p.GetHead().GetSHA(),
		BaseRef: p.GetBase().GetRef(), BaseSHA: p.GetBase().GetSHA(),
	}
	for _, l := range p.Labels {
		out.Labels = append(out.Labels, l.GetName())
	}
	return out
}

// Files returns the paths that a pull request changes.
func (r *Reader) Files(ctx context.Context, repo Repository, number int) ([]string, error) {
	var out []string
	err := r.eachPage(fmt.Sprintf("listing the files of pull request %d", number), func(opts *github.ListOptions) (*github.Response, error) {
		page, resp, err := r.api.PullRequests.ListFiles(ctx, repo.Owner, repo.Name, number, opts)
		for _, f := range page {
			out = append(out, f.GetFilename())
		}
		return resp, err
	})
	return out, err
}

// Comment is a comment on an issue or pull request. Body is Markdown from outside.
type Comment struct {
	ID        int64
	URL       string
	Author    string
	Body      string
	CreatedAt time.Time
}

// Comments returns those comments of an issue or pull request that keep asks for, in the order of
// their creation. A since that is not zero leaves out what did not change after it.
func (r *Reader) Comments(ctx context.Context, repo Repository, number int, since time.Time, keep func(Comment) bool) ([]Comment, error) {
	var out []Comment
	err := r.eachPage(fmt.Sprintf("listing the comments of %d", number), func(opts *github.ListOptions) (*github.Response, error) {
		list := &github.IssueListCommentsOptions{ListOptions: *opts}
		if !since.IsZero() {
			list.Since = &since
		}
		page, resp, err := r.api.Issues.ListComments(ctx, repo.Owner, repo.Name, number, list)
		for _, c := range page {
			if one := comment(c); keep(one) {
				out = append(out, one)
			}
		}
		return resp, err
	})
	return out, err
}

func comment(c *github.IssueComment) Comment {
	return Comment{ID: c.GetID(), URL: c.GetHTMLURL(), Author: c.GetUser().GetLogin(), Body: c.GetBody(), CreatedAt: c.GetCreatedAt().Time}
}
