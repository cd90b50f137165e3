// Package stagingupgrade is the action staging-upgrade: it backs up, proves the backup, rehearses
// the upgrade on the copy, cuts over, checks everything and goes back when anything is wrong.
package stagingupgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/driver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hook"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/vault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

type stagingUpgrade struct {
	in Inputs
	// what Check made of them
	set     *settings
	db      database.Database
	manager *pyenv.Manager
	index   *pyenv.Index
	env     []string // the server's own settings; holds secrets
	noIndex error    // why the package index did not say which versions there are
	change  []func(*upgrade.Options)
	packed  string       // path of the packed backup that is rehearsed with; "" when it is a folder, or none
	release func() error // removes what was unpacked of it; null when no backup is rehearsed with
	team    *compat.Team // null: nothing of the team's is run
}

// New returns the action. change alters what a run is made of, for who watches it or, in tests, ends
// it half-way.
func New(change ...func(*upgrade.Options)) action.Action { return &stagingUpgrade{change: change} }

func (a *stagingUpgrade) Name() string { return "staging-upgrade" }

func (a *stagingUpgrade) Inputs() any { return &a.in }

func (a *stagingUpgrade) Help() string {
	return `Back up, prove the backup, rehearse the upgrade on a copy, cut over, go back when anything is wrong.

Examples:
  zenml-upgrade staging-upgrade --to 0.98.0 --environment staging --database-url sqlite:////var/lib/zenml/zenml.db
      what stands against the upgrade, all at once; changes nothing (ZENML_UPGRADE_SERVER_TOKEN holds the key)
  zenml-upgrade staging-upgrade --mode rehearse --to 0.98.0 --environment staging --database-url @db-url --backup-dir /var/backups/zenml
      proves backup and upgrade on a restored copy
  zenml-upgrade staging-upgrade --mode upgrade --to 0.98.0 --environment staging --database-url @db-url --backup-dir /var/backups/zenml --max-downtime 10m
      the real thing
  zenml-upgrade staging-upgrade --mode rehearse --backup newest --backup-dir /var/backups/zenml
      rehearses the newest release with last night's backup; needs no server, no database and no key of either`
}

// Check decodes the inputs and tells every fault in them.
func (a *stagingUpgrade) Check(ctx context.Context, rt *action.Runtime) error {
	var errs [6]error
	a.set, errs[0] = a.in.decode(ctx, rt)
	if a.set.stateDir != "" {
		a.set.vault.OpenDir = filepath.Join(a.set.stateDir, "opened")
	}
	a.db, errs[1] = a.open(ctx, database.Options{
		Environ: rt.Environ, CacheDir: rt.CacheDir, ScratchURL: a.in.ScratchDatabaseURL, Production: a.set.env.Kind == "production",
		Snapshots: a.snapshots(rt),
	})
	a.env, errs[2] = a.serverEnv(rt)
	if a.manager, errs[3] = pyenv.New(rt.Environ, rt.CacheDir); errs[3] == nil {
		a.index = &pyenv.Index{Manager: a.manager, Dir: rt.CacheDir, Now: rt.Now}
		errs[4] = a.askIndex(ctx)
	}
	a.team, errs[5] = a.readTeam(rt)
	err := errors.Join(errs[:]...)
	if err != nil && a.release != nil {
		err = errors.Join(err, a.release())
	}
	return err
}

// askIndex checks the versions against the package index. That it does not answer is no fault of
// the input, and must not keep a run from putting back what an earlier one left.
func (a *stagingUpgrade) askIndex(ctx context.Context) error {
	wanted := slices.DeleteFunc([]string{a.in.From, a.in.To}, func(v string) bool { return v == "" })
	all, err := a.index.Versions(ctx, "zenml", wanted...)
	switch {
	case err == nil:
		if a.in.To == "" && a.set.mode == upgrade.Rehearse {
			a.in.To = newestRelease(all)
		}
		return action.Released(all, a.in.From, a.in.To)
	case fault.IsInput(err): // pip is missing
		return err
	}
	a.noIndex = err
	if a.in.To == "" && a.set.mode == upgrade.Rehearse {
		return fault.Unreachable("to is not given, and which release is the newest is not known", err, "give to, or try again")
	}
	return nil
}

