// Package actions_test runs the actions as GitHub's runner does: in the image, with the runner's folders,
// variables and user.
package actions_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/engine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/gitrepo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
)

func TestMain(m *testing.M) { os.Exit(dbserver.Main(m)) }

// runnersUser owns the workspace on GitHub's own runners; their containers run as root.
const runnersUser = 1001

// job is what a runner has for the steps of one job.
type job struct {
	engine *engine.Engine
	dir    string            // holds the folders that the runner mounts
	env    map[string]string // of every step
	mounts []string          // more than a runner gives
	user   string            // "": the image's
}

// step is how a step ended.
type step struct {
	exit    int
	log     string
	outputs string // GITHUB_OUTPUT
	summary string
	result  struct {
		Decision   string `json:"decision"`
		ReasonCode string `json:"reason_code"`
		From       string `json:"from"`
		Outcome    string `json:"outcome"`
		Problems   []struct {
			Code   string `json:"code"`
			Blocks bool   `json:"blocks"`
		} `json:"problems"`
	}
}

func (s *step) problems() map[string]bool {
	out := map[string]bool{}
	for _, p := range s.result.Problems {
		out[p.Code] = p.Blocks
	}
	return out
}

// newJob makes the runner's folders, with a repository of these files checked out, all of them its user's.
func newJob(t *testing.T, e *engine.Engine, hub *github.Server, files map[string]string) *job {
	t.Helper()
	repo := gitrepo.New(t)
	repo.Commit(files)
	j := &job{engine: e, dir: t.TempDir(), env: map[string]string{"GITHUB_API_URL": hub.URL, "GITHUB_REPOSITORY": "acme/churn", "GITHUB_EVENT_NAME": "workflow_dispatch"}}
	for _, name := range []string{"home", "workflow", "file_commands"} {
		if err := os.Mkdir(filepath.Join(j.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(j.dir, "workspace"), os.DirFS(repo.Dir)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"file_commands/output": "", "file_commands/summary": "", "workflow/event.json": "{}"} {
		if err := os.WriteFile(filepath.Join(j.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(j.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, runnersUser, runnersUser)
	})
	if err != nil {
		t.Skipf("skipped: a runner's workspace belongs to another user than root, and it cannot be given away: %v", err)
	}
	return j
}

// run is one step: the command that the runner gives to docker (github.com/actions/runner,
// DockerCommandManager.DockerRun), values in the client's environment and names on its command line.
func (j *job) run(t *testing.T, image, action string, inputs map[string]string) *step {
	t.Helper()
	vars := map[string]string{
		"HOME": "/github/home", "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/github/workspace",
		"GITHUB_EVENT_PATH": "/github/workflow/event.json", "GITHUB_OUTPUT": "/github/file_commands/output",
		"GITHUB_STEP_SUMMARY": "/github/file_commands/summary", "RUNNER_OS": "Linux",
	}
	maps.Copy(vars, j.env)
	for name, value := range inputs {
		vars["INPUT_"+strings.ToUpper(name)] = value
	}
	args := []string{"run", "--rm", "--network", "host", "--workdir", "/github/workspace"}
	var env []string
	for name, value := range vars {
		if name == "HOME" { // the client has a home of its own
			name += "=" + value
		}
		args, env = append(args, "-e", name), append(env, name+"="+value)
	}
	env = slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "HOME=") })
	for _, name := range []string{"home", "workflow", "file_commands", "workspace"} {
		args = append(args, "-v", filepath.Join(j.dir, name)+":/github/"+name)
	}
	for _, m := range j.mounts {
		args = append(args, "-v", m)
	}
	if j.user != "" {
		args = append(args, "--user", j.user)
	}
	res, err := j.engine.Run(t.Context(), env, append(args, image, action)...)
	s := &step{exit: res.ExitCode, log: string(res.Stdout) + string(res.Stderr)}
	t.Logf("%s: exit %d, %.1f s", action, s.exit, res.Seconds)
	if err != nil && res.ExitCode > 100 || res.TimedOut {
		t.Fatalf("%v\n%s", err, s.log)
	}
	s.outputs, s.summary = j.read(t, "file_commands/output"), j.read(t, "file_commands/summary")
	if err := json.Unmarshal([]byte(j.read(t, "workspace/.zenml-upgrade/result.json")), &s.result); err != nil {
		t.Fatalf("%v\n%s", err, s.log)
	}
	return s
}

