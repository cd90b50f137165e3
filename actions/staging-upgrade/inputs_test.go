package stagingupgrade

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

func TestCheckTellsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	repo := t.TempDir()
	a := &stagingUpgrade{in: Inputs{
		Common: action.Common{Config: filepath.Join(repo, "none.yml")}, Mode: "downgrade", From: "0.99", To: "0.56.0", Driver: "helm",
		ServerURL: "ftp://x", DatabaseURL: "mysql://user:secret@127.0.0.1/ze-nml?ssl-mode=on", ScratchDatabaseURL: "mysql://user:secret@127.0.0.1/zenml", ArtifactRoot: filepath.Join(repo, "nowhere"),
		MaxDowntime: "soon", RollbackOnFailure: "perhaps",
	}}
	err := a.Check(t.Context(), &action.Runtime{Environ: os.Environ(), CacheDir: t.TempDir(), Repo: repo, Now: time.Now})
	if err == nil {
		t.Fatal("no fault")
	}
	text := err.Error()
	for _, want := range []string{"none.yml", `mode "downgrade"`, "0.56.0 was withdrawn", `driver "helm"`, `server-url "ftp://x"`, "backup-dir is missing", "max-downtime \"soon\"", "rollback-on-failure", `the database "ze-nml"`, `ssl-mode "ON"`, "scratch-database-url names a database"} {
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

func TestTheEnvironmentIsTheOnlyOneOrNamed(t *testing.T) {
	t.Parallel()
	one := map[string]config.Environment{"staging": {Kind: "staging"}}
	two := map[string]config.Environment{"staging": {Kind: "staging"}, "live": {Kind: "production"}}
	for _, c := range []struct {
		envs       map[string]config.Environment
		name, kind string
		want       string // in the fault; empty for none
	}{
		{one, "", "staging", ""},
		{two, "live", "production", ""},
		{two, "", "", "live, staging"},
		{one, "prod", "", `"prod" is not in`},
		{nil, "", "", ""},
	} {
		s := &settings{}
		err := s.pick(&config.Config{Environments: c.envs}, c.name)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || s.env.Kind != c.kind {
			t.Errorf("%d environments, %q: %q, %v, want %q", len(c.envs), c.name, s.env.Kind, err, c.want)
		}
	}
}
