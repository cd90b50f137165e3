package compat

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/guard"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

//go:embed python
var python embed.FS

const oldName = "old"

// world is one ZenML version with all that runs on it.
type world struct {
	name     string // oldName or "new", for messages
	version  string
	dir      string // its own folder
	repo     string // its copy of the repository
	suite    string // the embedded Python
	stores   string // where artifacts lie; both worlds share it, for ZenML refuses to read others
	password string // of the server's user "default"
	environ  []string
	secrets  []string // kept out of all that its processes say
	client   *pyenv.Env
	server   *server.Server // nil at a guard
	guard    *guard.Guard   // what stands before a server of the team's; nil where the server is ours
	api      *zenml.Client
	outputs  atomic.Int64
	label    string // of the run, in the names of logs
	logs     string // folder for logs that outlive the test; "" for none
	instead  Hook   // runs a pipeline in place of its command; nil: the command does

	mu        sync.Mutex
	disturbed string // why this world can prove nothing any more; see failed
}

// build makes the world's folders: a copy of the repository and the suite.
func (w *world) build(repo string) error {
	w.repo, w.suite = filepath.Join(w.dir, "repository"), filepath.Join(w.dir, "suite")
	if err := w.folders(); err != nil {
		return err
	}
	files, err := fs.Sub(python, "python")
	if err != nil {
		return fmt.Errorf("finding the built-in suite: %w", err)
	}
	if err := os.CopyFS(w.suite, files); err != nil {
		return fmt.Errorf("writing the built-in suite: %w", err)
	}
	modules, err := zenml.Modules()
	for name, text := range modules {
		err = errors.Join(err, os.WriteFile(filepath.Join(w.suite, name), text, 0o600))
	}
	if err != nil {
		return fmt.Errorf("writing the built-in suite: %w", err)
	}
	return copyTree(repo, w.repo)
}

// folders makes what the world's processes write to.
func (w *world) folders() error {
	for _, d := range []string{w.dir, w.stores, filepath.Join(w.dir, "home"), filepath.Join(w.dir, "tmp")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("making the folders of a test world: %w", err)
		}
	}
	return nil
}

// serverConfig describes the world's server, on the SQLite file below its folder.
func (w *world) serverConfig(env *pyenv.Env) server.Config {
	return server.Config{
		Python: env.Python, Dir: filepath.Join(w.dir, "server"), StoreURL: "sqlite:///" + w.database(),
		Environ: w.environ, Secrets: w.secrets,
		Env: []string{"ZENML_SERVER_AUTO_ACTIVATE=1", "ZENML_DEFAULT_USER_PASSWORD=" + w.password, "ZENML_LOCAL_STORES_PATH=" + w.stores},
	}
}

func (w *world) database() string { return filepath.Join(w.dir, "zenml.db") }

// login makes the REST client of the world's server, once it serves.
func (w *world) login(ctx context.Context) error {
	w.api = zenml.New(w.server.PrivateURL())
	if err := w.api.LoginPassword(ctx, "default", w.password); err != nil {
		return fmt.Errorf("logging in to the throw-away server of ZenML %s: %w", w.version, err)
	}
	return nil
}

// path is where the code under test finds programs: first in its environment.
func (w *world) path() string {
	path := cmp.Or(proc.Getenv(w.environ, "PATH"), "/usr/bin:/bin")
	return filepath.Join(w.client.Dir, "bin") + string(filepath.ListSeparator) + path
}

