package command_test

import (
	"context"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/command"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
)

const (
	repo = "acme/churn"
	bot  = "github-actions[bot]"
)

var (
	acme  = forge.Repository{Owner: "acme", Name: "churn"}
	head  = strings.Repeat("a", 40)
	next  = strings.Repeat("c", 40)
	zeros = strings.Repeat("0", 40)
	files = command.Workflows{Staging: "staging.yml", Production: "production.yml"}
)

// world is a GitHub with a pull request, one of a fork, an issue, and people of all kinds.
type world struct {
	*github.Server
	t     *testing.T
	place *command.Place
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s := github.New(t)
	s.AddToken("writer", github.JobToken("actions", "deployments", "issues", "pull_requests"))
	s.AddPush(repo, github.Push{Branch: "main", Before: zeros, After: strings.Repeat("b", 40), Kind: "branch_creation"})
	s.AddPush(repo, github.Push{Branch: "raise", Before: zeros, After: head, Kind: "branch_creation"})
	s.AddPullRequest(repo, github.PullRequest{Number: 7, Title: "Raise zenml", Author: "ann", HeadRepo: repo, HeadRef: "raise", HeadSHA: head, BaseRef: "main", BaseSHA: strings.Repeat("b", 40)})
	s.AddPullRequest(repo, github.PullRequest{Number: 8, Title: "From outside", Author: "mallory", HeadRepo: "mallory/churn", HeadRef: "raise", HeadSHA: head, BaseRef: "main", BaseSHA: strings.Repeat("b", 40)})
	s.AddIssue(repo, github.Issue{Number: 3, Title: "Upgrade", Author: "ann"})
	for login, role := range map[string]string{"ann": "maintain", "will": "write", "tri": "triage", "rea": "read", "cap": "custom:push,maintain", "pat": "custom:push"} {
		s.Allow(repo, login, role)
	}
	s.AddWorkflow(repo, "staging.yml")
	s.AddWorkflow(repo, "production.yml")
	w, err := forge.NewWriter(forge.Access{APIURL: s.URL, GraphQLURL: s.GraphQLURL, Token: "writer"})
	if err != nil {
		t.Fatal(err)
	}
	return &world{s, t, &command.Place{
		GitHub: w, Repository: acme, DefaultBranch: "main",
		Config: &config.Config{Operators: []string{"Oli"}, Environments: map[string]config.Environment{"staging": {Kind: "staging"}, "prod": {Kind: "production"}}},
		Pinned: func(_ context.Context, base, at string) (string, error) {
			if base == strings.Repeat("b", 40) && at == head {
				return "0.98.0", nil
			}
			return "", nil
		},
	}}
}

// event comments and returns the event of it.
func (w *world) event(issue int, author, body string) gha.CommentEvent {
	return gha.CommentEvent{Action: "created", ID: w.AddComment(repo, issue, author, body), Issue: issue, Body: body, Author: author, Bot: strings.HasSuffix(author, "[bot]")}
}

// say comments and lets the command be answered.
func (w *world) say(issue int, author, body string) *command.Answer {
	w.t.Helper()
	return w.answer(w.event(issue, author, body))
}

func (w *world) answer(e gha.CommentEvent) *command.Answer {
	w.t.Helper()
	a, err := w.place.Answer(w.t.Context(), e, files)
	if err != nil {
		w.t.Fatalf("%q: %v", e.Body, err)
	}
	return a
}

// seen are the reactions to a comment and the replies on its issue after it.
func (w *world) seen(issue int, id int64) (reactions []string, replies []string) {
	for _, c := range w.Comments(repo, issue) {
		if c.ID == id {
			for _, r := range c.Reactions {
				reactions = append(reactions, r.Content)
			}
		}
		if c.ID > id && c.Author == bot {
			replies = append(replies, c.Body)
		}
	}
	return reactions, replies
}
