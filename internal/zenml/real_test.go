package zenml_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// The whole client on an old server, then on the same database carried to the new version.
func TestAcrossAnUpgrade(t *testing.T) {
	t.Parallel()
	w := world.Of(t, "0.85.0")
	c := zenml.New(w.URL)
	var status *zenml.StatusError
	wrong := "ZENKEY_" + base64.StdEncoding.EncodeToString([]byte(`{"id": "11111111-2222-4333-8444-555555555555", "key": "none"}`))
	if err := c.LoginKey(t.Context(), wrong); !errors.As(err, &status) || status.Code != 401 {
		t.Errorf("a wrong key gives %v", err)
	}
	if err := c.LoginPassword(t.Context(), w.User, "wrong"); !errors.As(err, &status) || status.Code != 401 {
		t.Errorf("a wrong password gives %v", err)
	}
	if got := c.Healthy(t.Context()); len(got) == 0 {
		t.Error("the reads succeed without a login")
	}
	if err := c.LoginKey(t.Context(), w.APIKey); err != nil {
		t.Fatal(err)
	}
	before, ids := checkOld(t, w, c)
	old := load(t, w.Target(), ids)
	addTracker(t, w)
	was := survey(t, w.Target(), c)
	schedule := scheduled(t, w)
	switches(t, c, schedule, false, true) // 0.85.0 leaves it on
	rebuild(t, w, c)
	target := upgraded(t, w)

	c = zenml.New(target.URL)
	if err := c.LoginKey(t.Context(), w.APIKey); err != nil {
		t.Fatal(err)
	}
	if failed := c.Healthy(t.Context()); len(failed) > 0 {
		t.Errorf("unhealthy: %v", failed)
	}
	if err := smoke(t, target); err != nil {
		t.Error(err)
	}
	after := inventory(t, c)
	for kind, l := range zenml.Compare(before, after) {
		if l.OK() == (kind == "user") { // an API key's account sees no users, so they stay unknown
			t.Errorf("%s: %+v", kind, l)
		}
	}
	if d := cmp.Diff(before.Kinds["run"], after.Kinds["run"]); d != "" {
		t.Errorf("the smoke pipeline left a run: %s", d)
	}
	switches(t, c, schedule, false, false)
	switches(t, c, schedule, true, true)
	checkSurvey(t, was, survey(t, target, c))
	now := load(t, target, ids)
	for _, id := range ids {
		if same := zenml.Same(old[id], now[id]); same == nil || !*same {
			t.Errorf("artifact %s: %+v then, %+v now", id, old[id], now[id])
		}
	}
}

