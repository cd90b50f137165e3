package stagingupgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/isolate"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// stopGrace is how long the old server may finish what it is answering: it answers requests in
// flight to their end (measured: shared facts on the behaviour of real servers, 3a).
const stopGrace = 30 * time.Second

// errForeign keeps us from ending what we do not know.
var errForeign = errors.New("what listens there is no ZenML server of this user")

// local drives servers that are processes of this machine.
type local struct {
	oldPython string // of the environment's settings; "": the old version is installed like the new one
	from      string // "": whatever runs
	port      int
	db        database.Database // the real one
	env       []string          // the server's own settings; holds secrets
	environ   []string
	secrets   []string // of the inputs; kept out of what the servers' logs say
	public    string   // host:port the old server is bound to
	dir       string   // servers' logs and private settings go below it
	python    func(ctx context.Context, version string) (string, error)
	deferKeys bool // the migration's foreign keys are looked at when all are added (upgrade.Course)
	count     atomic.Int32
}

// Check says what forbids stopping the running server and starting it again.
func (d *local) Check(ctx context.Context) []upgrade.Problem {
	var out []upgrade.Problem
	block := func(code, what, remedy string) {
		out = append(out, upgrade.Problem{Code: code, What: what, Remedy: remedy, Blocks: true})
	}
	// A server in the same container as we is a process like any other; one outside of it is out of
	// reach, and looks as if nothing listened.
	l, err := server.FindListener(d.port)
	switch {
	case err != nil && server.InContainer():
		block("in_container", "the driver local runs inside a container, and the server's process is not in it", "run the binary where the server's process is: on its machine or in its container")
	case err != nil:
		block("server_process", fmt.Sprintf("the process that listens on port %d was not found: %v", d.port, err), "run on the server's machine, as its user")
	case !l.IsZenML():
		block("server_process", fmt.Sprintf("%v on port %d", errForeign, d.port), "check local.port in the configuration, and run as the server's user")
	}
	if v, err := d.installed(ctx); err != nil {
		block("old_python", fmt.Sprintf("local.python %q cannot run ZenML: %v", d.oldPython, err), "give the Python that runs the server now")
	} else if d.from != "" && v != d.from {
		block("old_python", fmt.Sprintf("local.python %q has ZenML %s, not %s: the old server could not be started again", d.oldPython, v, d.from), "give the Python that runs the server now")
	}
	out = append(out, d.checkDatabase(ctx, l)...)
	return append(out, d.checkSettings()...)
}

// checkDatabase wants a proof that the server, if it was found, uses the very database that is to
// be upgraded: a copy of it would pass every other check.
func (d *local) checkDatabase(ctx context.Context, l *server.Listener) []upgrade.Problem {
	other := func(what, remedy string) []upgrade.Problem {
		return []upgrade.Problem{{Code: "other_database", Blocks: true, What: what, Remedy: remedy}}
	}
	if u := proc.Getenv(d.env, "ZENML_STORE_URL"); u != "" && !d.db.Same(u) {
		return other("the env-file's ZENML_STORE_URL is not database-url: another database would be upgraded than the server uses", "make them agree")
	}
	if l == nil || !l.IsZenML() {
		return nil // told already
	}
	uses, err := d.usesDatabase(ctx, l)
	switch {
	case err != nil:
		return other(fmt.Sprintf("whether the server uses the database of database-url is not known: %v", err), "run on the server's machine, as its user")
	case uses:
		return nil
	}
	return other("the server's process neither has the database of database-url open nor names it in its environment: another one may be upgraded than it uses",
		"check database-url; start the server with ZENML_STORE_URL set to it")
}

// usesDatabase says whether a server has the real database open, or names it in its environment.
func (d *local) usesDatabase(ctx context.Context, l *server.Listener) (bool, error) {
	pids, err := l.Family()
	if err != nil {
		return false, err
	}
	opened, err := d.db.OpenIn(ctx, pids)
	return opened || err == nil && d.db.Same(l.Setting("ZENML_STORE_URL")), err
}

// checkSettings looks for settings that make an upgrade or its way back go wrong.
func (d *local) checkSettings() []upgrade.Problem {
	var out []upgrade.Problem
	if proc.Getenv(d.env, "ZENML_SERVER_JWT_SECRET_KEY") == "" {
		out = append(out, upgrade.Problem{Code: "jwt_secret_key", What: "the server's settings hold no ZENML_SERVER_JWT_SECRET_KEY", Remedy: "set it: without it every restart logs everybody out"})
	}
	if proc.Getenv(d.env, "ZENML_SECRETS_STORE_ENCRYPTION_KEY") != "" && proc.Getenv(d.env, "ZENML_SECRETS_STORE_TYPE") != "sql" {
		out = append(out, upgrade.Problem{
			Code: "encryption_key_ignored", What: "ZENML_SECRETS_STORE_ENCRYPTION_KEY is set without ZENML_SECRETS_STORE_TYPE=sql: ZenML ignores it silently, secrets are stored readable",
			Remedy: "plan a migration of the secrets; do not change the type during an upgrade",
		})
	}
	if v := proc.Getenv(d.env, "DISABLE_DATABASE_MIGRATION"); v != "" {
		out = append(out, upgrade.Problem{
			Code: "migration_disabled", Blocks: true, What: "DISABLE_DATABASE_MIGRATION is set: the new version would serve the old schema",
			Remedy: "take it out of the env-file for the upgrade",
		})
	}
	return out
}

