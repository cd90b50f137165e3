package stagingupgrade

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

func TestCheckTellsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	repo := t.TempDir()
	a := &stagingUpgrade{in: Inputs{
		Common: action.Common{Config: filepath.Join(repo, "none.yml")}, Mode: "rollback", From: "0.99", To: "0.56.0", Driver: "command",
		ServerURL: "ftp://x", DatabaseURL: "mysql://user:secret@127.0.0.1/zenml", ArtifactRoot: filepath.Join(repo, "nowhere"),
		MaxDowntime: "soon", RollbackOnFailure: "perhaps",
	}}
	err := a.Check(&action.Runtime{Environ: os.Environ(), CacheDir: t.TempDir(), Repo: repo})
	if err == nil {
		t.Fatal("no fault")
	}
	text := err.Error()
	for _, want := range []string{"none.yml", `mode "rollback"`, "0.56.0 was withdrawn", `driver "command"`, `server-url "ftp://x"`, "backup-dir is missing", "max-downtime \"soon\"", "rollback-on-failure", "sqlite"} {
		if !strings.Contains(text, want) {
			t.Errorf("no word of %q in %s", want, text)
		}
	}
	if strings.Contains(text, "secret") {
		t.Error("a password is shown")
	}
	for _, e := range fault.List(err) {
		if !fault.IsInput(e) && !strings.Contains(e.Error(), "uv was not found") {
			t.Errorf("not an input fault: %v", e)
		}
	}
}

func TestFromMustLieBelowTo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, want string }{
		{"0.98.0", "0.85.0", "not below"}, {"0.98.0", "0.98.0", "not below"}, {"0.85.0", "next", "is not a version"}, {"0.85.0", "0.98.0", ""}, {"", "0.98.0", ""},
	} {
		err := (&settings{}).decodeVersions(&Inputs{From: c.from, To: c.to})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s to %s: %v, want %q", c.from, c.to, err, c.want)
		}
	}
}
