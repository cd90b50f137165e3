package action

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/gitrepo"
)

// On a pull request the configuration is the base's: what the work tree says never counts.
func TestConfigAt(t *testing.T) {
	t.Parallel()
	r := gitrepo.New(t)
	path, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	at := func(id string) *repo.Tree {
		tr, err := repo.Git{Path: path, Dir: r.Dir}.Commit(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tr.Close() })
		return tr
	}
	none := at(r.Commit(map[string]string{"README": "x\n"}))
	base := at(r.Commit(map[string]string{".github/zenml-upgrade.yml": "deployment: pro-saas\n", "other.yml": "deployment: oss\n"}))
	r.Write(map[string]string{".github/zenml-upgrade.yml": "nonsense: 1\n", "other.yml": "nonsense: 1\n", "sub/x": "x\n"})
	outside := filepath.Join(t.TempDir(), "mine.yml")
	if err := os.WriteFile(outside, []byte("deployment: pro-self-hosted\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rt := &Runtime{Repo: r.Dir}
	for name, tc := range map[string]struct {
		rt              *Runtime
		base            *repo.Tree
		path, want, rel string
		fails           bool
	}{
		"the default file":          {rt, base, "", "pro-saas", ".github/zenml-upgrade.yml", false},
		"no file yet":               {rt, none, "", "", ".github/zenml-upgrade.yml", false},
		"a named file":              {rt, base, filepath.Join(r.Dir, "other.yml"), "oss", "other.yml", false},
		"a named file that is new":  {rt, none, filepath.Join(r.Dir, "other.yml"), "", "other.yml", true},
		"outside of the repository": {rt, base, outside, "pro-self-hosted", "", false},
		"above repository-path":     {&Runtime{Repo: filepath.Join(r.Dir, "sub")}, base, filepath.Join(r.Dir, "other.yml"), "", "", true},
	} {
		cfg, rel, err := ConfigAt(tc.rt, tc.base, tc.path)
		if (err != nil) != tc.fails || err != nil && !fault.IsInput(err) || rel != tc.rel || err == nil && cfg.Deployment != tc.want {
			t.Errorf("%s: %+v, %q, %v", name, cfg, rel, err)
		}
	}
}

// Every action reads the configuration at the base when the event is one of a pull request.
func TestConfigFor(t *testing.T) {
	t.Parallel()
	r := gitrepo.New(t)
	base := r.Commit(map[string]string{".github/zenml-upgrade.yml": "deployment: pro-saas\n"})
	head := r.Commit(map[string]string{".github/zenml-upgrade.yml": "deployment: oss\n"})
	rt := func(event, base string) *Runtime {
		payload := filepath.Join(t.TempDir(), "event.json")
		text := fmt.Sprintf(`{"pull_request": {"number": 1, "base": {"sha": %q}, "head": {"sha": %q}}}`, base, head)
		if err := os.WriteFile(payload, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return &Runtime{Repo: r.Dir, Environ: []string{"PATH=" + os.Getenv("PATH"), "GITHUB_EVENT_NAME=" + event, "GITHUB_EVENT_PATH=" + payload, "GITHUB_API_URL=http://127.0.0.1:1"}}
	}
	for event, want := range map[string]string{"pull_request": "pro-saas", "push": "oss", "": "oss"} {
		if cfg, err := ConfigFor(t.Context(), rt(event, base), ""); err != nil || cfg.Deployment != want {
			t.Errorf("%q gives %+v, %v", event, cfg, err)
		}
	}
	for name, rt := range map[string]*Runtime{"a base that is not there": rt("pull_request", fmt.Sprintf("%040d", 1)), "a payload of another event": rt("merge_group", base)} {
		if cfg, err := ConfigFor(t.Context(), rt, ""); err == nil || cfg != nil || fault.IsInput(err) {
			t.Errorf("%s gives %+v, %v", name, cfg, err)
		}
	}
}
