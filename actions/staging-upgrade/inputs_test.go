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
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/vault"
)

func TestCheckTellsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	repo := t.TempDir()
	a := &stagingUpgrade{in: Inputs{
		Common: action.Common{Config: filepath.Join(repo, "none.yml")}, Mode: "downgrade", From: "0.99", To: "0.56.0", Driver: "helm",
		ServerURL: "ftp://x", DatabaseURL: "mysql://user:secret@127.0.0.1/ze-nml?ssl-mode=on", ScratchDatabaseURL: "mysql://user:secret@127.0.0.1/zenml", ArtifactRoot: filepath.Join(repo, "nowhere"),
		MaxDowntime: "soon", RollbackOnFailure: "perhaps", Path: "around", OldClients: "some", MaintenanceWindow: "tonight", DrainTimeout: "-1h", RehearsalMaxAge: "old", ProveRollback: "maybe", TeamPipelines: "some",
	}}
	err := a.Check(t.Context(), &action.Runtime{Environ: os.Environ(), CacheDir: t.TempDir(), Repo: repo, Now: time.Now})
	if err == nil {
		t.Fatal("no fault")
	}
	text := err.Error()
	for _, want := range []string{"none.yml", `mode "downgrade"`, "0.56.0 was withdrawn", `driver "helm"`, `server-url "ftp://x"`, "backup-dir is missing", "max-downtime \"soon\"", "rollback-on-failure", `path "around"`, "old-clients", "maintenance-window", `drain-timeout "-1h"`, `rehearsal-max-age "old"`, "prove-rollback", "team-pipelines", `the database "ze-nml"`, `ssl-mode "ON"`, "scratch-database-url names a database"} {
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

// All that is read of a way back or a backup, decoded as a whole: no part may refuse what another one takes.
func TestModesTakeTheirInputs(t *testing.T) {
	t.Parallel()
	backups := t.TempDir()
	for name, c := range map[string]struct {
		in   Inputs
		want string // in the faults, "" for none
	}{
		"rehearse with a backup":      {Inputs{Mode: "rehearse", Backup: backups}, ""},
		"rehearse the newest release": {Inputs{Mode: "rehearse", DatabaseURL: "u", ServerToken: "k", BackupDir: backups}, ""},
		"backup":                      {Inputs{Mode: "backup", DatabaseURL: "u", ServerToken: "k", BackupDir: backups}, ""},
		"verify":                      {Inputs{Mode: "verify", DatabaseURL: "u", ServerToken: "k"}, ""},
		"rollback":                    {Inputs{Mode: "rollback", From: "0.98.0", DatabaseURL: "u", ServerToken: "k", BackupDir: backups}, ""},
		"rollback to a backup":        {Inputs{Mode: "rollback", DatabaseURL: "u", ServerToken: "k", BackupDir: backups, Backup: backups, AcceptLoss: "true"}, ""},
		"rollback to a version":       {Inputs{Mode: "rollback", To: "0.97.0", DatabaseURL: "u", ServerToken: "k", BackupDir: backups}, "to is given"},
		"verify a backup":             {Inputs{Mode: "verify", DatabaseURL: "u", ServerToken: "k", Backup: backups}, "backup is given"},
		"upgrade to nowhere":          {Inputs{Mode: "upgrade", DatabaseURL: "u", ServerToken: "k", BackupDir: backups}, "to is missing"},
		"an engine that is not known": {Inputs{Mode: "backup", DatabaseURL: "u", ServerToken: "k", BackupDir: backups, BackupEngine: "rsync"}, "use dump, mydumper, command"},
		"snapshots without commands":  {Inputs{Mode: "backup", DatabaseURL: "u", ServerToken: "k", BackupDir: backups, BackupEngine: "command"}, "needs snapshot commands"},
		"upgrade to a backup":         {Inputs{Mode: "upgrade", To: "0.98.0", DatabaseURL: "u", ServerToken: "k", BackupDir: backups, Backup: backups}, "backup is given"},
	} {
		repo := t.TempDir()
		writeConfig(t, repo, kinds)
		c.in.Environment = "staging"
		s, err := c.in.decode(t.Context(), &action.Runtime{Repo: repo, Now: time.Now})
		if (err == nil) != (c.want == "") || err != nil && (len(fault.List(err)) != 1 || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err == nil && c.in.AcceptLoss == "true" && (s.backTo != backups || !s.acceptLoss) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// Which inputs name what is upgraded, and what is missing then.
func TestWhatIsUpgraded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := config.Environment{Kind: "staging", ServerURL: "http://127.0.0.1:1"}
	for name, c := range map[string]struct {
		env  config.Environment
		in   Inputs
		want string // in the faults, "" for none
		from string // server, database or backup
	}{
		"plan":                               {server, Inputs{Mode: "plan", To: "0.98.0", ServerToken: "k", DatabaseURL: "u"}, "", "server"},
		"plan, without a key":                {server, Inputs{Mode: "plan", To: "0.98.0", DatabaseURL: "u"}, "server-token is missing", "server"},
		"plan to nowhere":                    {server, Inputs{Mode: "plan", ServerToken: "k", DatabaseURL: "u"}, "to is missing", "server"},
		"rehearse with a server":             {server, Inputs{Mode: "rehearse", ServerToken: "k", DatabaseURL: "u"}, "", "server"},
		"a rehearsal whose secrets are lost": {server, Inputs{Mode: "rehearse"}, "server-token is missing", "server"},
		"a database alone":                   {config.Environment{}, Inputs{Mode: "backup", DatabaseURL: "u"}, "", "database"},
		"nothing to back up":                 {config.Environment{}, Inputs{Mode: "backup"}, "database-url is missing", "database"},
		"upgrade of a database alone":        {config.Environment{}, Inputs{Mode: "upgrade", To: "0.98.0", DatabaseURL: "u"}, "server-token is missing", "server"},
		"a backup, beside a server":          {server, Inputs{Mode: "rehearse", Backup: dir, BackupDir: dir}, "", "backup"},
		"the newest of none":                 {config.Environment{}, Inputs{Mode: "rehearse", BackupDir: dir}, "holds no complete backup", "backup"},
		"a backup for an upgrade":            {server, Inputs{Mode: "upgrade", To: "0.98.0", Backup: dir, ServerToken: "k", DatabaseURL: "u"}, "backup is given, and mode is upgrade", "server"},
		"a backup that is not there":         {server, Inputs{Mode: "rehearse", Backup: filepath.Join(dir, "none")}, "is no backup", "backup"},
	} {
		s := &settings{mode: upgrade.Mode(c.in.Mode), env: c.env, known: true, backupDir: c.in.BackupDir, vault: vault.Options{Dir: c.in.BackupDir}}
		err := s.decodeSource(t.Context(), &c.in)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		from := "server"
		if s.fromBackup(&c.in) {
			from = "backup"
		} else if s.alone(&c.in) {
			from = "database"
		}
		if from != c.from {
			t.Errorf("%s: taken from a %s, want %s", name, from, c.from)
		}
	}
}