// Run carries the mode out, on inputs that Check found good.
func (a *stagingUpgrade) Run(ctx context.Context, rt *action.Runtime) (action.Result, error) {
	held := newGuard(&a.in, a.set, rt)
	o := a.options(ctx, rt)
	o.Gates = held.judge
	for _, change := range a.change {
		change(&o)
	}
	if a.team != nil {
		defer a.team.Close()
	}
	rep, err := upgrade.Execute(ctx, o)
	if a.release != nil {
		err = errors.Join(err, a.release())
	}
	if a.packed != "" && rep.Backup != nil {
		rep.Backup.Path = a.packed
	}
	held.end(ctx, rep)
	res := &Result{Mode: a.set.mode, Environment: a.set.environment, Report: *rep}
	if a.team != nil {
		res.light = a.team.Light()
	}
	res.From, res.To = given(rep.Running), given(cmp.Or(rep.Target, a.in.To))
	if err != nil {
		res.Reasons = append(res.Reasons, verdict.Because(verdict.Unknown, "unreachable", err.Error(), nil))
	}
	held.fill(res)
	if err == nil && a.set.stagingURL != "" {
		res.Staging = a.compareWithStaging(ctx, rt)
	}
	res.decide()
	res.Next, res.stateDir, res.smokeInPublic = next(res, a.set), a.set.stateDir, a.set.env.SmokeInPublic()
	res.tracks(a.set)
	return res, err
}

func (a *stagingUpgrade) options(ctx context.Context, rt *action.Runtime) upgrade.Options {
	s := a.set
	probes := environments{manager: a.manager, repo: rt.Repo, projects: s.projects}
	processes := &local{
		from: a.in.From, port: s.port, public: s.bound(), db: a.db, env: a.env,
		environ: rt.Environ, secrets: rt.Secrets, dir: filepath.Join(s.stateDir, "servers"),
	}
	if s.mode == upgrade.Rollback { // local.python may be of either version, and both are installed when needed
		processes.from = ""
	}
	var servers upgrade.Driver = processes
	switch {
	case s.serverURL == "":
		probes.python = a.interpreters(ctx, a.index)
	case s.driver == driverCommand:
		probes.python = s.env.Command.Python
		servers = &driver.Command{From: a.in.From, To: a.in.To, Copies: processes, Hooks: a.serverHooks(rt)}
	default:
		probes.python = absolute(rt.Repo, s.env.Local.Python)
		// Where hooks start the new version it migrates as it likes, and its rehearsal has to be alike.
		processes.oldPython, processes.deferKeys = probes.python, true
	}
	processes.python = probes.server
	releases := releases{manager: a.manager, index: a.index, environ: rt.Environ, dir: rt.CacheDir}
	s.vault.Now = rt.Now
	s.vault.Forget = func(ctx context.Context, snapshot string) error { return database.ForgetSnapshot(ctx, a.db, snapshot) }
	o := upgrade.Options{
		Vault: vault.New(s.vault, a.db.URL()),
		Mode:  s.mode, From: a.in.From, To: a.in.To, Commit: a.in.Commit, Environment: s.environment, Kind: s.env.Kind,
		PublicURL: s.serverURL, APIKey: a.in.ServerToken, BackupDir: s.backupDir, StateDir: s.stateDir,
		SecretsStore: server.SecretsStore(a.env), Workspace: []string{rt.Repo, rt.OutDir}, CodeRoot: rt.Repo, ArtifactRoot: a.in.ArtifactRoot, Critical: s.critical,
		BackTo: s.backTo, ShowLoss: s.dry, AcceptLoss: s.acceptLoss, MaxDowntime: s.maxDowntime, Criteria: s.criteria(), KeepBroken: !s.rollback,
		Backup: s.backup, Packed: a.packed, Path: s.path, OldClients: s.oldClients, ProveRollback: s.prove, Window: s.window, Drain: s.drain, RehearsalMaxAge: s.rehearsed,
		Stops: releases.stops, Account: processes.account, Explain: releases.explain,
		EncryptionKey: proc.Getenv(a.env, encryptionKey), JWTKey: proc.Getenv(a.env, jwtKey) != "", HostedDisk: rt.Getenv("RUNNER_ENVIRONMENT") == "github-hosted", Terraform: s.terraform,
		DB: a.db, Driver: servers, ByHooks: s.driver == driverCommand, SmokeInPublic: s.env.SmokeInPublic(), Probe: func(url string) upgrade.Prober { return server.Watch(url) }, Python: probes.clientPython,
		Environ: rt.Environ, Progress: rt.Progress, Now: rt.Now, Unready: a.noIndex, Found: s.place(rt),
	}
	if a.team != nil {
		o.Team = &team{Team: a.team, environments: probes}
		o.Found = append(o.Found, otherCommit(ctx, rt, a.in.Commit)...)
	}
	return o
}

