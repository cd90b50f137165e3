package compat

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

const hostileFlows = `from zenml import pipeline, step
@step
def one() -> int:
    return 1
@step
def fails() -> int:
    raise ValueError("no")
`

// marks are what a workflow's step has and the code under test must not see: neither pipelines nor
// artifacts that are loaded.
var marks = []string{
	"GITHUB_TOKEN=planted", "GITHUB_ACTOR=planted", "ACTIONS_RUNTIME_TOKEN=planted", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=planted", "INPUT_SERVER-TOKEN=planted",
	"INPUT_GITHUB-TOKEN=planted", "RUNNER_TEMP=planted", "ZENML_UPGRADE_SERVER_TOKEN=planted", "ZENML_STORE_API_KEY=planted", "PLANTED_KEY=planted",
}

// hostile are pipelines that misbehave, by name: what is run, after which a pipeline of that name
// runs unless the code ends before.
var hostile = map[string]string{
	"hangs":  "import time; time.sleep(600)",
	"floods": "for _ in range(100): print('x' * (1 << 20))\nprint('the very end')",
	"writes": "open('left.txt', 'w').write('x')\nopen('requirements.txt', 'a').write('#')",
	"prints": "import inlib, os; print('the key is', os.environ['WAREHOUSE_KEY'], 'and', os.environ['ZENML_STORE_PASSWORD'], 'mode', os.environ['MODE'])",
	"swallows": `from zenml import pipeline
from flows import fails
@pipeline(enable_cache=False, name="swallows")
def broken():
    fails()
try:
    broken()
except Exception as e:
    print("Error:", e)
raise SystemExit(0)`,
	"looks": `import os
found = [k for k, v in os.environ.items() if "planted" in k.lower() or "planted" in v or k.startswith(("GITHUB_", "ACTIONS_", "INPUT_", "RUNNER_"))]
if found:
    raise SystemExit(f"found {found}")`,
	"daemon": `import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(DAEMON, "w").write(str(os.getpid()))
        for fd in range(3):
            os.close(fd)
        time.sleep(600)
    os._exit(0)
while not os.path.exists(DAEMON):
    time.sleep(0.01)`,
	"fills": `import os
with open(os.path.join(os.environ["TMPDIR"], "fill"), "wb") as f:
    while True:
        f.write(b"x" * (1 << 20))
        f.flush()`,
	"kills": `import os, signal, urllib.parse
port = "%04X" % urllib.parse.urlparse(os.environ["ZENML_STORE_URL"]).port
inode = next(l.split()[9] for l in open("/proc/net/tcp") if l.split()[1].endswith(":" + port) and l.split()[3] == "0A")
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        fds = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        continue
    if f"socket:[{inode}]" in fds:
        os.kill(int(pid), signal.SIGKILL)`,
}

