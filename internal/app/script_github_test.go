package app

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
)

// githubKey finds a script's GitHub among its values.
type githubKey struct{}

type fakeGitHub struct {
	t      *testing.T
	server *github.Server
	repo   string
	pulls  []github.PullRequest // as the script began
	told   int                  // length of the recorded wire that the script has seen
}

// fixture is what a GitHub of a script holds.
type fixture struct {
	Repo      string
	Tokens    map[string][]string // value to permissions to write
	Releases  []github.Release
	Pulls     []github.PullRequest
	Commits   map[string]map[string]string // commit to its files
	Forks     map[string]string            // "base...head" to the commit where they part
	Roles     map[string]string            // of people
	Workflows []string                     // that can be started
	Pushes    []github.Push
	Comments  []struct {
		Issue        int
		Author, Body string
	}
}

// fake is a script's GitHub:
//
//	github start FILE      starts one that holds what FILE says, and sets the runner's variables
//	github wire FILE       writes what came in since the last time
//	github comments FILE   writes the comments on the first pull request
//	github upload ARTIFACT NAME FILE
//	                       uploads an artifact of run 5 that holds FILE under NAME
//	github push NUMBER SHA moves a pull request's head
//	github labels NUMBER   wants just these labels, which follow
//	github say AUTHOR BODY comments on the first pull request, and sets what a runner would for that
func fake(ts *testscript.TestScript, _ bool, args []string) {
	g := ts.Value(githubKey{}).(*fakeGitHub)
	switch {
	case len(args) == 2 && args[0] == "start":
		g.start(ts, args[1])
	case len(args) == 2 && args[0] == "wire":
		wire := g.server.Wire()
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(wire[g.told:]), 0o600))
		g.told = len(wire)
	case len(args) == 2 && args[0] == "comments":
		var b strings.Builder
		for _, c := range g.server.Comments(g.repo, 7) {
			fmt.Fprintf(&b, "== %s\n%s\n", c.Author, c.Body)
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o600))
	case len(args) == 4 && args[0] == "upload":
		g.upload(ts, args[1], args[2], args[3])
	case len(args) == 3 && args[0] == "push":
		for _, p := range g.pulls {
			if fmt.Sprint(p.Number) == args[1] {
				p.HeadSHA = args[2]
				g.server.AddPullRequest(g.repo, p)
			}
		}
	case len(args) == 3 && args[0] == "say":
		g.say(ts, args[1], args[2])
	case len(args) >= 1 && args[0] == "labels":
		if got := strings.Join(g.server.Issue(g.repo, 7).Labels, " "); got != strings.Join(args[1:], " ") {
			ts.Fatalf("labels are %q", got)
		}
	default:
		ts.Fatalf("usage: github start|wire|comments|upload|push|labels ...")
	}
}

func (g *fakeGitHub) upload(ts *testscript.TestScript, artifact, name, file string) {
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create(name)
	ts.Check(err)
	_, err = w.Write([]byte(ts.ReadFile(file)))
	ts.Check(errors.Join(err, z.Close()))
	g.server.AddArtifact(g.repo, github.Artifact{RunID: 5, Name: artifact, Zip: archive.Bytes()})
}

func (g *fakeGitHub) say(ts *testscript.TestScript, author, body string) {
	data, err := os.ReadFile(filepath.Join(ts.Getenv("ROOT"), "internal", "gha", "testdata", "events", "issue-comment.json"))
	ts.Check(err)
	var payload struct {
		Action                             string
		Issue, Comment, Repository, Sender map[string]any
	}
	ts.Check(json.Unmarshal(data, &payload))
	payload.Comment["id"], payload.Comment["body"], payload.Issue["number"] = g.server.AddComment(g.repo, 7, author, body), body, 7
	payload.Comment["user"].(map[string]any)["login"] = author
	payload.Repository["default_branch"] = "main"
	data, err = json.Marshal(map[string]any{"action": payload.Action, "issue": payload.Issue, "comment": payload.Comment, "repository": payload.Repository, "sender": payload.Sender})
	ts.Check(err)
	github.CheckEvent(g.t, "webhook-issue-comment-created", data)
	ts.Check(os.WriteFile(ts.MkAbs("event.json"), data, 0o600))
	ts.Setenv("GITHUB_EVENT_NAME", "issue_comment")
	ts.Setenv("GITHUB_EVENT_PATH", ts.MkAbs("event.json"))
}

func (g *fakeGitHub) start(ts *testscript.TestScript, file string) {
	var f fixture
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &f))
	g.server, g.repo, g.pulls, g.told = github.NewEnterprise(g.t), f.Repo, f.Pulls, 0
	g.server.AddRepository(f.Repo)
	g.server.AddReleases("zenml-io/zenml", f.Releases...)
	for value, write := range f.Tokens {
		g.server.AddToken(value, github.JobToken(write...))
	}
	for _, p := range f.Pulls {
		g.server.AddPullRequest(f.Repo, p)
	}
	for id, files := range f.Commits {
		g.server.AddCommit(f.Repo, id, files)
	}
	for span, fork := range f.Forks {
		base, head, _ := strings.Cut(span, "...")
		g.server.AddFork(f.Repo, base, head, fork)
	}
	for login, role := range f.Roles {
		g.server.Allow(f.Repo, login, role)
	}
	for _, file := range f.Workflows {
		g.server.AddWorkflow(f.Repo, file)
	}
	for _, p := range f.Pushes {
		g.server.AddPush(f.Repo, p)
	}
	for _, c := range f.Comments {
		g.server.AddComment(f.Repo, c.Issue, c.Author, c.Body)
	}
	for key, value := range map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_API_URL": g.server.URL, "GITHUB_GRAPHQL_URL": g.server.GraphQLURL, "GITHUB_SERVER_URL": "https://github.com",
		"GITHUB_REPOSITORY": f.Repo, "GITHUB_RUN_ID": "1", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_WORKSPACE": ts.MkAbs("."),
		"GITHUB_OUTPUT": ts.MkAbs("output"), "GITHUB_STEP_SUMMARY": ts.MkAbs("summary"), "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": ts.MkAbs("event.json"),
	} {
		ts.Setenv(key, value)
	}
	for _, name := range []string{"output", "summary"} {
		ts.Check(os.WriteFile(ts.MkAbs(name), nil, 0o600))
	}
}
