package zenml

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/isolate"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// The probes lie first on Python's path, before the user's modules: their names begin with zu_.
//
//go:embed probes/*.py
var probes embed.FS

// Modules returns the Python modules that other suites use too, by file name: zu_canonical.py, whose
// digest(value) is what Loaded.Digest says of a value, and zu_probe.py, the calls of Calls.
func Modules() (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, name := range []string{"zu_canonical.py", probeScript} {
		text, err := probes.ReadFile("probes/" + name)
		if err != nil {
			return nil, fmt.Errorf("finding the probes: %w", err)
		}
		out[name] = text
	}
	return out, nil
}

// Target is a server as ZenML's own client of one version reaches it.
type Target struct {
	Python string // interpreter of an environment that holds zenml
	URL    string
	APIKey string
	// Dir is where a probe's imports begin: the root of the user's pipelines, so that classes in
	// their modules can be unpickled. "" is an empty folder.
	Dir string
	// StoresPath is the folder under which the artifacts of local stores lie (the
	// ZENML_LOCAL_STORES_PATH they were written with); others cannot be loaded. "" is an empty folder.
	StoresPath string
	Environ    []string // our process's environment; proc.BaseEnv decides what of it passes
	Env        []string // KEY=value for the client alone, such as the credentials of an artifact store
	Timeout    time.Duration
	Room       *isolate.Room // where the probe lives, when the server is a copy; nil: beside us
}

// maxLoaded bounds the answers of the load probe: some hundred bytes for each artifact.
const maxLoaded = 64 << 20

// Loaded is what loading an artifact gave.
type Loaded struct {
	Status string `json:"status"` // "loaded", "failed"
	Type   string `json:"type"`   // module.Class of the value
	// Digest stands for the value. "value:..." differs only if the value does; "state:..." may
	// differ for another version of the class's library; "" says that no such form exists.
	Digest string `json:"digest"`
	Cause  string `json:"cause"` // why it failed, one line
}

// Same compares two loads of one artifact: nil when that cannot be told.
func Same(a, b Loaded) *bool {
	if a.Status != "loaded" || b.Status != "loaded" {
		return nil
	}
	return SameValue(a.Digest, b.Digest)
}

// SameValue compares two values by their digests: nil when that cannot be told.
func SameValue(a, b string) *bool {
	if a == "" || b == "" {
		return nil
	}
	same := a == b
	if !same && (strings.HasPrefix(a, "state:") || strings.HasPrefix(b, "state:")) {
		return nil
	}
	return &same
}

// Run runs a pipeline of two steps on the account's default stack, loads its result back, and
// deletes what it made. Where the deletion fails, things named zenml_upgrade_* stay.
func (p *SmokeProbe) Run(ctx context.Context, url string) error {
	if err := p.process.run(ctx, url); err != nil {
		return fmt.Errorf("running the smoke pipeline: %w", err)
	}
	b, err := os.ReadFile(p.answer)
	if err != nil {
		return fmt.Errorf("reading how the smoke pipeline ended: %w", err)
	}
	var got struct {
		Status string `json:"status"`
		Value  int    `json:"value"`
		Steps  int    `json:"steps"`
	}
	if err := json.Unmarshal(b, &got); err != nil {
		return fmt.Errorf("reading how the smoke pipeline ended: %w", err)
	}
	if got.Status != "completed" || got.Value != 42 || got.Steps != 2 {
		return fmt.Errorf("the smoke pipeline ended %q after %d steps with the value %d, wanted \"completed\" after 2 with 42", got.Status, got.Steps, got.Value)
	}
	return nil
}

// Run loads artifact versions by id with the client, one after another. Every id is in the answer;
// one that ended the interpreter is "failed" and the others are still tried. The target's Timeout is
// for all together: what was not reached is "failed" too. The error is for a probe that could not
// run at all.
//
// Loading runs code of the user's pipelines and of pickles: the caller decides whether it may.
func (p *LoadProbe) Run(ctx context.Context, url string, ids []string) (map[string]Loaded, error) {
	if t := p.target.Timeout; t > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, t, proc.ErrTimeout)
		defer cancel()
	}
	out := map[string]Loaded{}
	for left := ids; len(left) > 0; left = remaining(ids, out) {
		before := len(out)
		runErr := p.load(ctx, url, left, out)
		switch cause := context.Cause(ctx); {
		case errors.Is(cause, proc.ErrTimeout):
			for _, id := range remaining(ids, out) {
				out[id] = Loaded{Status: "failed", Cause: "not loaded within the time limit of " + p.target.Timeout.String()}
			}
		case cause != nil:
			return out, cause
		case len(out) == before && runErr != nil:
			return out, fmt.Errorf("loading artifacts: %w", runErr)
		case len(out) == before:
			return out, errors.New("loading artifacts: the probe ended without a word")
		}
	}
	return out, nil
}

func remaining(ids []string, done map[string]Loaded) []string {
	var left []string
	for _, id := range ids {
		if _, ok := done[id]; !ok {
			left = append(left, id)
		}
	}
	return left
}