func (j *job) read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(j.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// belongs checks that later steps, which run as the runner's user, can read and remove what was written.
func (j *job) belongs(t *testing.T) {
	t.Helper()
	seen := 0
	err := filepath.WalkDir(filepath.Join(j.dir, "workspace"), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if st := info.Sys().(*syscall.Stat_t); st.Uid != runnersUser { //nolint:forcetypeassert // on Linux
			t.Errorf("%s belongs to user %d", path, st.Uid)
		}
		if strings.Contains(path, ".zenml-upgrade") {
			seen++
		}
		return nil
	})
	if err != nil || seen < 4 {
		t.Errorf("%d files and folders of ours: %v", seen, err)
	}
}

// warm lets the containers have the packages that this machine's uv has fetched already, and the
// environments that an earlier one made.
func warm(t *testing.T, environments string) []string {
	t.Helper()
	mounts := []string{environments + ":/var/cache/zenml-upgrade"}
	dir, err := os.UserCacheDir()
	if err != nil {
		return mounts
	}
	dir = filepath.Join(dir, "uv")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return append(mounts, dir+":/github/home/.cache/uv")
}

func hub(t *testing.T) *github.Server {
	t.Helper()
	s := github.New(t)
	s.AddRepository("acme/churn")
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for i, tag := range []string{"0.98.0", "0.85.0"} {
		s.AddReleases("zenml-io/zenml", github.Release{Tag: tag, Body: "## Breaking Changes\n\n- `Client.list_event_sources` was removed.\n", Published: at.AddDate(0, -i, 0)})
	}
	return s
}

const pipeline = "from zenml.client import Client\n\nprint(Client().list_event_sources(size=20))\n"

// site is a repository of a server's users: its pin, its code, its configuration for a run from a container.
func site(t *testing.T, w *world.World) map[string]string {
	t.Helper()
	settings, err := os.ReadFile(w.EnvFile)
	if err != nil {
		t.Fatal(err)
	}
	var hooks strings.Builder
	for _, name := range config.HookNames {
		fmt.Fprintf(&hooks, "      %s: echo %s\n", name, map[string]string{"status": "running", "version": w.Version}[name])
	}
	return map[string]string{
		"server.env": string(settings), "requirements.txt": "zenml==" + w.Version + "\n", "audit.py": pipeline,
		config.DefaultPath: fmt.Sprintf("environments:\n  here:\n    kind: staging\n    server-url: %[1]s\n    driver: local\n    local: {python: python3, env-file: server.env, port: %[2]d}\n"+
			"  there:\n    kind: staging\n    server-url: %[1]s\n    driver: command\n    command: {python: \"3.11\", env-file: server.env}\n    hooks:\n%[3]s", w.URL, w.Port, hooks.String()),
	}
}

