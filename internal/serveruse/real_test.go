package serveruse_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/serveruse"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
)

// script leaves a pickled and a plain artifact, a connector with a password and a component that uses
// a flavor of its own.
const script = `
from zenml import pipeline, step
from zenml.client import Client
from zenml.enums import StackComponentType

class Odd:
    def __init__(self): self.x = 1

@step(enable_cache=False)
def odd() -> Odd: return Odd()

@step(enable_cache=False)
def plain() -> int: return 7

@pipeline(name="uses", enable_cache=False)
def uses():
    odd(); plain()

if __name__ == "__main__":
    uses()
    c = Client()
    c.create_service_connector(name="hub", connector_type="docker", auth_method="password",
        configuration={"username": "me", "password": "hunter2-of-the-test"}, verify=False, auto_configure=False)
    c.create_stack_component(name="registry", flavor="dockerhub", component_type=StackComponentType.CONTAINER_REGISTRY,
        configuration={"uri": "docker.io/x"})
`

// filled is a server of this version with content.
func filled(t *testing.T, version string) *world.World {
	t.Helper()
	p := filepath.Join(t.TempDir(), "script.py")
	if err := os.WriteFile(p, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := world.Start(t.Context(), world.Options{Version: version, CacheDir: world.Need(t), Dir: t.TempDir(), Environ: os.Environ(), Script: p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	addSchedule(t, w)
	return w
}

// addSchedule makes one as an orchestrator that keeps them would; below 0.80 the path names a workspace.
func addSchedule(t *testing.T, w *world.World) {
	t.Helper()
	first := func(path string, query url.Values) string {
		list, err := w.Admin.List(t.Context(), path, query)
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: %d, %v", path, len(list), err)
		}
		return list[0]["id"].(string)
	}
	body := map[string]any{
		"name": "nightly", "active": true, "cron_expression": "0 3 * * *",
		"pipeline_id": first("/pipelines", nil), "orchestrator_id": first("/components", url.Values{"type": {"orchestrator"}}),
	}
	path := "/schedules"
	if w.Version == "0.75.0" {
		var me struct {
			ID string `json:"id"`
		}
		if err := w.Admin.Get(t.Context(), "/current-user", nil, &me); err != nil {
			t.Fatal(err)
		}
		body["workspace"], body["user"] = first("/workspaces", nil), me.ID
		path = fmt.Sprintf("/workspaces/%s/schedules", body["workspace"])
	} else {
		body["project"] = first("/projects", nil)
	}
	if err := w.Admin.Post(t.Context(), path, body, nil); err != nil {
		t.Fatal(err)
	}
}

func TestARealServer(t *testing.T) {
	t.Parallel()
	for _, version := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			w := filled(t, version)
			u, err := serveruse.Look(t.Context(), w.URL, w.APIKey)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(expected(version), summary(u)); d != "" {
				t.Errorf("content (-want +got):\n%s", d)
			}
			if len(u.Pipelines) != 1 || u.Pipelines[0].Name != "uses" || u.Pipelines[0].LastRun == nil || *u.Pipelines[0].Status != "completed" {
				t.Errorf("pipelines %+v", u.Pipelines)
			}
			if len(u.Clients) != 1 || u.Clients[0].Python == nil || !strings.HasPrefix(*u.Clients[0].Python, "3.11.") {
				t.Errorf("clients %+v", u.Clients)
			}
			if text, err := json.Marshal(u); err != nil || strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "docker.io") {
				t.Errorf("a configuration is told: %s, %v", text, err)
			}
			answers(t, u)
			refused(t, w)
		})
	}
}

func expected(version string) map[string]string {
	want := map[string]string{
		"project": "read 1 default", "stack": "read 1 default", "integration": "read 0", "service_connector": "read 1 hub(docker)",
		"component":    "read 3 default(artifact_store) default(orchestrator) registry(container_registry)",
		"flavor":       "read 3 dockerhub(container_registry) local(artifact_store) local(orchestrator)",
		"run_template": "read 0", "snapshot": "not_in_version 0", "schedule": "read 1 nightly(active)", "run": "read 1",
		"pickled_artifact": "read 1 CloudpickleMaterializer",
		"materializer":     "read 2 zenml.materializers.built_in_materializer.BuiltInMaterializer zenml.materializers.cloudpickle_materializer.CloudpickleMaterializer",
	}
	switch version {
	case "0.75.0":
		want["project"] = "not_in_version 0"
	case "0.98.0": // a deployer comes with the default stack
		want["component"] = "read 4 default(artifact_store) default(deployer) default(orchestrator) registry(container_registry)"
		want["flavor"] = "read 4 dockerhub(container_registry) local(artifact_store) local(deployer) local(orchestrator)"
		want["snapshot"] = "read 0"
	}
	return want
}

func summary(u *serveruse.Use) map[string]string {
	out := map[string]string{}
	for name, k := range u.Kinds {
		text := fmt.Sprintf("%s %d", k.Status, k.Total)
		for _, i := range k.Items {
			text += " " + i.Name
			if i.Of != "" {
				text += "(" + i.Of + ")"
			}
		}
		out[name] = text
	}
	return out
}

// answers are those that only the server's own lists can give.
func answers(t *testing.T, u *serveruse.Use) {
	t.Helper()
	for text, want := range map[string]release.Affects{
		"Run templates must be re-created after the upgrade.": release.No,
		"Existing schedules have to be re-created.":           release.Yes,
		"The Kubeflow orchestrator was removed.":              release.No,
		"The dockerhub container registry was removed.":       release.Yes,
		"The nonesuch orchestrator was removed.":              release.Unknown,
	} {
		f := release.Finding{Source: "notes", Category: release.Breaking, Title: text, Text: text, Affects: release.Unknown}
		if u.Answer(&f); f.Affects != want {
			t.Errorf("%q: %s, want %s; %+v", text, f.Affects, want, f)
		}
	}
}

// refused looks with a key that is none, and at a port where nobody listens.
func refused(t *testing.T, w *world.World) {
	t.Helper()
	wrong := "ZENKEY_" + base64.StdEncoding.EncodeToString([]byte(`{"id": "11111111-2222-4333-8444-555555555555", "key": "none"}`))
	if _, err := serveruse.Look(t.Context(), w.URL, wrong); err == nil || !strings.Contains(err.Error(), "refused the key") || strings.Contains(err.Error(), wrong) {
		t.Errorf("a wrong key: %v", err)
	}
	if _, err := serveruse.Look(t.Context(), "http://127.0.0.1:1", wrong); err == nil || !strings.Contains(err.Error(), "did not answer") {
		t.Errorf("no server: %v", err)
	}
}

// versions are all three when the long tests are asked for.
func versions() []string {
	if os.Getenv("ZENML_UPGRADE_FULL") != "" {
		return []string{"0.75.0", "0.85.0", "0.98.0"}
	}
	return []string{"0.85.0"}
}
