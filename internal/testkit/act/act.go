// Package act runs workflows for real, in a workflow runner (github.com/nektos/act, built by
// tools/gobin.sh) in host mode: callers' workflows with the suite's own "uses" lines, the shipped
// workflows behind them, against the fake GitHub. Actions in JavaScript cannot be had without GitHub; small
// composite stand-ins with the same inputs take their place and are named in the test's log.
package act

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// longest is above what any workflow of a test takes, to catch one that hangs.
const longest = 15 * time.Minute

// Options say which workflow is run.
type Options struct {
	Repo     string // a git work tree with a remote "origin": the repository that the workflow is in
	Name     string // of that repository, owner/name
	Workflow string // file name below .github/workflows
	Event    string // such as pull_request
	Payload  any    // of the event
	RunID    int64
	GitHub   *github.Server
	Token    string            // the job's own
	Secrets  map[string]string // beside the token
	Vars     map[string]string
	Env      map[string]string // of the machine that the runner is on
	PATH     string            // what comes first on it; "": the program alone
}

// Run is how a workflow run ended.
type Run struct {
	OK        bool
	Jobs      map[string]string // result by the job's id; of a matrix, the worst
	Steps     map[string]string // result by "job/step id", of steps with an id
	Outputs   map[string]string // by "job/step id/name"
	Summary   string            // what the steps added to theirs
	Log       string            // what people read
	Shipped   []string          // workflows of the suite that were run
	Artifacts map[string]map[string][]byte
}

// Do runs a workflow to its end. The test is skipped when act is not there.
func Do(tb testing.TB, o Options) *Run {
	tb.Helper()
	program := program(tb)
	path, err := exec.LookPath("act")
	if err != nil {
		path = filepath.Join(machine.Cache(tb), "gobin", "act")
		if _, err := os.Stat(path); err != nil {
			tb.Skip("skipped: act is missing (sh tools/gobin.sh builds it)")
		}
	}
	dir := tb.TempDir()
	caller := filepath.Join(o.Repo, ".github", "workflows", o.Workflow)
	local, stoodIn := repositories(tb, dir, caller)
	store := filepath.Join(dir, "store")
	args, env := arguments(tb, o, dir, store, filepath.Dir(program))
	for _, name := range slices.Sorted(maps.Keys(local)) {
		args = append(args, "--local-repository", name+"="+local[name])
	}
	res, err := proc.Run(tb.Context(), proc.Command{Path: path, Args: args, Dir: o.Repo, Env: env, Timeout: longest, Keep: 64 << 20})
	var exit *proc.ExitError
	if err != nil && !errors.As(err, &exit) {
		tb.Fatalf("act: %v\n%s", err, res.Stdout)
	}
	r := read(tb, res.Stdout)
	r.OK = err == nil
	r.Log += string(res.Stderr)
	r.collect(tb, filepath.Join(store, strconv.FormatInt(o.RunID, 10)))
	for name, files := range r.Artifacts {
		if o.GitHub != nil {
			o.GitHub.AddArtifact(o.Name, github.Artifact{RunID: o.RunID, Name: name, Zip: zipped(tb, files)})
		}
	}
	// tools/testreport sums these up.
	tb.Logf("act: ran %s; stand-ins for %s", strings.Join(r.Shipped, " "), strings.Join(stoodIn, ", "))
	return r
}

// arguments are act's, and its environment. Values that are secret stand in the environment only.
func arguments(tb testing.TB, o Options, dir, store, program string) (args, env []string) {
	tb.Helper()
	payload, err := json.Marshal(o.Payload)
	if err != nil {
		tb.Fatal(err)
	}
	event := filepath.Join(dir, "event.json")
	if err := os.WriteFile(event, payload, 0o600); err != nil {
		tb.Fatal(err)
	}
	path := os.Getenv("PATH")
	if o.PATH != "" {
		path = o.PATH + string(os.PathListSeparator) + path
	} else {
		path = program + string(os.PathListSeparator) + path
	}
	// What names the machine's own package index and caches reaches the jobs, nothing of a workflow run
	// that the tests may be part of.
	jobs := map[string]string{
		"ACT_STORE": store, "GITHUB_RUN_ID": strconv.FormatInt(o.RunID, 10), "ZENML_UPGRADE_CACHE": machine.Cache(tb), "HOME": os.Getenv("HOME"),
	}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		for _, prefix := range []string{"PIP_", "UV_", "SSL_", "REQUESTS_", "HTTP_", "HTTPS_", "NO_PROXY", "http_", "https_", "no_proxy"} {
			if strings.HasPrefix(name, prefix) {
				jobs[name] = value
			}
		}
	}
	if o.GitHub != nil {
		jobs["GITHUB_API_URL"], jobs["GITHUB_GRAPHQL_URL"] = o.GitHub.URL, o.GitHub.GraphQLURL
	}
	maps.Copy(jobs, o.Env)
	args = []string{
		o.Event, "--json", "--workflows", filepath.Join(".github", "workflows", o.Workflow), "--eventpath", event, "--no-cache-server",
		"--action-cache-path", filepath.Join(dir, "act"), "--secret", "GITHUB_TOKEN",
	}
	for _, label := range []string{"ubuntu-latest", "self-hosted", "zenml-upgrade"} {
		args = append(args, "--platform", label+"=-self-hosted")
	}
	env = []string{"PATH=" + path, "HOME=" + os.Getenv("HOME"), "XDG_CONFIG_HOME=" + dir, "XDG_CACHE_HOME=" + dir, "GITHUB_TOKEN=" + o.Token, "TMPDIR=" + os.TempDir()}
	args = append(args, "--env-file", envFile(tb, dir, jobs))
	for name, value := range o.Secrets {
		args, env = append(args, "--secret", name), append(env, name+"="+value)
	}
	for name, value := range o.Vars {
		args = append(args, "--var", name+"="+value)
	}
	return args, env
}

// envFile writes variables as act reads them.
func envFile(tb testing.TB, dir string, values map[string]string) string {
	tb.Helper()
	var b strings.Builder
	for name, value := range values {
		if strings.ContainsAny(value, "'\n") {
			tb.Fatalf("act: the variable %s cannot be written down", name)
		}
		b.WriteString(name + "='" + value + "'\n")
	}
	path := filepath.Join(dir, "jobs.env")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// collect reads what was uploaded.
func (r *Run) collect(tb testing.TB, dir string) {
	tb.Helper()
	r.Artifacts = map[string]map[string][]byte{}
	store := os.DirFS(dir)
	err := fs.WalkDir(store, ".", func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && d.IsDir() {
			return nil // nothing was uploaded
		}
		data, errRead := fs.ReadFile(store, path)
		name, file, _ := strings.Cut(path, "/")
		if r.Artifacts[name] == nil {
			r.Artifacts[name] = map[string][]byte{}
		}
		r.Artifacts[name][file] = data
		return errors.Join(err, errRead)
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func zipped(tb testing.TB, files map[string][]byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}
