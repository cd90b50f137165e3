package standin

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/port"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// SQLite is the kind of a database in a file, beside those of dbserver.
const SQLite = "sqlite"

// Site is an environment to upgrade: a running stand-in server of the old version on a real database,
// a repository that knows it, folders for backups and results.
type Site struct {
	Dir     string // all of it; every process of the site has this path in its environment
	Backups string
	Out     string
	Store   string // database-url; as ZenML takes it, too
	URL     string
	Port    int
	Key     string // of a service account

	// Proxy stands before the database server; nil for a file.
	Proxy *dbserver.Proxy

	second             *server.Server
	faults, env, cache string
	secret             string // the encryption key
	python             string // that runs the old version
	environ            []string
	kind               string // of the environment; "": staging
}

// NewSite starts one. cache is a folder that sites share (Prepare): what package tools make is kept there.
func NewSite(t testing.TB, kind, cache string) *Site {
	t.Helper()
	s := newSite(t, cache)
	s.Key, s.python = "ZENKEY_"+rand.Text(), byHand(cache, Old)
	must(t, tools(filepath.Join(s.Dir, "bin")))
	s.environ = append(s.environ, "PATH="+filepath.Join(s.Dir, "bin")+":"+path(s.environ))
	s.Store = "sqlite:///" + filepath.Join(s.Dir, "zenml.db")
	if kind != SQLite {
		a := dbserver.New(t, kind)
		s.Proxy = dbserver.NewProxy(t, net.JoinHostPort(a.Host, strconv.Itoa(a.Port)))
		a.Port = s.Proxy.Port
		s.Store = a.StoreURL()
	}
	s.Port = port.For(t)
	s.secret = rand.Text()
	s.fill(t, s.secret)
	must(t, os.WriteFile(s.env, fmt.Appendf(nil, "ZENML_STORE_URL=%s\nZENML_SERVER_JWT_SECRET_KEY=%s\nZENML_SECRETS_STORE_TYPE=sql\nZENML_SECRETS_STORE_ENCRYPTION_KEY=%s\n%s=%s\n%s=%s\n",
		s.Store, rand.Text(), s.secret, siteKey, s.faults, realKey, digest(s.Store)), 0o600))
	s.Start(t, Old)
	s.Configure(t, "")
	t.Cleanup(func() { s.Stop(t) })
	return s
}

func newSite(t testing.TB, cache string) *Site {
	t.Helper()
	s := &Site{Dir: t.TempDir(), cache: cache}
	s.Backups, s.Out, s.faults, s.env = filepath.Join(s.Dir, "backups"), filepath.Join(s.Dir, "out"), filepath.Join(s.Dir, "faults"), filepath.Join(s.Dir, "server.env")
	for _, d := range []string{s.faults, filepath.Join(s.Dir, "tmp"), filepath.Join(s.Dir, "repo", ".github")} {
		must(t, os.MkdirAll(d, 0o700))
	}
	s.environ = append(dbserver.Environ(t), "TMPDIR="+filepath.Join(s.Dir, "tmp"))
	return s
}

// Around makes a site of a real ZenML server with content: nothing of it is a stand-in.
func Around(t testing.TB, w *world.World) *Site {
	t.Helper()
	s := newSite(t, world.Need(t))
	s.Store, s.URL, s.Port, s.Key, s.python, s.env = w.StoreURL, w.URL, w.Port, w.APIKey, w.Python, w.EnvFile
	s.Configure(t, "")
	t.Cleanup(func() { s.Stop(t) })
	return s
}

// Setenv sets a variable of the environment that the program is run in.
func (s *Site) Setenv(name, value string) { s.environ = append(s.environ, name+"="+value) }

// OfKind makes the environment one of another kind.
func (s *Site) OfKind(t testing.TB, kind string) {
	t.Helper()
	s.kind = kind
	s.Configure(t, "")
}

// Configure writes the repository's configuration; more are further lines of the environment.
func (s *Site) Configure(t testing.TB, more string) {
	t.Helper()
	text := fmt.Sprintf("environments:\n  staging:\n    kind: %s\n    server-url: %s\n    local: {python: %q, env-file: %q, port: %d}\n%s",
		cmp.Or(s.kind, "staging"), s.URL, s.python, s.env, s.Port, more)
	must(t, os.WriteFile(filepath.Join(s.Dir, "repo", ".github", "zenml-upgrade.yml"), []byte(text), 0o600))
}