// env is all that code under test knows: its world's server and folders, nothing of ours. What one
// process compiles serves the next and goes with the world: nothing is written to the environment,
// which is kept, nor to the copies of the repository.
func (w *world) env(extra ...string) []string {
	env := proc.BaseEnv(w.environ,
		"HOME="+filepath.Join(w.dir, "home"), "TMPDIR="+filepath.Join(w.dir, "tmp"),
		"PATH="+w.path(), "VIRTUAL_ENV="+w.client.Dir,
		"PYTHONNOUSERSITE=1", "PYTHONUNBUFFERED=1", "PYTHONPYCACHEPREFIX="+w.suite+"-compiled", "NO_COLOR=1",
		"NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost",
		"ZENML_CONFIG_PATH="+filepath.Join(w.dir, "config"), "ZENML_LOCAL_STORES_PATH="+w.stores,
		"ZENML_STORE_TYPE=rest", "ZENML_ANALYTICS_OPT_IN=false", "ZENML_LOGGING_COLORS_DISABLED=true", "ZENML_ENABLE_RICH_TRACEBACK=false",
		"AUTO_OPEN_DASHBOARD=false", "MPLBACKEND=Agg",
	)
	if w.guard != nil {
		env = append(env, w.way()...)
	} else {
		env = append(env, "ZENML_STORE_URL="+w.server.PrivateURL(), "ZENML_STORE_USERNAME=default", "ZENML_STORE_PASSWORD="+w.password)
	}
	return append(env, extra...)
}

// way leads a client through the world's guard.
func (w *world) way() []string {
	return []string{"ZENML_STORE_URL=" + w.guard.URL, "ZENML_STORE_API_KEY=" + w.guard.Key}
}

// at is a world of w's client at a server that is not ours, behind a guard that the caller closes. stores is
// where its artifacts lie, "" for an empty folder.
func (w *world) at(ctx context.Context, name string, c guard.Config, dir, stores string) (*world, error) {
	g, err := guard.Start(ctx, c)
	if err != nil {
		return nil, err
	}
	return &world{
		name: name, version: w.version, dir: dir, repo: w.repo, suite: w.suite, stores: cmp.Or(stores, filepath.Join(dir, "stores")),
		environ: w.environ, secrets: append([]string{c.Key, g.Key}, w.secrets...), client: w.client, guard: g, api: zenml.New(g.URL),
		logs: w.logs, label: w.label + "-" + strings.ReplaceAll(name, " ", "-"), instead: w.instead,
	}, nil
}

// enter makes the folders of a world behind a guard and logs in there.
func (w *world) enter(ctx context.Context) error {
	if err := errors.Join(w.folders(), w.api.LoginKey(ctx, w.guard.Key)); err != nil {
		return fmt.Errorf("reaching %s: %w", w.name, err)
	}
	return nil
}

// ask runs one of the embedded scripts and calls each with every JSON line that it wrote, also
// when it failed after them. The script's own error, if any, is returned with its last words.
func (w *world) ask(ctx context.Context, timeout time.Duration, each func(line []byte), script string, args ...string) error {
	out := filepath.Join(w.dir, fmt.Sprintf("answers-%d.jsonl", w.outputs.Add(1)))
	paths := []string{w.repo, filepath.Join(w.repo, "src"), w.suite}
	mark := "ZENML_UPGRADE_RUN=" + rand.Text()
	defer proc.KillMarked(mark) // what loaded code left running
	_, err := proc.Run(ctx, proc.Command{
		Path: w.client.Python, Args: append([]string{filepath.Join(w.suite, script), out}, args...), Dir: w.suite,
		Env:     w.env("PYTHONPATH="+strings.Join(paths, string(filepath.ListSeparator)), "ZU_REPOSITORY="+w.repo, mark),
		Timeout: timeout, Secrets: w.secrets,
	})
	f, openErr := os.Open(out)
	if openErr != nil {
		if err == nil {
			err = fmt.Errorf("reading the answers of %s: %w", script, openErr)
		}
		return err
	}
	defer f.Close()
	b, readErr := io.ReadAll(io.LimitReader(f, 16<<20))
	if readErr != nil {
		return fmt.Errorf("reading the answers of %s: %w", script, readErr)
	}
	for line := range bytes.Lines(b) {
		if json.Valid(line) {
			each(line)
		}
	}
	return err
}

// stop ends the world's server, if it has one.
func (w *world) stop(ctx context.Context) {
	if w.server != nil {
		w.server.Stop(context.WithoutCancel(ctx))
	}
}