// TestHostilePipelines runs pipelines that misbehave, one after the other in one world.
func TestHostilePipelines(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: -short leaves out what starts real ZenML servers")
	}
	const key = "hunter2-hunter2"
	logs, disk, daemon := t.TempDir(), smallDisk(t), filepath.Join(t.TempDir(), "pid")
	tree := map[string]string{"requirements.txt": "zenml[server]==0.85.0\n", "flows.py": hostileFlows, "lib/inlib.py": ""}
	o := Options{
		From: "0.85.0", To: "0.98.0", Python: ">=3.10,<3.12", Pyenv: machine.Manager(t), Logs: logs,
		Environ: append(append(os.Environ(), "WAREHOUSE_KEY="+key), marks...),
	}
	for name, code := range hostile {
		tree["run_"+name+".py"] = strings.ReplaceAll(code, "DAEMON", strconv.Quote(daemon)) +
			"\nimport flows\nfrom zenml import pipeline\n@pipeline(enable_cache=False, name='" + name + "')\ndef run():\n    flows.one()\nrun()\n"
		c := config.Pipeline{Name: name, Command: "python run_" + name + ".py"}
		switch name {
		case "hangs":
			c.Timeout = "1s"
		case "prints":
			c.Secrets, c.Environment = []string{"WAREHOUSE_KEY"}, map[string]string{"MODE": "fast", "ZENML_STORE_URL": "http://elsewhere", "PYTHONPATH": "lib"}
		}
		o.Pipelines = append(o.Pipelines, c)
	}
	o.Repo = files.Dir(t, tree)
	w, run := oldWorld(t, o, disk)
	log := func(name string) string {
		b, err := os.ReadFile(filepath.Join(logs, name+"-old.log"))
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	expect := func(name string, status Status, detail string) Attempt {
		t.Helper()
		at := run(name)
		if at.Status != status || !strings.Contains(value(at.Detail), detail) {
			t.Errorf("%s: %s %q, want %s %q\n%s", name, at.Status, value(at.Detail), status, detail, at.tail)
		}
		return at
	}
	if names, err := w.integrations(t.Context()); err != nil || !slices.Contains(names, "sklearn") || !slices.Contains(names, "mlflow") {
		t.Errorf("the integrations are %q, %v", names, err)
	}
	expect("hangs", Failed, "ran past its time limit")
	expect("looks", Passed, "")
	expect("swallows", Failed, "the server says its run is failed")
	expect("floods", Passed, "")
	if text := log("floods"); len(text) > maxLog+2*maxTail+1000 || !strings.Contains(text, "log cut here") || !strings.Contains(text, "the very end") {
		t.Errorf("the log of 100 MB came to %d bytes and does not hold its end", len(text))
	}
	if at := expect("writes", Passed, ""); strings.Join(at.Wrote, " ") != "left.txt requirements.txt" {
		t.Errorf("seen as written: %q", at.Wrote)
	}
	if _, err := os.Stat(filepath.Join(w.repo, "left.txt")); err == nil {
		t.Error("what one run wrote is there for the next")
	}
	expect("prints", Passed, "")
	if text := log("prints"); strings.Contains(text, key) || strings.Contains(text, w.password) || !strings.Contains(text, "the key is *** and *** mode fast") {
		t.Errorf("the log says %q", text)
	}
	expect("daemon", Passed, "")
	pid, err := os.ReadFile(daemon)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := strconv.Atoi(string(pid)); n == 0 || alive(n) {
		t.Errorf("the daemon %s still lives", pid)
	}
	if disk != "" {
		expect("fills", Skipped, "the disk that holds the test of ZenML 0.85.0 is full")
		_ = os.Remove(filepath.Join(w.dir, "tmp", "fill"))
	}
	if compiled, err := os.ReadDir(w.suite + "-compiled"); len(compiled) == 0 {
		t.Errorf("what one process compiled does not serve the next: %v", err)
	}
	// What the old version left and the new one does not find is lost.
	left := []string{"connector:docker", "tracking:models"}
	lost := w.suiteOnce(t.Context(), left, left)
	for _, name := range left {
		if at := lost.by[name]; at.Status != Failed || !strings.Contains(value(at.Detail), "what the old version made is not found by the new one") {
			t.Errorf("%s: %s %q", name, at.Status, value(at.Detail))
		}
	}
	missing := "00000000-0000-4000-8000-000000000000"
	if rows, err := w.loadArtifacts(t.Context(), []string{missing}, nil, &usualLimits); err != nil || value(rows[missing].Class) != "not_readable" {
		t.Errorf("an artifact version that the server does not give: %+v, %v", rows, err)
	}
	expect("kills", Skipped, "the throw-away server of ZenML 0.85.0 ended while checks ran")
	if w.disturbed == "" {
		t.Error("the world is not marked as disturbed")
	}
}

func alive(pid int) bool {
	_, is := proc.StartTime(pid)
	return is
}

// smallDisk mounts a file system of 256 MB, or returns "" where that is not allowed.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256m"); err != nil {
		t.Logf("a full disk is not tested: no file system can be mounted here: %v", err)
		return ""
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// oldWorld starts the old world alone, on disk when that is given, and returns what runs one of its pipelines.
func oldWorld(t *testing.T, o Options, disk string) (*world, func(name string) Attempt) {
	t.Helper()
	if disk == "" {
		disk = t.TempDir()
	}
	tt, err := newTest(o, disk)
	if err != nil {
		t.Fatal(err)
	}
	w, ctx := tt.old, t.Context()
	env, err := tt.serverEnv(ctx, o.From)
	if err != nil {
		t.Fatal(err)
	}
	if w.client, err = o.Pyenv.Ensure(ctx, pyenv.Spec{Python: o.Python, Requirements: tt.needs.Client(o.From)}); err != nil {
		t.Fatal(err)
	}
	if err := w.build(o.Repo); err != nil {
		t.Fatal(err)
	}
	if w.server, err = server.Start(ctx, w.serverConfig(env)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.stop(t.Context()) })
	if err := w.login(ctx); err != nil {
		t.Fatal(err)
	}
	return w, func(name string) Attempt {
		for _, p := range tt.pipelines {
			if p.Name == name {
				at, _ := w.pipelineOnce(ctx, p, "")
				return at
			}
		}
		t.Fatalf("no pipeline %q", name)
		return Attempt{}
	}
}