func (s *Site) fill(t testing.TB, secret string) {
	t.Helper()
	s.Exec(t, oldSchema(s.Key, secret)...)
}

// Exec runs statements in the real database, in a session of their own.
func (s *Site) Exec(t testing.TB, statements ...string) {
	t.Helper()
	must(t, s.exec(statements...))
}

func (s *Site) exec(statements ...string) error {
	db, err := openStore(s.Store)
	if err != nil {
		return err
	}
	for _, text := range statements {
		if _, err := db.ExecContext(context.Background(), text); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", text, err), db.Close())
		}
	}
	return db.Close()
}

// Start starts a server of a version on the real database and the public address, as a person would.
func (s *Site) Start(t testing.TB, version string) {
	t.Helper()
	settings, err := server.ReadEnvFile(s.env)
	must(t, err)
	srv, err := server.Start(context.Background(), server.Config{
		Python: byHand(s.cache, version), StoreURL: s.Store, Dir: filepath.Join(s.Dir, "server"), Env: settings, Environ: s.environ, Live: true,
	})
	must(t, err)
	if _, err = srv.Open(context.Background(), net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))); err == nil {
		err = srv.Detach(context.Background())
	}
	if err != nil { // what else listens there is still the site's, and is stopped with it
		srv.Stop(context.Background())
		t.Fatal(err)
	}
	s.URL = "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))
}

// Second starts another server of a version on the real database, on an address of its own.
func (s *Site) Second(t testing.TB, version string) {
	t.Helper()
	settings, err := server.ReadEnvFile(s.env)
	must(t, err)
	s.second, err = server.Start(context.Background(), server.Config{
		Python: byHand(s.cache, version), StoreURL: s.Store, Dir: filepath.Join(s.Dir, "second"), Env: settings, Environ: s.environ, Live: true,
	})
	must(t, err)
	t.Cleanup(func() { s.StopSecond(t) })
}

// StopSecond ends it.
func (s *Site) StopSecond(t testing.TB) {
	t.Helper()
	if s.second != nil {
		s.second.Stop(context.Background())
	}
}

// Stop ends what listens on the public address, if anything does.
func (s *Site) Stop(t testing.TB) {
	t.Helper()
	l, err := server.FindListener(s.Port)
	if errors.Is(err, server.ErrNoListener) {
		return
	}
	must(t, err)
	must(t, l.Stop(context.Background(), 10*time.Second))
}

// Fault arms a fault by its name.
func (s *Site) Fault(t testing.TB, name string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(s.faults, name), nil, 0o600))
}

// Mend takes faults away.
func (s *Site) Mend(t testing.TB, names ...string) {
	t.Helper()
	for _, n := range names {
		must(t, os.Remove(filepath.Join(s.faults, n)))
	}
}

// Settings changes the server's settings file by a replacement, for servers that are started from now.
func (s *Site) Settings(t testing.TB, from, to string) {
	t.Helper()
	text, err := os.ReadFile(s.env)
	must(t, err)
	if !strings.Contains(string(text), from) {
		t.Fatalf("the settings hold no %q", from)
	}
	must(t, os.WriteFile(s.env, []byte(strings.Replace(string(text), from, to, 1)), 0o600))
}

// Account gives the site another account on its database server, and starts its server with that.
func (s *Site) Account(t testing.TB, user, password string) {
	t.Helper()
	u, err := url.Parse(s.Store)
	must(t, err)
	u.User = url.UserPassword(user, password)
	s.Settings(t, "ZENML_STORE_URL="+s.Store, "ZENML_STORE_URL="+u.String())
	s.Settings(t, realKey+"="+digest(s.Store), realKey+"="+digest(u.String()))
	s.Stop(t)
	s.Store = u.String()
	s.Start(t, Old)
}

// Post makes a run through the public address, as a person's client does.
func (s *Site) Post(name, status string) error {
	c, err := newClient(s.URL, s.Key)
	if err != nil {
		return err
	}
	var made any
	return c.do("POST", "/runs", map[string]string{"name": name, "status": status}, &made)
}

// Version is what answers on the public address, "" for nothing.
func (s *Site) Version() string {
	v, err := zenml.New(s.URL).Version(context.Background())
	if err != nil {
		return ""
	}
	return v
}

