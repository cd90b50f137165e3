package compattest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

func TestEvent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, event, payload string
		untrusted, refused   bool
	}{
		{"command line", "", "", false, false},
		{"push", "push", `{}`, false, false},
		{"own branch", "pull_request", `{"pull_request":{"user":{"type":"User"},"head":{"sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","repo":{"full_name":"a/b"}},"base":{"sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","repo":{"full_name":"a/b"}}}}`, false, false},
		{"bot", "pull_request", `{"pull_request":{"user":{"type":"Bot"},"head":{"sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","repo":{"full_name":"a/b"}},"base":{"sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","repo":{"full_name":"a/b"}}}}`, true, false},
		{"fork", "pull_request", `{"pull_request":{"user":{"type":"User"},"head":{"sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","repo":{"full_name":"c/b"}},"base":{"sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","repo":{"full_name":"a/b"}}}}`, true, false},
		{"fork that is gone", "pull_request", `{"pull_request":{"user":{"type":"User"},"head":{"sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","repo":null},"base":{"sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","repo":{"full_name":"a/b"}}}}`, true, false},
		{"no payload", "pull_request", "", true, true},
		{"not a pull request", "pull_request", "{}", true, true},
		{"target", "pull_request_target", `{}`, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "event.json")
			if c.payload != "" {
				if err := os.WriteFile(path, []byte(c.payload), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			untrusted, err := event(&action.Runtime{Environ: []string{"GITHUB_EVENT_NAME=" + c.event, "GITHUB_EVENT_PATH=" + path}})
			if untrusted != c.untrusted || (err != nil) != c.refused || err != nil && !fault.IsInput(err) {
				t.Errorf("untrusted %v, error %v", untrusted, err)
			}
		})
	}
}
