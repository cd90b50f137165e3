package action

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/gitrepo"
)

func TestBool(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": false, "false": false, "true": true, "TRUE": true} {
		if got, err := Bool("dry-run", text); err != nil || got != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	if _, err := Bool("dry-run", "yes"); !fault.IsInput(err) {
		t.Errorf("yes gives %v", err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{"": {}, " , \n": {}, "a, b\nc,,": {"a", "b", "c"}} {
		if d := cmp.Diff(want, List(text)); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

func TestLoadConfig(t *testing.T) {
	t.Parallel()
	rt := &Runtime{Repo: t.TempDir()}
	if cfg, err := LoadConfig(rt, ""); err != nil || cfg == nil {
		t.Errorf("no file gives %v, %v", cfg, err)
	}
	if _, err := LoadConfig(rt, filepath.Join(rt.Repo, "none.yml")); !fault.IsInput(err) {
		t.Errorf("a named file that is missing gives %v", err)
	}
	if err := os.MkdirAll(filepath.Join(rt.Repo, ".github"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(rt.Repo, ".github", "zenml-upgrade.yml"), []byte("deployment: pro-saas\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if cfg, err := LoadConfig(rt, ""); err != nil || cfg.Deployment != "pro-saas" {
		t.Errorf("the default file gives %v, %v", cfg, err)
	}
}

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
