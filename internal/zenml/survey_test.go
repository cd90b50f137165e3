package zenml_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// seen is what one version lets people do and shows them.
type seen struct {
	boundaries  zenml.Boundaries
	definitions zenml.Definitions
	made        map[string]zenml.Made
}

// addTracker makes a component whose library is not installed here.
func addTracker(t *testing.T, w *world.World) {
	t.Helper()
	if err := w.Admin.Post(t.Context(), "/components", map[string]any{
		"name": "tracker", "type": "experiment_tracker", "flavor": "mlflow",
		"configuration": map[string]any{"tracking_uri": "http://127.0.0.1:1", "tracking_token": "none"}, "labels": map[string]string{"team": "churn"},
	}, nil); err != nil {
		t.Fatal(err)
	}
}

func survey(t *testing.T, target zenml.Target, c *zenml.Client) seen {
	t.Helper()
	var s seen
	var err error
	if s.boundaries, err = c.Boundaries(t.Context()); err != nil {
		t.Fatal(err)
	}
	writes, err := c.WriteBoundaries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(s.boundaries, writes)
	if s.definitions, err = c.Definitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Dashboard(t.Context()); err != nil || n < 2 {
		t.Errorf("%d files of the dashboard: %v", n, err)
	}
	if s.made, err = zenml.Components(t.Context(), target, true); err != nil {
		t.Fatal(err)
	}
	return s
}

// checkSurvey compares 0.85.0 with 0.98.0: only administrators make service accounts since 0.96.0.
func checkSurvey(t *testing.T, was, is seen) {
	t.Helper()
	for name, want := range map[string][2]int{
		"no key: GET /users": {401, 401}, "wrong token: GET /current-user": {401, 401}, "wrong key: log-in": {401, 401},
		"own key: POST /users": {403, 403}, "own key: POST /projects": {200, 200},
	} {
		if got := [2]int{was.boundaries[name], is.boundaries[name]}; got != want {
			t.Errorf("%s: %v, not %v", name, got, want)
		}
	}
	opened, changed := zenml.CompareBoundaries(was.boundaries, is.boundaries)
	if len(opened) > 0 {
		t.Errorf("opened: %v", opened)
	}
	if d := cmp.Diff([]string{"own key: POST /service_accounts: 200 before, 403 now"}, changed); d != "" {
		t.Error(d)
	}
	if d := zenml.CompareDefinitions(was.definitions, is.definitions); len(d) > 0 || len(was.definitions["component"]) != 3 {
		t.Errorf("definitions changed: %v; before: %v", d, was.definitions)
	}
	broken, unknown := zenml.CompareMade(was.made, is.made)
	if len(broken) > 0 || len(unknown) != 1 || !strings.HasPrefix(unknown[0], "experiment_tracker tracker: absent under the old version: ") || len(was.made) != 3 {
		t.Errorf("broken %v, unknown %v, made before %v", broken, unknown, was.made)
	}
	for id, def := range was.definitions["component"] {
		if def["name"] == `"tracker"` {
			was.definitions["component"][id]["configuration.tracking_uri"] = `"elsewhere"`
			def["labels.gone"] = `"x"`
		}
	}
	want := []string{"component tracker: configuration.tracking_uri has another value", "component tracker: labels.gone is gone"}
	if d := cmp.Diff(want, zenml.CompareDefinitions(was.definitions, is.definitions)); d != "" {
		t.Error(d)
	}
}
