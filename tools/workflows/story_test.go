package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/act"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/gitrepo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

func TestMain(m *testing.M) { os.Exit(act.Main(m)) }

const churn = "acme/churn"

// story is the example's repository at GitHub, with a pull request that raises ZenML.
type story struct {
	repo       *gitrepo.Repo
	github     *github.Server
	base, head string // commits
}

// tell starts a story. The checkout is at the pull request's head.
func tell(t *testing.T) *story {
	t.Helper()
	machine.Manager(t)
	s := &story{repo: gitrepo.New(t), github: github.NewEnterprise(t)}
	if err := os.CopyFS(s.repo.Dir, os.DirFS(filepath.Join(machine.Root(t), "examples", "churn"))); err != nil {
		t.Fatal(err)
	}
	s.repo.Git("remote", "add", "origin", "https://github.com/"+churn)
	s.base = s.repo.Commit(nil)
	requirements, err := os.ReadFile(filepath.Join(s.repo.Dir, "requirements.txt"))
	if err != nil {
		t.Fatal(err)
	}
	s.repo.Git("checkout", "-q", "-b", branch)
	s.head = s.repo.Commit(map[string]string{"requirements.txt": strings.Replace(string(requirements), "0.85.0", "0.98.0", 1)})
	s.github.AddRepository(churn)
	s.github.AddReleases("zenml-io/zenml", github.Release{Tag: "0.98.0", Body: "## Breaking changes\n\n- `Client.list_event_sources` is gone\n", Published: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)})
	s.github.AddPullRequest(churn, github.PullRequest{
		Number: 2, Title: "build(deps): bump zenml from 0.85.0 to 0.98.0", Author: "dependabot[bot]", HeadRepo: churn, HeadRef: branch, HeadSHA: s.head, BaseRef: "main", BaseSHA: s.base,
		Files: []github.File{{Path: "requirements.txt", Status: "modified"}},
	})
	return s
}

const branch = "dependabot/pip/zenml-0.98.0"

// event is one of GitHub's payloads with this story's repository and commits.
func (s *story) event(t *testing.T, file string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(machine.Root(t), "internal", "gha", "testdata", "events", file))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for from, to := range map[string]string{
		"f95f852bd8fca8fcc58a9a2d6c842781e32a215e": s.base, "380387fbc80638b734a49e1be1c4dfec1c01b33c": s.base,
		"ec26c3e57ca3a959ca5aad62de7213c562f8c821": s.head, "2ffea6db159f6b6c47a24e778fb9ef40cf6b1c7d": s.head, "Codertocat/Hello-World": churn,
	} {
		text = strings.ReplaceAll(text, from, to)
	}
	var payload map[string]any
	if err := json.Unmarshal([]byte(text), &payload); err != nil {
		t.Fatal(err)
	}
	return payload
}

// run runs one of the example's workflows.
func (s *story) run(t *testing.T, o act.Options) *act.Run {
	t.Helper()
	o.Repo, o.Name, o.GitHub = s.repo.Dir, churn, s.github
	r := act.Do(t, o)
	if t.Failed() {
		t.Log(r.Log)
	}
	return r
}

// A Dependabot pull request: its workflow has a token that may only read, and tells by its exit status and
// summary; what it uploads is published by a workflow that may write, and that runs none of its code.
func TestDependabotPullRequestInTwoHalves(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.github.AddToken("ghs_reader", github.JobToken())
	s.github.AddToken("ghs_writer", github.JobToken("checks", "pull_requests"))
	first := s.run(t, act.Options{Workflow: "zenml-upgrade.yml", Event: "pull_request", Payload: s.event(t, "dependabot-opened.json"), RunID: 5, Token: "ghs_reader"})
	if first.OK || first.Jobs["release-check"] != "failure" || first.Outputs["release-check/check/decision"] != "block" {
		t.Fatalf("jobs %v, decision %q:\n%s", first.Jobs, first.Outputs["release-check/check/decision"], first.Log)
	}
	if !strings.Contains(first.Summary, "the token may only read") || len(s.github.Comments(churn, 2)) > 0 {
		t.Errorf("the summary does not tell that nothing could be written:\n%.2000s", first.Summary)
	}
	if got := first.Artifacts["release-check"]; len(got) != 1 || got["result.json"] == nil {
		t.Errorf("uploaded for the other half: %v", names(got))
	}
	s.repo.Git("checkout", "-q", "main")
	payload := map[string]any{"action": "completed", "workflow_run": map[string]any{
		"id": 5, "event": "pull_request", "conclusion": "failure", "head_sha": s.head, "head_branch": branch,
		"head_repository": map[string]any{"full_name": churn, "owner": map[string]any{"login": "acme"}},
	}, "repository": map[string]any{"full_name": churn, "default_branch": "main"}}
	second := s.run(t, act.Options{Workflow: "zenml-upgrade-publish.yml", Event: "workflow_run", Payload: payload, RunID: 6, Token: "ghs_writer"})
	if !second.OK || second.Outputs["publish/publish/decision"] != "block" {
		t.Fatalf("publishing: jobs %v:\n%s", second.Jobs, second.Log)
	}
	comments, checks := s.github.Comments(churn, 2), s.github.Checks(churn)
	if len(comments) != 1 || !strings.Contains(comments[0].Body, "list_event_sources") || len(checks) != 1 || checks[0].HeadSHA != s.head || checks[0].Conclusion != "failure" {
		t.Errorf("on the pull request: %+v, %+v", comments, checks)
	}
	// Of a run that was for something else nothing is published.
	payload["workflow_run"].(map[string]any)["event"] = "merge_group"
	if other := s.run(t, act.Options{Workflow: "zenml-upgrade-publish.yml", Event: "workflow_run", Payload: payload, RunID: 7, Token: "ghs_writer"}); !other.OK || other.Steps["publish/publish"] != "" {
		t.Errorf("for a merge group: %v %v", other.Jobs, other.Steps)
	}
}

// A merge group is judged from its own base and head, and one that leaves ZenML alone passes.
func TestMergeGroup(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.github.AddToken("ghs_job", github.JobToken("checks", "pull_requests"))
	group := act.Options{Workflow: "zenml-upgrade.yml", Event: "merge_group", Payload: s.event(t, "merge-group.json"), RunID: 8, Token: "ghs_job"}
	r := s.run(t, group)
	if r.OK || r.Jobs["release-check"] != "failure" || r.Outputs["release-check/check/decision"] != "block" || r.Outputs["release-check/check/to"] != "0.98.0" {
		t.Errorf("jobs %v, outputs %v:\n%s", r.Jobs, r.Outputs, r.Log)
	}
	rest := s.repo.Commit(map[string]string{"docs.md": "words\n"})
	s.base, s.head = s.head, rest
	group.Payload, group.RunID = s.event(t, "merge-group.json"), 9
	if r := s.run(t, group); !r.OK || r.Jobs["release-check"] != "success" || r.Outputs["release-check/check/reason-code"] != "no_upgrade" {
		t.Errorf("jobs %v, outputs %v:\n%s", r.Jobs, r.Outputs, r.Log)
	}
}

func names(files map[string][]byte) []string { return slices.Sorted(maps.Keys(files)) }
