package action

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
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