// load runs the probe once and files its answers; the artifact it died on is failed.
func (p *LoadProbe) load(ctx context.Context, url string, ids []string, out map[string]Loaded) error {
	b, err := json.Marshal(ids)
	if err != nil {
		return fmt.Errorf("writing the list of artifacts: %w", err)
	}
	if err := errors.Join(os.WriteFile(p.list, b, 0o600), os.WriteFile(p.answers, nil, 0o600)); err != nil {
		return fmt.Errorf("writing the list of artifacts: %w", err)
	}
	if p.process == nil {
		if p.process, err = p.work.begin(ctx, p.target, "zu_load.py", p.list, p.answers); err != nil {
			return err
		}
	}
	runErr := p.process.run(ctx, url)
	p.process.stop()
	p.process = nil
	f, err := os.Open(p.answers)
	if err != nil {
		return fmt.Errorf("reading what the artifacts gave: %w", err)
	}
	defer f.Close()
	begun := ""
	lines := bufio.NewScanner(io.LimitReader(f, maxLoaded))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Begin string `json:"begin"`
			ID    string `json:"id"`
			Loaded
		}
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			break
		}
		if line.Begin != "" {
			begun = line.Begin
			continue
		}
		out[line.ID], begun = line.Loaded, ""
	}
	if begun != "" && context.Cause(ctx) == nil {
		out[begun] = Loaded{Status: "failed", Cause: "the Python process ended while it loaded this artifact"}
	}
	return runErr
}

// workdir is a private folder with the probes in it.
type workdir struct{ dir string }

func newWorkdir(t Target) (*workdir, error) {
	if !filepath.IsAbs(t.Python) {
		return nil, fmt.Errorf("running a probe: the interpreter %q is not an absolute path", t.Python)
	}
	dir, err := os.MkdirTemp("", "zenml-upgrade-probe-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for a probe: %w", err)
	}
	w := &workdir{dir: dir}
	for _, name := range []string{"cwd", "stores", "config"} {
		err = errors.Join(err, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	files, readErr := probes.ReadDir("probes")
	err = errors.Join(err, readErr)
	for _, f := range files {
		b, readErr := probes.ReadFile("probes/" + f.Name())
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(dir, f.Name()), b, 0o600))
	}
	if err != nil {
		w.remove()
		return nil, fmt.Errorf("making a folder for a probe: %w", err)
	}
	return w, nil
}

func (w *workdir) remove() { _ = os.RemoveAll(w.dir) } // a temporary folder: the system removes it otherwise

// run runs a probe that needs no address but the target's.
func (w *workdir) run(ctx context.Context, t Target, script string, args ...string) error {
	_, err := proc.Run(ctx, w.command(t, nil, script, args...))
	return withoutSQL(err)
}

func (w *workdir) command(t Target, stdin io.Reader, script string, args ...string) proc.Command {
	cwd, stores := t.Dir, t.StoresPath
	if cwd == "" {
		cwd = filepath.Join(w.dir, "cwd")
	}
	if stores == "" {
		stores = filepath.Join(w.dir, "stores")
	}
	env := proc.BaseEnv(t.Environ, t.Env...)
	env = append(env, "ZENML_STORE_TYPE=rest", "ZENML_STORE_URL="+t.URL, "ZENML_STORE_API_KEY="+t.APIKey,
		"ZENML_CONFIG_PATH="+filepath.Join(w.dir, "config"), "ZENML_LOCAL_STORES_PATH="+stores,
		"ZENML_ANALYTICS_OPT_IN=false", "ZENML_LOGGING_COLORS_DISABLED=true", "ZENML_ENABLE_RICH_TRACEBACK=false",
		"AUTO_OPEN_DASHBOARD=false", "NO_COLOR=1", "PYTHONNOUSERSITE=1", "PYTHONDONTWRITEBYTECODE=1")
	c := proc.Command{
		Path: t.Python, Args: append([]string{filepath.Join(w.dir, script)}, args...), Dir: cwd, Env: env,
		Secrets: append(proc.SecretValues(t.Env...), t.APIKey), Stdin: stdin,
	}
	if stdin == nil { // a probe that waits has its time limit from when it need not wait any more
		c.Stdin, c.Timeout = bytes.NewReader(nil), t.Timeout
	}
	if t.Room != nil {
		c.Env, c.Place = t.Room.Env(env), t.Room
	}
	return c
}

// withoutSQL drops what a probe wrote when that quotes a server's words on a database
// failure.
func withoutSQL(err error) error {
	var exit *proc.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	for _, sign := range []string{"[SQL", "sqlalche", "pymysql", "sqlite3.", "SELECT ", "INSERT ", "UPDATE ", "DELETE "} {
		if strings.Contains(exit.Tail, sign) {
			return &proc.ExitError{Name: exit.Name, Code: exit.Code, Tail: "the server failed; its words hold SQL and are left out"}
		}
	}
	return err
}