// snapshotLimit is how long a snapshot may take to be made or restored: clouds take long.
const snapshotLimit = 2 * time.Hour

// snapshots are the commands of backup-engine command; null without any.
func (a *stagingUpgrade) snapshots(rt *action.Runtime) *hook.Set {
	c := a.set.env.Snapshot
	if c == nil {
		return nil
	}
	s := a.hooks(rt, c.Commands(), c.Pass)
	s.Limit = snapshotLimit
	return &s
}

// hooks are shell commands of the environment's configuration.
func (a *stagingUpgrade) hooks(rt *action.Runtime, commands map[string]string, pass []string) hook.Set {
	return hook.Set{Commands: commands, Dir: rt.Repo, Environ: rt.Environ, Pass: pass, Secrets: rt.Secrets, Environment: a.set.environment}
}

// serverHooks start and stop the environment's server.
func (a *stagingUpgrade) serverHooks(rt *action.Runtime) *driver.Hooks {
	return driver.NewHooks(a.hooks(rt, a.set.env.Hooks, a.set.env.Command.Pass), a.set.serverURL)
}

// serverEnv reads the settings the old server runs with; the new one gets the same.
func (a *stagingUpgrade) serverEnv(rt *action.Runtime) ([]string, error) {
	var env []string
	if file := a.set.envFile(); file != "" {
		var err error
		if env, err = server.ReadEnvFile(absolute(rt.Repo, file)); err != nil {
			return nil, fault.BadInput(err.Error(), "mend env-file of the environment in the configuration")
		}
	}
	for key, v := range map[string]string{jwtKey: a.in.JWTSecretKey, encryptionKey: a.in.SecretsEncryptionKey} {
		switch had := proc.Getenv(env, key); {
		case v == "" || had == v:
		case had != "":
			return nil, fault.BadInput(fmt.Sprintf("the env-file and the inputs hold different values of %s", key), "give it in one place")
		default:
			env = append(env, key+"="+v)
		}
	}
	// Without the type beside it ZenML ignores the key silently. Where a server runs, its own settings decide.
	if a.set.serverURL == "" && a.in.SecretsEncryptionKey != "" && proc.Getenv(env, "ZENML_SECRETS_STORE_TYPE") == "" {
		env = append(env, "ZENML_SECRETS_STORE_TYPE=sql")
	}
	return env, nil
}

// The settings by which a server gets its keys.
const (
	jwtKey        = "ZENML_SERVER_JWT_SECRET_KEY"
	encryptionKey = "ZENML_SECRETS_STORE_ENCRYPTION_KEY"
)

func absolute(root, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(root, path)
}

// next says what a person does after this run.
func next(r *Result, s *settings) []string {
	switch r.Outcome {
	case upgrade.Planned:
		if r.Decision == verdict.Block {
			return []string{"mend what blocks, then plan again"}
		}
		return []string{"run mode rehearse, then mode upgrade"}
	case upgrade.BackedUp:
		return []string{"run mode rehearse: it proves the upgrade on this database's copy"}
	case upgrade.Rehearsed:
		return []string{"run mode upgrade; announce the predicted downtime first"}
	case upgrade.Upgraded:
		return []string{
			fmt.Sprintf("point whatever starts the server (local.python, a service unit) at ZenML %s: a restart with the old Python would fail on the new database", deref(r.To)),
			fmt.Sprintf("tell every user to install the client: pip install zenml==%s", deref(r.To)),
			fmt.Sprintf("keep the backup %q until you no longer want to go back", r.Backup.Path),
		}
	case upgrade.RolledBack:
		if r.Mode == upgrade.Rollback {
			return []string{
				fmt.Sprintf("point whatever starts the server (local.python, a service unit) at ZenML %s, and tell every user to install that client", deref(r.To)),
				"bring back by hand what is needed of written_export; the whole of what was there is in the newest backup of backup-dir",
			}
		}
		return nil
	case upgrade.Frozen:
		return []string{
			"run mode rollback: it shows what going back would lose, and with accept-loss: true goes back",
			fmt.Sprintf("or go on with the new version: when the server is settled, move %q away: no run goes on before", s.stateDir),
		}
	case upgrade.RollbackFailed:
		return []string{fmt.Sprintf("when the server is settled, move %q away: no run goes on before", s.stateDir)}
	default: // what to do stands in the reasons and in the failure's advice
		return nil
	}
}

func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