// Content is what the real database holds, without what every log-in changes.
func (s *Site) Content(t testing.TB) database.Fingerprint {
	t.Helper()
	db, err := database.Open(s.Store, database.Options{})
	must(t, err)
	f, err := db.Fingerprint(t.Context())
	must(t, err)
	delete(f.Tables, "api_key")
	delete(f.Tables, "server_settings") // of a real server
	return f
}

// Migrated is what a newer version makes of an untouched database of the site's kind.
func (s *Site) Migrated(t testing.TB, kind, version string) database.Fingerprint {
	t.Helper()
	other := &Site{Dir: t.TempDir(), Key: s.Key, env: s.env, environ: s.environ}
	other.Store = "sqlite:///" + filepath.Join(other.Dir, "zenml.db")
	if kind != SQLite {
		a := dbserver.New(t, kind)
		other.Store = a.StoreURL()
	}
	other.fill(t, s.secret)
	for _, r := range revisions(New) {
		other.Exec(t, r.statements...)
	}
	other.Exec(t, "UPDATE alembic_version SET version_num = '"+version+"'")
	return other.Content(t)
}

// Processes are the site's processes: those with its folder in their environment.
func (s *Site) Processes() []int {
	var out []int
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		environ, _ := os.ReadFile(filepath.Join(d, "environ")) // empty of one that has ended
		if pid, err := strconv.Atoi(filepath.Base(d)); err == nil && bytes.Contains(environ, []byte(s.Dir)) {
			out = append(out, pid)
		}
	}
	return out
}

// With runs fn on a session with the real database.
func (s *Site) With(t testing.TB, fn func(*sql.DB)) {
	t.Helper()
	db, err := openStore(s.Store)
	must(t, err)
	fn(db.DB)
	must(t, db.Close())
}

// Ran is how the program ended.
type Ran struct {
	Exit   int // -1: a signal
	Result Result
	Text   string // report.md
	Told   string // standard output and standard error
}

// Result is what tests look at of result.json.
type Result struct {
	Outcome    string `json:"outcome"`
	Decision   string `json:"decision"`
	ReasonCode string `json:"reason_code"`
	Reasons    []struct{ Code, Text string }
	From, To   string
	Content    *struct {
		Before string
		After  *string
	}
	Backup *struct {
		Path  string
		Drill *struct {
			Passed   bool
			Switched int64 `json:"switched_off"`
		}
	}
	Failure *struct{ Step, Message, Advice string }
	Export  *string `json:"written_export"`
	Checks  []struct{ Name, Status, Detail string }
	Written []string `json:"written_since_backup"`
	Steps   []struct{ Name, Status, Detail string }
}

// Run runs the program on the site: mode, further arguments, further variables of its environment.
func (s *Site) Run(t testing.TB, mode string, args []string, environ ...string) Ran {
	t.Helper()
	_ = os.RemoveAll(s.Out) // what is read afterwards is this run's
	all := append([]string{
		"staging-upgrade", "--mode", mode, "--repository-path", filepath.Join(s.Dir, "repo"), "--output-dir", s.Out, "--backup-dir", s.Backups,
	}, args...)
	for _, f := range []string{"--prove-rollback", "--old-clients"} { // what doubles a run, and what asks ZenML's own client
		if !slices.Contains(args, f) {
			all = append(all, f, "false")
		}
	}
	if mode != "rollback" && mode != "verify" {
		all = append(all, "--to", New)
	}
	self, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), self, all...)
	cmd.Env = append(append(s.environ, ProgramEnv+"=1", "ZENML_UPGRADE_CACHE="+s.cache, "ZENML_UPGRADE_SERVER_TOKEN="+s.Key, "ZENML_UPGRADE_DATABASE_URL="+s.Store), environ...)
	var told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &told, &told
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	ran := Ran{Exit: cmd.ProcessState.ExitCode(), Told: told.String()}
	if text, err := os.ReadFile(filepath.Join(s.Out, "result.json")); err == nil {
		must(t, json.Unmarshal(text, &ran.Result))
	}
	text, _ := os.ReadFile(filepath.Join(s.Out, "report.md")) // a run that was killed wrote none
	ran.Text = string(text)
	return ran
}

// ProgramEnv in its environment makes the test binary the program: its TestMain does that.
const ProgramEnv = "STANDIN_PROGRAM"

func path(environ []string) string {
	for i := len(environ) - 1; i >= 0; i-- {
		if p, ok := strings.CutPrefix(environ[i], "PATH="); ok {
			return p
		}
	}
	return ""
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