// installed asks the old Python which ZenML it holds.
func (d *local) installed(ctx context.Context) (string, error) {
	res, err := proc.Run(ctx, proc.Command{
		Path: d.oldPython, Args: []string{"-I", "-c", "import importlib.metadata as m; print(m.version('zenml'))"},
		Env: proc.BaseEnv(d.environ), Secrets: d.secrets, Dir: os.TempDir(), Timeout: 30 * time.Second,
	})
	return strings.TrimSpace(string(res.Stdout)), err
}

// StopOld ends the process that listens on the public port, if it is this environment's server.
func (d *local) StopOld(ctx context.Context) error {
	l, err := server.FindListener(d.port)
	if err != nil {
		return err
	}
	if err := d.owns(ctx, l); err != nil {
		return err
	}
	d.public = l.Addr // the same address, however the server was bound
	return l.Stop(ctx, stopGrace)
}

// StartOld puts the old version back on the public port, unless it never left.
func (d *local) StartOld(ctx context.Context, v string) error {
	l, err := server.FindListener(d.port)
	switch {
	case err == nil:
		return d.owns(ctx, l)
	case !errors.Is(err, server.ErrNoListener):
		return err
	}
	python, err := d.interpreter(ctx, v)
	if err != nil {
		return err
	}
	s, err := d.load(ctx, python, v, d.db.StoreURL(), nil)
	if err != nil {
		return err
	}
	if err = s.Serve(ctx); err == nil {
		err = s.Open(ctx)
	}
	if err != nil {
		s.Stop(ctx)
	}
	return err
}

// owns wants what listens to be this very environment's server: its user and command, and the
// real database in its hands. A pid would not tell: a kill loses it, and a supervisor may have started
// the server again.
func (d *local) owns(ctx context.Context, l *server.Listener) error {
	if !l.IsZenML() {
		return fmt.Errorf("%w (process %d on port %d): end it or correct the port, then run again", errForeign, l.Pid, d.port)
	}
	uses, err := d.usesDatabase(ctx, l)
	if err != nil {
		return fmt.Errorf("whether the server on port %d (process %d) uses the database of database-url is not known: %w", d.port, l.Pid, err)
	}
	if !uses {
		return fmt.Errorf("the ZenML server on port %d (process %d) is another one: it does not use the database of database-url; end it, then run again", d.port, l.Pid)
	}
	return nil
}

// Load starts a server's process, which waits.
func (d *local) Load(ctx context.Context, w upgrade.World) (upgrade.Server, error) {
	python, err := d.interpreter(ctx, w.Version)
	if err != nil {
		return nil, err
	}
	storeURL := cmp.Or(w.StoreURL, d.db.StoreURL())
	return d.load(ctx, python, w.Version, storeURL, w.Room)
}

// interpreter returns what runs a version: the environment's own Python when it holds that version,
// else one that is made for it.
func (d *local) interpreter(ctx context.Context, v string) (string, error) {
	if d.oldPython != "" {
		if got, err := d.installed(ctx); err == nil && got == v {
			return d.oldPython, nil
		}
	}
	return d.python(ctx, v)
}

// account makes an account in a copy that no server uses yet, and returns its key.
func (d *local) account(ctx context.Context, w upgrade.World) (string, error) {
	python, err := d.interpreter(ctx, w.Version)
	if err != nil {
		return "", err
	}
	return server.NewKey(ctx, d.config(python, w.Version, w.StoreURL, w.Room))
}

func (d *local) config(python, v, storeURL string, room *isolate.Room) server.Config {
	return server.Config{
		Python: python, StoreURL: storeURL, Dir: filepath.Join(d.dir, fmt.Sprintf("%s-%d-%d", v, os.Getpid(), d.count.Add(1))),
		Env: d.env, Environ: d.environ, Secrets: d.secrets, Live: storeURL == d.db.StoreURL(), Room: room,
		DeferKeys: d.deferKeys,
	}
}

func (d *local) load(ctx context.Context, python, v, storeURL string, room *isolate.Room) (*process, error) {
	s, err := server.Load(ctx, d.config(python, v, storeURL, room))
	if err != nil {
		return nil, err
	}
	return &process{Server: s, driver: d, version: v}, nil
}

// End ends a process of an earlier run, if that very process lives.
func (d *local) End(ctx context.Context, c upgrade.Child) (bool, error) {
	return server.End(ctx, c.Pid, c.Started)
}

// process is one server; it is opened on the public port and then left to itself.
type process struct {
	*server.Server
	driver  *local
	version string
}

func (p *process) Open(ctx context.Context) error {
	if _, err := p.Server.Open(ctx, p.driver.public); err != nil {
		return err
	}
	return p.Detach(ctx)
}

// Course says how the migration went.
func (p *process) Course() upgrade.Course {
	c := p.Server.Course()
	out := upgrade.Course{Revisions: []upgrade.RevisionTime{}, Deferred: c.Deferred}
	for _, r := range c.Revisions {
		out.Revisions = append(out.Revisions, upgrade.RevisionTime{Revision: r.ID, Seconds: r.Seconds})
	}
	switch b := c.Broken; {
	case b != nil:
		out.Broken = &migration.Broken{
			Revision: b.Revision, Statement: b.Statement, Table: migration.TableOf(b.Statement, b.Message), Class: b.Class, Message: b.Message, Compared: []string{},
		}
	case c.Open != "":
		out.Broken = &migration.Broken{Revision: c.Open, Message: migration.CutOff, Compared: []string{}}
	}
	return out
}

func (p *process) About() (upgrade.Child, string) {
	pid, started := p.Child()
	return upgrade.Child{Pid: pid, Started: started, What: "ZenML " + p.version}, p.LogTail()
}
