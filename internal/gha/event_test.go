package gha

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEvent(t *testing.T) {
	t.Parallel()
	sha := strings.Repeat("a", 40)
	for name, tt := range map[string]struct {
		event string
		env   map[string]string
		want  Event
		err   string
	}{
		"pull request": {`{"number":7,"pull_request":{"number":7,"title":"::error::x","head":{"sha":"` + sha + `"}}}`, nil, Event{PullRequest: &PullRequest{7, sha}}, ""},
		"attempt":      {`{}`, map[string]string{"GITHUB_RUN_ATTEMPT": "2"}, Event{RunURL: "https://github.example/acme/churn/actions/runs/5/attempts/2"}, ""},
		"workflow run": {
			`{"workflow_run":{"id":9,"event":"pull_request","conclusion":"failure","head_sha":"` + sha + `","head_branch":"b","head_repository":{"full_name":"bob/churn","owner":{"login":"bob"}}}}`, nil,
			Event{WorkflowRun: &WorkflowRun{9, "pull_request", "failure", sha, "b", "bob/churn", "bob"}}, "",
		},
		"merge group":       {`{"merge_group":{"head_sha":"` + sha + `"}}`, nil, Event{}, ""},
		"no commit":         {`{"pull_request":{"number":7,"head":{"sha":"main; rm -rf /"}}}`, nil, Event{}, ""},
		"no number":         {`{"pull_request":{"number":-7,"head":{"sha":"` + sha + `"}}}`, nil, Event{}, ""},
		"run that is no id": {`{}`, map[string]string{"GITHUB_RUN_ID": "5)\n::error::"}, Event{RunURL: "-"}, ""},
		"no JSON":           {`{"pull_request":`, nil, Event{}, "cannot be read"},
		"no repository":     {`{"pull_request":{"number":7,"head":{"sha":"` + sha + `"}}}`, map[string]string{"GITHUB_REPOSITORY": "acme/churn/../x"}, Event{}, "is no owner/name"},
		"no file":           {"", map[string]string{"GITHUB_EVENT_PATH": "missing"}, Event{}, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "event.json")
			if err := os.WriteFile(path, []byte(tt.event), 0o600); err != nil {
				t.Fatal(err)
			}
			env := map[string]string{
				"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "e", "GITHUB_REPOSITORY": "acme/churn", "GITHUB_SERVER_URL": "https://github.example/",
				"GITHUB_RUN_ID": "5", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_EVENT_PATH": path,
			}
			for k, v := range tt.env {
				env[k] = v
			}
			got, err := New(func(key string) string { return env[key] }, &bytes.Buffer{}).Event()
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || got != (Event{}) {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			want := tt.want
			want.Name, want.Repository = "e", "acme/churn"
			switch want.RunURL {
			case "":
				want.RunURL = "https://github.example/acme/churn/actions/runs/5"
			case "-":
				want.RunURL = ""
			}
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Error(d, err)
			}
		})
	}
	if got, err := (*Runner)(nil).Event(); err != nil || got != (Event{}) {
		t.Errorf("outside of a runner: %+v, %v", got, err)
	}
}
