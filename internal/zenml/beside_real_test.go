package zenml_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// made is run in the server's environment: a stack with a component of its own, and a connector with
// a secret.
const made = `
from zenml.client import Client
from zenml.enums import StackComponentType as T
c = Client()
store = c.create_stack_component(name="kept_store", flavor="local", component_type=T.ARTIFACT_STORE, configuration={"path": "%s"})
c.create_stack(name="kept", components={T.ORCHESTRATOR: "default", T.ARTIFACT_STORE: store.id})
`

// rebuild makes a stack of the server anew on an empty ZenML, from what is kept beside a backup.
func rebuild(t *testing.T, w *world.World, c *zenml.Client) {
	t.Helper()
	stores := filepath.Join(w.StoresPath, "kept")
	script := filepath.Join(t.TempDir(), "made.py")
	if err := os.WriteFile(script, []byte(strings.Replace(made, "%s", stores, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if res, err := w.Run(t.Context(), filepath.Dir(script), script); err != nil {
		t.Fatalf("making a stack: %v\n%s%s", err, res.Stdout, res.Stderr)
	}
	addConnector(t, w)
	files, err := c.Setup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if strings.Contains(string(text), "AKIAVERYSECRET") || strings.Contains(string(text), w.SecretWord) {
			t.Errorf("%s holds a secret", name)
		}
	}
	if text := string(files["service_connectors.json"]); !strings.Contains(text, "kept_connector") || !strings.Contains(text, `"region"`) {
		t.Errorf("the connector is not kept: %s", text)
	}
	// The server has no AWS integration, so it has no schema that calls anything of the connector open:
	// the names alone are kept.
	dir := t.TempDir()
	for name, text := range files {
		var stack struct {
			Name string `json:"stack_name"`
		}
		if strings.HasPrefix(name, "stacks/") && json.Unmarshal(text, &stack) == nil && stack.Name == "kept" {
			if err := os.WriteFile(filepath.Join(dir, "kept.yaml"), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	env := slices.DeleteFunc(w.ClientEnv(), func(v string) bool {
		return strings.HasPrefix(v, "ZENML_STORE_") || strings.HasPrefix(v, "ZENML_CONFIG_PATH=")
	})
	env = append(env, "ZENML_CONFIG_PATH="+filepath.Join(dir, "empty"))
	for _, args := range [][]string{{"stack", "import", "kept"}, {"stack", "describe", "kept"}} {
		res, err := proc.Run(t.Context(), proc.Command{
			Path: w.Python, Args: append([]string{filepath.Join(filepath.Dir(w.Python), "zenml")}, args...), Dir: dir, Env: env, Timeout: 3 * time.Minute,
		})
		if err != nil {
			t.Fatalf("zenml %v: %v\n%s%s", args, err, res.Stdout, res.Stderr)
		}
	}
	got, err := proc.Run(t.Context(), proc.Command{
		Path: w.Python, Dir: dir, Env: env, Timeout: 3 * time.Minute,
		Args: []string{"-c", `
from zenml.client import Client
s = Client().get_stack("kept")
print("MADE", {str(k): [(x.name, x.flavor_name, x.configuration.get("path")) for x in v] for k, v in sorted(s.components.items())})`},
	})
	if err != nil || !strings.Contains(string(got.Stdout), "('kept_store', 'local', '"+stores+"')") || !strings.Contains(string(got.Stdout), "('default', 'local', None)") {
		t.Errorf("made anew: %v\n%s%s", err, got.Stdout, got.Stderr)
	}
}

// addConnector registers a connector with an access key, as a team's own integration would.
func addConnector(t *testing.T, w *world.World) {
	t.Helper()
	var made any
	body := map[string]any{
		"name": "kept_connector", "connector_type": "aws", "auth_method": "secret-key", "resource_types": []string{"s3-bucket"},
		"configuration": map[string]any{"region": "eu-central-1", "aws_access_key_id": "AKIAVERYSECRET", "aws_secret_access_key": "AKIAVERYSECRET"},
		"secrets":       map[string]any{"aws_secret_access_key": "AKIAVERYSECRET"},
	}
	if err := w.Admin.Post(t.Context(), "/service_connectors", body, &made); err != nil {
		t.Fatalf("making a connector: %v", err)
	}
}