// scheduled makes an active schedule of the world's pipeline.
func scheduled(t *testing.T, w *world.World) string {
	t.Helper()
	pipelines, err := w.Admin.List(t.Context(), "/pipelines", nil)
	if err != nil {
		t.Fatal(err)
	}
	projects, err := w.Admin.List(t.Context(), "/projects", nil)
	if err != nil {
		t.Fatal(err)
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := w.Admin.Post(t.Context(), "/schedules", map[string]any{
		"name": "nightly", "active": true, "cron_expression": "0 3 * * *", "catchup": true,
		"orchestrator_id": nil, "pipeline_id": pipelines[0]["id"], "project": projects[0]["id"],
	}, &made); err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func switches(t *testing.T, c *zenml.Client, schedule string, on, want bool) {
	t.Helper()
	if got, err := c.SwitchSchedule(t.Context(), schedule, on); err != nil || got != want {
		t.Errorf("switched to %v, the schedule is %v, want %v: %v", on, got, want, err)
	}
}

func checkOld(t *testing.T, w *world.World, c *zenml.Client) (zenml.Inventory, []string) {
	t.Helper()
	inv := inventory(t, c)
	counts := map[string]int{}
	for kind, found := range inv.Kinds {
		if len(found) > 0 {
			counts[kind] = len(found)
		}
	}
	want := map[string]int{
		"project": 1, "stack": 1, "component": 2, "secret": 1, "service_account": 1, "api_key": 1,
		"pipeline": 1, "run": 1, "artifact": 3, "artifact_version": 3,
	}
	if d := cmp.Diff(want, counts); d != "" {
		t.Error(d)
	}
	if admin := inventory(t, w.Admin); len(admin.Kinds["user"]) != 1 || len(admin.Unreadable) != 0 {
		t.Errorf("the administrator sees users %v, not %v", admin.Kinds["user"], admin.Unreadable)
	}
	if failed := c.Healthy(t.Context()); len(failed) > 0 {
		t.Errorf("unhealthy: %v", failed)
	}
	var ids []string
	for _, id := range inv.Kinds["artifact_version"] {
		ids = append(ids, id.String())
	}
	return inv, ids
}

func inventory(t *testing.T, c *zenml.Client) zenml.Inventory {
	t.Helper()
	inv, err := c.Inventory(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func smoke(t *testing.T, target zenml.Target) error {
	t.Helper()
	url := target.URL
	target.URL = "http://127.0.0.1:2" // the address that counts comes later
	p, err := zenml.ReadySmoke(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Await(t.Context()); err != nil {
		t.Error(err)
	}
	return p.Run(t.Context(), url)
}

func loadAll(t *testing.T, target zenml.Target, ids []string) (map[string]zenml.Loaded, error) {
	t.Helper()
	p, err := zenml.ReadyLoad(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	return p.Run(t.Context(), target.URL, ids)
}

// load also asks for an artifact that does not exist, which must not harm the others.
func load(t *testing.T, target zenml.Target, ids []string) map[string]zenml.Loaded {
	t.Helper()
	const none = "00000000-0000-0000-0000-000000000000"
	got, err := loadAll(t, target, append([]string{none}, ids...))
	if err != nil {
		t.Fatal(err)
	}
	if l := got[none]; l.Status != "failed" || l.Cause == "" || len(got) != len(ids)+1 {
		t.Errorf("the artifact that does not exist: %+v; answers: %d", l, len(got))
	}
	return got
}

func upgraded(t *testing.T, w *world.World) zenml.Target {
	t.Helper()
	python, err := world.Interpreter(t.Context(), os.Environ(), world.Need(t), "0.98.0", "")
	if err != nil {
		t.Fatal(err)
	}
	settings, err := server.ReadEnvFile(w.EnvFile)
	if err != nil {
		t.Fatal(err)
	}
	w.Stop()
	s, err := server.Start(t.Context(), server.Config{
		Python: python, StoreURL: w.StoreURL, Dir: filepath.Join(w.Dir, "new"), Env: settings, Environ: os.Environ(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(t.Context()) })
	target := w.Target()
	target.URL, target.Python = s.PrivateURL(), python
	return target
}

// A pickle that ends the interpreter or hangs costs its own artifact, and no other.
func TestArtifactsThatMisbehave(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := filepath.Join(dir, "script.py")
	text := `
import os, time
from zenml import pipeline, step

class Bomb:
    def __init__(self, what): self.what = what
    def __setstate__(self, state):
        if os.environ.get("ZENML_LOCAL_STORES_PATH", "").endswith("stores"):
            if state["what"] == "exit": os._exit(7)
            if state["what"] == "hang": time.sleep(600)

@step(enable_cache=False)
def exits() -> Bomb: return Bomb("exit")
@step(enable_cache=False)
def hangs() -> Bomb: return Bomb("hang")
@step(enable_cache=False)
def works() -> int: return 7

@pipeline(name="bombs", enable_cache=False)
def bombs():
    exits(); hangs(); works()

if __name__ == "__main__":
    bombs()
`
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := world.Start(t.Context(), world.Options{Version: "0.98.0", CacheDir: world.Need(t), Dir: t.TempDir(), Environ: os.Environ(), Script: script})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	ids := map[string]string{}
	versions, err := w.Admin.ListEverywhere(t.Context(), "/artifact_versions", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		name := zenml.Text(zenml.Field(v, "artifact").(map[string]any)["name"])
		ids[strings.Split(name, "::")[1]] = zenml.Text(v["id"])
	}
	target := w.Target()
	target.Timeout = 40 * time.Second
	got, err := loadAll(t, target, []string{ids["exits"], ids["works"], ids["hangs"]})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]zenml.Loaded{
		"exits": {Status: "failed", Cause: "the Python process ended while it loaded this artifact"},
		"works": {Status: "loaded", Type: "builtins.int", Digest: got[ids["works"]].Digest},
		"hangs": {Status: "failed", Cause: "not loaded within the time limit of 40s"},
	} {
		if d := cmp.Diff(want, got[ids[name]]); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// A probe that is never used ends, and leaves nothing.
func TestProbeThatIsNotNeeded(t *testing.T) {
	t.Parallel()
	python, err := world.Interpreter(t.Context(), os.Environ(), world.Need(t), "0.98.0", "")
	if err != nil {
		t.Fatal(err)
	}
	p, err := zenml.ReadyLoad(t.Context(), zenml.Target{Python: python, URL: "http://127.0.0.1:1", Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Await(t.Context()); err != nil {
		t.Error(err)
	}
	p.Close()
	if _, err := p.Run(t.Context(), "http://127.0.0.1:1", []string{"a"}); err == nil {
		t.Error("a closed probe loaded something")
	}
}

func TestProbeThatCannotRun(t *testing.T) {
	t.Parallel()
	python, err := world.Interpreter(t.Context(), os.Environ(), world.Need(t), "0.98.0", "")
	if err != nil {
		t.Fatal(err)
	}
	target := zenml.Target{Python: python, URL: "http://127.0.0.1:1", APIKey: "ZENKEY_secret_of_the_test", Environ: os.Environ(), Timeout: time.Minute}
	if err := smoke(t, target); err == nil || strings.Contains(err.Error(), target.APIKey) {
		t.Errorf("the smoke pipeline without a server: %v", err)
	}
	target.Timeout = time.Millisecond
	if err := smoke(t, target); !errors.Is(err, proc.ErrTimeout) {
		t.Errorf("the smoke pipeline without time: %v", err)
	}
}