// One real server with content, on a database that is reached by the network as it is from a runner.
//
//nolint:paralleltest // one after the other: the first makes the environments of the rest
func TestActionsOnAServerOutsideOfTheirContainers(t *testing.T) {
	t.Parallel()
	e := engine.Need(t)
	cache := world.Need(t)
	address := dbserver.New(t, dbserver.MariaDB)
	scratch := address.On("")
	e.Build(t, machine.Root(t), "slim", "full")
	w, err := world.Start(t.Context(), world.Options{Version: "0.85.0", CacheDir: cache, Dir: t.TempDir(), Environ: os.Environ(), StoreURL: address.StoreURL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)

	environments := t.TempDir()
	fresh := func(t *testing.T) *job {
		t.Helper()
		j := newJob(t, e, hub(t), site(t, w))
		j.mounts = warm(t, environments)
		return j
	}
	t.Run("release-check", func(t *testing.T) {
		j := fresh(t)
		s := j.run(t, "zenml-upgrade:full", "release-check", map[string]string{"to": "0.98.0", "server-url": w.URL, "server-token": w.APIKey})
		if s.exit != 1 || s.result.Decision != "block" || s.result.From != "0.85.0" {
			t.Errorf("exit %d, %+v\n%s", s.exit, s.result, s.log)
		}
		if !strings.Contains(s.outputs, ".zenml-upgrade/result.json") || strings.Contains(s.outputs, "/github/workspace") || !strings.Contains(s.summary, "audit.py") {
			t.Errorf("outputs:\n%s\nsummary:\n%s", s.outputs, s.summary)
		}
		if strings.Contains(s.log+s.summary, w.APIKey) && !strings.Contains(s.log, "::add-mask::"+w.APIKey) {
			t.Error("the key was shown")
		}
		j.belongs(t)
	})
	t.Run("compat-test", func(t *testing.T) {
		j := fresh(t)
		s := j.run(t, "zenml-upgrade:full", "compat-test", map[string]string{"from": "0.85.0", "to": "0.98.0", "suite": "basic", "pipelines": "none"})
		if s.exit != 0 || s.result.Decision != "pass" {
			t.Errorf("exit %d, %+v\n%s", s.exit, s.result, s.log)
		}
		j.belongs(t)
	})
	staging := func(mode, environment string) map[string]string {
		return map[string]string{
			"mode": mode, "environment": environment, "to": "0.98.0", "server-token": w.APIKey, "backup-dir": "/backups",
			"database-url": address.StoreURL(), "scratch-database-url": scratch.StoreURL(),
		}
	}
	t.Run("staging-upgrade rehearses", func(t *testing.T) {
		j := fresh(t)
		s := j.run(t, "zenml-upgrade:full", "staging-upgrade", staging("rehearse", "there"))
		if s.exit != 0 || s.result.Outcome != "rehearsed" {
			t.Errorf("exit %d, %+v\n%s", s.exit, s.result, s.log)
		}
		if blocks, told := s.problems()["backup_dir_in_container"]; !told || blocks {
			t.Errorf("that the backup is lost is told %v, blocks %v", told, blocks)
		}
		j.belongs(t)
	})
	t.Run("staging-upgrade refuses", func(t *testing.T) {
		j := fresh(t)
		s := j.run(t, "zenml-upgrade:full", "staging-upgrade", staging("upgrade", "here"))
		got := s.problems()
		if s.exit != 1 || s.result.Outcome != "refused" || !got["backup_dir_in_container"] || !got["in_container"] {
			t.Errorf("exit %d, %+v\n%s", s.exit, s.result, s.log)
		}
		j.mounts = append(j.mounts, t.TempDir()+":/backups")
		s = j.run(t, "zenml-upgrade:full", "staging-upgrade", staging("plan", "here"))
		if _, told := s.problems()["backup_dir_in_container"]; told || s.result.Outcome != "planned" {
			t.Errorf("a folder that is mounted: %+v\n%s", s.result, s.log)
		}
	})
	for name, uses := range map[string]string{"in-tree": "./actions/", "consumer": "zenml-upgrade/zenml-upgrade/actions/"} {
		t.Run("in a workflow: "+name, func(t *testing.T) { inAWorkflow(t, e, name, uses, site(t, w), staging("plan", "here")) })
	}
	t.Run("without root, and in slim", func(t *testing.T) {
		j := fresh(t)
		j.user = fmt.Sprintf("%d:%d", runnersUser, runnersUser)
		for _, image := range []string{"slim", "full"} {
			s := j.run(t, "zenml-upgrade:"+image, "release-check", map[string]string{"to": "newest"})
			if s.exit != 2 || s.result.ReasonCode != "bad_input" || !strings.Contains(s.log, "newest") {
				t.Errorf("%s: exit %d, %+v\n%s", image, s.exit, s.result, s.log)
			}
		}
		j.belongs(t)
	})
}
