package zenml_test

import (
	"database/sql"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// 0.80.2 lists the versions of one model only. What a pipeline of the world made is counted all the same.
func TestVersionsOfModelsAreListedEverywhere(t *testing.T) {
	t.Parallel()
	w := world.Of(t, "0.80.2")
	models := inventory(t, w.Admin).Kinds["model"]
	if len(models) > 0 {
		t.Fatal("the world has models now: count their versions")
	}
	projects, err := w.Admin.List(t.Context(), "/projects", nil)
	if err != nil || len(projects) == 0 {
		t.Fatalf("%v, %v", projects, err)
	}
	var model map[string]any
	if err := w.Admin.Post(t.Context(), "/models", map[string]any{"name": "churn", "project": projects[0]["id"], "save_models_to_registry": false}, &model); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two"} {
		if err := w.Admin.Post(t.Context(), "/model_versions", map[string]any{"name": name, "model": model["id"], "project": projects[0]["id"]}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := inventory(t, w.Admin).Kinds["model_version"]; len(got) != 2 {
		t.Errorf("versions of models: %v", got)
	}
}

// Where a version says that a flavor is the team's own is not the same in all: such a flavor counts in the
// inventory, and its code is run only when that is allowed.
func TestFlavorsOfTheTeamsOwn(t *testing.T) {
	t.Parallel()
	for _, release := range []string{"0.58.2", "0.75.0"} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			w := world.Of(t, release)
			db, err := sql.Open("sqlite", w.DBPath)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.ExecContext(t.Context(), "UPDATE flavor SET is_custom = 1 WHERE name = 'local' AND type = 'orchestrator'"); err != nil {
				t.Fatal(err)
			}
			inv, err := w.Admin.Inventory(t.Context(), nil)
			if err != nil || len(inv.Kinds["flavor"]) != 1 {
				t.Errorf("the team's own flavors: %v, %v", inv.Kinds["flavor"], err)
			}
			made, err := zenml.Components(t.Context(), w.Target(), false)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range made {
				want := map[bool]string{true: "skipped", false: "loaded"}[c.Type == "orchestrator"]
				if c.Status != want || c.Type == "orchestrator" && !strings.HasPrefix(c.Cause, "a flavor of the team's own") {
					t.Errorf("%s %s: %s, %s", c.Type, c.Name, c.Status, c.Cause)
				}
			}
			if len(made) < 2 {
				t.Errorf("%d components", len(made))
			}
		})
	}
}
