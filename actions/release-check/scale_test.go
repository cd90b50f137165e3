package releasecheck

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	compattest "github.com/zenml-upgrade/zenml-upgrade/actions/compat-test"
	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
	"github.com/zenml-upgrade/zenml-upgrade/internal/impact"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/scale"
)

// Twenty projects, 2,000 Python files and a hundred releases in one run; with ZENML_UPGRADE_FULL the pins
// differ between the projects, so that the resolver is asked for each. What is planted is found, and
// nothing else.
func TestScale(t *testing.T) {
	t.Parallel()
	size := scale.Size{Projects: 20, Files: 2000, OwnPins: os.Getenv("ZENML_UPGRADE_FULL") != ""}
	repo := scale.Repository(t, "../../examples/churn", size)
	r := run(t, runtime(t, repo), Inputs{From: "0.85.0", To: "0.98.0", Releases: scale.Notes(t)})

	if want := 2*size.Projects + 1; len(r.Code) != want || len(r.CodeGaps) != 0 {
		t.Errorf("%d breakages, want %d; gaps %v", len(r.Code), want, r.CodeGaps)
	}
	if r.Pins == nil || len(r.Pins.Conflicts) != size.Projects || len(r.Pins.Files) != 2*size.Projects || len(r.Pins.Unjudged) != 0 || r.Pins.Resolved["3.11"] != impact.Conflicts {
		t.Errorf("pins %+v", r.Pins)
	}
	told := 0
	for _, f := range r.Findings {
		if f.Category == release.Breaking && f.Source == "notes" {
			told++
		}
	}
	for _, rel := range r.Releases {
		if rel.Notes != release.Complete {
			t.Errorf("the notes of %s are %s", rel.Version, rel.Notes)
		}
	}
	if told < len(r.Releases) || len(r.Releases) < 20 {
		t.Errorf("%d breaking findings in %d releases", told, len(r.Releases))
	}
	if len(r.Matrix.Include) != len(suites)*size.Projects || len(r.MatrixNotes) != 0 {
		t.Fatalf("%d cells, notes %v", len(r.Matrix.Include), r.MatrixNotes)
	}
	for _, c := range r.Matrix.Include[10*len(suites) : 11*len(suites)] { // one project's
		accepted(t, repo, c)
	}
}

// accepted asks compat-test whether it takes a cell.
func accepted(t *testing.T, root string, c compat.Cell) {
	t.Helper()
	a := compattest.New()
	in, ok := a.Inputs().(*compattest.Inputs)
	if !ok {
		t.Fatalf("inputs are %T", a.Inputs())
	}
	in.From, in.To, in.Suite, in.Pipelines, in.PythonVersions, in.DryRun = c.From, c.To, c.Suite, c.Pipelines, c.Python, "true"
	rt := runtime(t, filepath.Join(root, c.Project))
	if err := a.(action.Checker).Check(t.Context(), rt); err != nil {
		t.Errorf("compat-test does not take %+v: %v", c, err)
		return
	}
	res, err := a.Run(t.Context(), rt)
	if err != nil {
		t.Fatal(err)
	}
	checks := res.(*compattest.Result).Checks
	if len(checks) == 0 {
		t.Errorf("%+v checks nothing", c)
	}
	for _, check := range checks {
		if group, _, _ := strings.Cut(check.Name, ":"); !strings.Contains(c.Suite, group) {
			t.Errorf("%+v checks %s", c, check.Name)
		}
	}
}
