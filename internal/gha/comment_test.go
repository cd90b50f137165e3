package gha

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
)

func TestReadComment(t *testing.T) {
	t.Parallel()
	real := sample(t, "issue-comment.json")
	github.CheckEvent(t, "webhook-issue-comment-created", real)
	for name, tt := range map[string]struct {
		event, payload string
		want           CommentEvent
		err            string
	}{
		"a real one": {"issue_comment", string(real), CommentEvent{Action: "created", ID: 492700400, Issue: 1, Body: "You are totally right! I'll get this fixed right away.", Author: "Codertocat"}, ""},
		"by a bot": {
			"issue_comment", `{"action":"created","comment":{"id":1,"body":"b","user":{"login":"x[bot]","type":"Bot"}},"issue":{"number":2}}`,
			CommentEvent{Action: "created", ID: 1, Issue: 2, Body: "b", Author: "x[bot]", Bot: true}, "",
		},
		"by nobody any more": {"issue_comment", `{"action":"created","comment":{"id":1,"body":"b","user":null},"issue":{"number":2}}`, CommentEvent{Action: "created", ID: 1, Issue: 2, Body: "b", Bot: true}, ""},
		"another event":      {"pull_request", string(real), CommentEvent{}, `the event "pull_request" is about no comment`},
		"no comment":         {"issue_comment", `{"action":"created"}`, CommentEvent{}, "names no comment"},
		"no JSON":            {"issue_comment", `{`, CommentEvent{}, "cannot be read"},
	} {
		path := filepath.Join(t.TempDir(), "event.json")
		if err := os.WriteFile(path, []byte(tt.payload), 0o600); err != nil {
			t.Fatal(err)
		}
		getenv := func(key string) string {
			return map[string]string{"GITHUB_EVENT_NAME": tt.event, "GITHUB_EVENT_PATH": path}[key]
		}
		got, err := ReadComment(getenv)
		if d := cmp.Diff(tt.want, got); d != "" || (err != nil) != (tt.err != "") || err != nil && (!strings.Contains(err.Error(), tt.err) || !fault.IsInput(err)) {
			t.Errorf("%s: %v; %s", name, err, d)
		}
		if branch, err := DefaultBranch(getenv); (err != nil) != (name == "no JSON") || (branch == "master") != (tt.payload == string(real)) {
			t.Errorf("%s: %q, %v", name, branch, err)
		}
	}
	if branch, err := DefaultBranch(func(string) string { return "" }); branch != "" || err != nil {
		t.Errorf("outside of a runner: %q, %v", branch, err)
	}
}
