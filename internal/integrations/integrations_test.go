package integrations

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// usage searches a repository of these files.
func usage(t *testing.T, content map[string]string) *Usage {
	t.Helper()
	tree, err := repo.Scan(files.Dir(t, content))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	sets, _, gaps := repo.Sets(tree)
	return Search(tree, sets, gaps)
}

func TestChanges(t *testing.T) {
	t.Parallel()
	older := map[string]Integration{
		"gone": {Requirements: []string{"gone-lib>=1"}}, "same": {Requirements: []string{"a", "b<2"}}, "moves": {Requirements: []string{"Some_Lib<2", "old"}, Flavors: []string{"movesflavor"}},
		"silent": {Requirements: []string{"x"}}, "other": {Requirements: []string{"a", "core-lib<1"}},
	}
	newer := map[string]Integration{
		"new": {Requirements: []string{}}, "same": {Requirements: []string{"b<2", "a"}}, "moves": {Requirements: []string{"some-lib<3", "fresh>=1"}, Flavors: []string{"movesflavor"}},
		"silent": {}, "other": {Requirements: []string{"a<3", "core-lib<2"}},
	}
	used := usage(t, map[string]string{"requirements.txt": "zenml==1\nsome-lib==1.5\na==1\ncore-lib==1\n", "a.py": "from zenml.integrations.gone import x\n"})
	notes := []release.Finding{{Source: "notes", Category: release.Breaking, Text: "The gone integration leaves."}}
	var got []string
	for _, f := range Changes(older, newer, []string{"Core_Lib>=1"}, "2.0", used, notes) {
		line := strings.Join([]string{string(f.Category), f.Title, string(f.Affects)}, " | ")
		for _, e := range f.Evidence {
			line += " " + e.File
		}
		if f.Declared {
			line += " declared"
		}
		got = append(got, line)
	}
	want := []string{
		"breaking | Integration gone is removed | yes a.py declared",
		"dependency | Integration moves requires other packages: fresh>=1 is new; old is gone; Some_Lib<2 becomes some-lib<3 | yes requirements.txt",
		"feature | Integration new is new | no",
		"dependency | Integration other requires other packages: a becomes a<3; core-lib<1 becomes core-lib<2 | no",
		"dependency | Integration silent: what it requires could not be read | no",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	u := usage(t, map[string]string{
		"a.py":       "# zenml.integrations.comment\nfrom zenml.integrations.mlflow.flavors import x\nfrom zenml.integrations import wandb\nDockerSettings(required_integrations=[SKLEARN, \"evidently\"])\n",
		"run.sh":     "zenml integration install aws s3 -y\nzenml orchestrator register o --flavor=kubeflow\nzenml stack-component register -f vertex\n",
		"stack.yaml": "components:\n  flavor: sagemaker\nsettings:\n  docker:\n    required_integrations:\n      - tensorflow\n      - \"pytorch\"\n    apt_packages:\n      - notone\n  orchestrator.airflow:\n    x: 1\n",
		"other.md":   "flavor: never\n",
	})
	var got []string
	for _, m := range []map[string][]release.Evidence{u.modules, u.flavors} {
		for name, at := range m {
			for _, e := range at {
				got = append(got, name+" "+e.File)
			}
		}
	}
	slices.Sort(got)
	want := []string{
		"airflow stack.yaml", "aws run.sh", "evidently a.py", "kubeflow run.sh", "mlflow a.py", "pytorch stack.yaml", "s3 run.sh", "sagemaker stack.yaml",
		"sklearn a.py", "tensorflow stack.yaml", "vertex run.sh", "wandb a.py", "y run.sh",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A file that could not be looked at may hold the use.
func TestNothingFoundIsUnknownWhenNotAllWasRead(t *testing.T) {
	t.Parallel()
	u := usage(t, map[string]string{"a.py": "x = 1\n"})
	f := release.Finding{}
	if u.answer(&f, "mlflow", nil, nil); f.Affects != release.No {
		t.Errorf("got %s", f.Affects)
	}
	u.whole = false
	if u.answer(&f, "mlflow", nil, nil); f.Affects != release.Unknown {
		t.Errorf("got %s", f.Affects)
	}
}

// The real packages agree with the static lists read of their source by other means, where a class
// has only its list.
func TestRealPackages(t *testing.T) {
	t.Parallel()
	m := machine.Manager(t)
	data, err := os.ReadFile("../../../shared/data/zenml/integration_requirements.json")
	if err != nil {
		t.Skip("skipped: ../shared/data/zenml is not there")
	}
	var listed map[string]map[string]struct {
		Requirements []string `json:"REQUIREMENTS"`
		Computed     bool     `json:"get_requirements"`
	}
	if err := json.Unmarshal(data, &listed); err != nil {
		t.Fatal(err)
	}
	x := &Reader{Dir: machine.Cache(t), Env: proc.BaseEnv(os.Environ())}
	for _, v := range []string{"0.85.0", "0.98.0"} {
		env, err := m.Ensure(t.Context(), pyenv.Spec{Python: "3.11", Requirements: pyenv.ServerRequirements(v)})
		if err != nil {
			t.Skipf("skipped: ZenML %s cannot be installed: %v", v, err)
		}
		got, err := x.Read(t.Context(), env)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(listed[v]) {
			t.Errorf("%s has %d integrations, want %d", v, len(got), len(listed[v]))
		}
		for name, l := range listed[v] {
			if l.Computed {
				if got[name].Requirements == nil {
					t.Errorf("%s: %s could not say what it requires", v, name)
				}
				continue
			}
			slices.Sort(l.Requirements)
			if d := cmp.Diff(append([]string{}, l.Requirements...), got[name].Requirements); d != "" {
				t.Errorf("%s: %s (-list +package):\n%s", v, name, d)
			}
		}
		if !slices.Contains(got["mlflow"].Requirements, "python-rapidjson<1.15") || !slices.Contains(got["mlflow"].Flavors, "mlflow") {
			t.Errorf("%s: mlflow is %+v", v, got["mlflow"])
		}
	}
}
