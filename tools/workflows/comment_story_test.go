package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/act"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// push tells the fake GitHub of a commit with the files that are checked out.
func (s *story) push(t *testing.T, commit, branch string) {
	t.Helper()
	s.repo.Git("checkout", "-q", commit)
	texts := map[string]string{}
	tree := os.DirFS(s.repo.Dir)
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.Name() == ".git" {
				return fs.SkipDir
			}
			return err
		}
		data, err := fs.ReadFile(tree, path)
		texts[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.github.AddCommit(churn, commit, texts)
	s.github.AddPush(churn, github.Push{Branch: branch, Before: strings.Repeat("0", 40), After: commit, Kind: "branch_creation"})
}

// A command in a comment starts the staging workflow with just the inputs that it declares, and answers; what
// people say besides starts no job.
func TestCommandInAComment(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.push(t, s.head, branch)
	s.push(t, s.base, "main")
	s.repo.Git("checkout", "-q", "main")
	s.github.AddFork(churn, s.base, s.head, s.base)
	s.github.AddToken("ghs_job", github.JobToken("actions", "issues", "pull_requests"))
	s.github.Allow(churn, "ann", "maintain")
	for _, file := range []string{"zenml-staging.yml", "zenml-production.yml"} {
		s.github.AddWorkflow(churn, file)
	}
	say := func(body string, run int64) *act.Run {
		id := s.github.AddComment(churn, 2, "ann", body)
		var payload map[string]any
		if err := json.Unmarshal([]byte(read(t, filepath.Join(machine.Root(t), "internal", "gha", "testdata", "events", "issue-comment.json"))), &payload); err != nil {
			t.Fatal(err)
		}
		comment, _ := payload["comment"].(map[string]any)
		comment["id"], comment["body"], comment["user"] = id, body, map[string]any{"login": "ann", "type": "User"}
		issue, _ := payload["issue"].(map[string]any)
		issue["number"], issue["pull_request"] = 2, map[string]any{"url": "https://api.github.com/repos/" + churn + "/pulls/2"}
		payload["repository"] = map[string]any{"full_name": churn, "default_branch": "main"}
		return s.run(t, act.Options{Workflow: "zenml-comment.yml", Event: "issue_comment", Payload: payload, RunID: run, Token: "ghs_job"})
	}
	if r := say("thanks", 60); !r.OK || r.Jobs["command"] == "success" {
		t.Errorf("an ordinary comment: jobs %v:\n%s", r.Jobs, r.Log)
	}
	r := say("/zenml-upgrade rehearse", 61)
	started := s.github.Dispatches(churn)
	if !r.OK || r.Jobs["command"] != "success" || len(started) != 1 || started[0].Workflow != "zenml-staging.yml" || started[0].Ref != "main" {
		t.Fatalf("jobs %v, started %+v:\n%s", r.Jobs, started, r.Log)
	}
	from, _ := started[0].Inputs["from-comment"].(string)
	want := map[string]any{"version": "0.98.0", "mode": "rehearse", "environment": "staging", "commit": s.head, "from-comment": from}
	if d := cmp.Diff(want, started[0].Inputs); d != "" || from == "" {
		t.Errorf("inputs (-want +got):\n%s", d)
	}
	all, err := load(machine.Root(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range all.workflows {
		if filepath.Base(w.path) != started[0].Workflow {
			continue
		}
		start, _ := w.On["workflow_dispatch"].(map[string]any)
		inputs, _ := start["inputs"].(map[string]any)
		for name := range want {
			if inputs[name] == nil {
				t.Errorf("the command gives %s, which %s does not take", name, w.path)
			}
		}
		for name, input := range inputs {
			if fields, _ := input.(map[string]any); want[name] == nil && fields["required"] == true {
				t.Errorf("%s wants %s, which the command does not give", w.path, name)
			}
		}
	}
	if comments := s.github.Comments(churn, 2); len(comments) != 3 || !strings.Contains(comments[2].Body, "zenml-staging.yml") {
		t.Errorf("comments: %+v", comments)
	}
}
