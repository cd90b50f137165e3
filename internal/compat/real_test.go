package compat

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// team is a small repository. Its pipelines meet the upgrade in four ways.
var team = map[string]string{
	"requirements.txt": "zenml[server]==0.85.0\nnumpy\nscikit-learn\n",
	"cloud.yaml":       "settings:\n  orchestrator.kubernetes:\n    synchronous: true\n",
	"flows.py": `from zenml import pipeline, step
class Pair:
    def __init__(self, left, right):
        self.left, self.right = left, right
@step
def make() -> Pair:
    return Pair(1, "two")
@pipeline(enable_cache=False)
def steady():
    make()
@pipeline(enable_cache=False)
def moved():
    make()
@pipeline(enable_cache=False)
def wobbly():
    make()
`,
	// A library's filter must not hide that the new version warns of it.
	"run_steady.py": "import warnings\nwarnings.simplefilter('ignore')\nfrom zenml.config import DockerSettings\nfrom flows import steady\nDockerSettings(\n    replicate_local_python_environment='pip_freeze')\nwarnings.warn('mine', FutureWarning)\nsteady()\n",
	// 0.98.0 has no event sources any more.
	"run_moved.py":  "from zenml.client import Client\nfrom flows import moved\nClient().list_event_sources()\nmoved()\n",
	"run_never.py":  "raise SystemExit('the warehouse is closed')\n",
	"run_idle.py":   "print('did nothing')\n",
	"run_wobbly.py": "import pathlib\nfrom flows import wobbly\nmark = pathlib.Path.home() / 'tried'\nif not mark.exists():\n    mark.touch()\n    raise SystemExit('first try')\nwobbly()\n",
}

// The upgrade's own breakage is told from one that was there before, from an unsteady pipeline and
// from a command that tested nothing, on real servers and clients of both versions.
func TestBreakagesAreToldApart(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: -short leaves out what starts real ZenML servers")
	}
	repo, out := files.Dir(t, team), t.TempDir()
	environ, browser := stumbling(t)
	var pipelines []config.Pipeline
	for _, name := range []string{"steady", "moved", "never", "idle", "wobbly"} {
		pipelines = append(pipelines, config.Pipeline{Name: name, Command: "python run_" + name + ".py"})
	}
	res, err := Run(t.Context(), Options{
		From: "0.85.0", To: "0.98.0", Suite: Groups, Artifacts: Selection{-1}, Pipelines: pipelines, Repo: repo,
		Python: ">=3.10,<3.12", Pyenv: machine.Manager(t), Environ: environ, Logs: filepath.Join(out, "logs"),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Verdict{}
	for _, c := range res.Checks {
		if c.Kind != KindArtifact && c.Kind != KindDashboard || c.Verdict != OK {
			got[c.Name] = c.Verdict
		}
	}
	want := map[string]Verdict{
		"server:start": OK, "client:lists": OK, "client:writes": OK, "pipeline:steady": OK, "pipeline:moved": BrokenByUpgrade,
		"pipeline:never": AlreadyBroken, "pipeline:idle": NotCompared, "pipeline:wobbly": Flaky,
		"basic": OK, "complex": OK, "artifact": OK, "integration:numpy": OK, "integration:sklearn": OK,
		"stack:default": OK, "stack:artifact_store/local": OK, "stack:image_builder/local": OK, "stack:orchestrator/local": OK,
		"stack:orchestrator/kubernetes": NotCompared, "connector:docker": OK, "tracking:models": OK, "tracking:mlflow": NotCompared,
		"tracking:mlflow_kept": NotCompared, "snapshot:created": NotCompared, "snapshot:executed": NotCompared, inBrowser: Flaky,
	}
	explained(t, res)
	if !browser {
		t.Log("the dashboard is not opened in a browser: none is installed")
		want[inBrowser] = NotCompared
	} else if pictures, _ := filepath.Glob(filepath.Join(out, "dashboard-*.png")); len(pictures) != 2 {
		t.Errorf("pictures of the dashboard: %q", pictures)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("verdicts (-want +got):\n%s", d)
	}
	if res.Decision != verdict.Block || res.ReasonCode != "broken_by_upgrade" {
		t.Errorf("decision %s, %s", res.Decision, res.ReasonCode)
	}
	fails := map[string][]string{}
	for _, s := range res.Skew {
		t.Logf("client %s: %s %s %.150s", s.Client, s.Call, s.Status, value(s.Detail))
		if s.Status == Failed {
			fails[s.Client] = append(fails[s.Client], s.Call)
		}
	}
	for client, calls := range map[string][]string{
		"0.85.0": {"list_flavors(size=500)", "run a pipeline", "artifact_version.load()", "list_stacks(hydrate=True)"},
		"0.98.0": {"list_flavors()", "run a pipeline"},
	} {
		for _, call := range calls {
			if !slices.Contains(fails[client], call) {
				t.Errorf("a client of %s does not fail in %s, but in %q", client, call, fails[client])
			}
		}
	}
	var fell []Breakage
	for _, b := range res.Code {
		b.Message = strings.Join(strings.Fields(b.Message)[:1], "")
		fell = append(fell, b)
	}
	if d := cmp.Diff([]Breakage{{File: "run_moved.py", Line: 3, Rule: "broken_by_upgrade", Message: "AttributeError:", Check: "pipeline:moved"}}, fell); d != "" {
		t.Errorf("lines at fault (-want +got):\n%s", d)
	}
	warned := map[string]string{}
	for _, d := range res.Deprecated {
		if d.Check == "pipeline:steady" && d.File != nil && d.Line != nil {
			warned[fmt.Sprintf("%s:%d", *d.File, *d.Line)] = d.Kind
		}
	}
	if d := cmp.Diff(map[string]string{"run_steady.py:5": "log", "run_steady.py:7": "FutureWarning"}, warned); d != "" {
		t.Errorf("warnings (-want +got):\n%s\n%+v", d, res.Deprecated)
	}
	pickled := 0
	for _, a := range res.Artifacts {
		if a.Type != nil && *a.Type == "flows.Pair" && a.SameValue != nil && *a.SameValue {
			pickled++
		}
	}
	if pickled == 0 {
		t.Errorf("no pickled value of the repository's own class was compared: %+v", res.Artifacts)
	}
	if left, _ := os.ReadDir(repo); len(left) != len(team) {
		t.Errorf("the repository itself was written to: %v", left)
	}
}

// The same from a much older version, on one Python that is here and on one that may not be.
func TestOldVersionOnSeveralPythons(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: -short leaves out what starts real ZenML servers")
	}
	tree := maps.Clone(team)
	tree["requirements.txt"] = "zenml[server]==0.75.0\n"
	tree["run_steady.py"] = "from flows import steady\nsteady()\n"
	var pipelines []config.Pipeline
	for _, name := range []string{"steady", "moved", "never"} {
		pipelines = append(pipelines, config.Pipeline{Name: name, Command: "python run_" + name + ".py"})
	}
	res, err := RunAll(t.Context(), Options{
		From: "0.75.0", To: "0.98.0", Artifacts: Selection{-1}, Pipelines: pipelines, Repo: files.Dir(t, tree),
		Pyenv: machine.Manager(t), Environ: os.Environ(),
	}, []string{"3.11", "3.19"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Verdict{}
	for _, c := range res.Checks {
		if c.Kind != KindArtifact {
			got[c.Name] = c.Verdict
		}
	}
	want := map[string]Verdict{
		"server:start on Python 3.11": OK, "pipeline:steady on Python 3.11": OK, "pipeline:moved on Python 3.11": BrokenByUpgrade,
		"pipeline:never on Python 3.11": AlreadyBroken, "python:3.19": NotCompared,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("verdicts (-want +got):\n%s", d)
	}
	same := 0
	for _, a := range res.Artifacts {
		if a.SameValue != nil && *a.SameValue {
			same++
		}
	}
	if same == 0 {
		t.Errorf("no artifact of 0.75.0 was compared: %+v", res.Artifacts)
	}
	if f := res.Pythons[1]; f.Ran || f.Resolves == nil || *f.Resolves || f.Proof == nil || !res.Pythons[0].Ran || !*res.Pythons[0].Resolves {
		t.Errorf("of the Pythons: %+v", res.Pythons)
	}
	var codes []string
	for _, r := range res.Reasons {
		codes = append(codes, r.Code)
	}
	for _, code := range []string{"broken_by_upgrade", "python_skipped", "python_unresolved"} {
		if !slices.Contains(codes, code) {
			t.Errorf("no reason %s among %q", code, codes)
		}
	}
}

// The integrations that the requirements name, with a real local MLflow. One of the long tests: MLflow
// brings some hundred packages for each version.
func TestIntegrations(t *testing.T) {
	t.Parallel()
	if os.Getenv("ZENML_UPGRADE_FULL") == "" {
		t.Skip("skipped: only with ZENML_UPGRADE_FULL (make test-full)")
	}
	res, err := Run(t.Context(), Options{
		From: "0.85.0", To: "0.98.0", Suite: []string{"integration", "stack", "connector", "tracking"}, Python: ">=3.10,<3.12", Pyenv: machine.Manager(t), Environ: os.Environ(),
		Integrations: []string{"lightgbm", "mlflow", "numpy", "pandas", "pillow", "polars", "scipy", "sklearn", "slack", "xgboost"},
		Repo:         files.Dir(t, map[string]string{"requirements.txt": "zenml[server]==0.85.0\nmlflow<3\npython-rapidjson<1.15\nnumpy<2\npandas<3\nscikit-learn\nscipy\npillow\nlightgbm\npolars\nxgboost<2\nkubernetes<26\n"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Verdict{}
	for _, c := range res.Checks {
		got[c.Name] = c.Verdict
		t.Logf("%s: %s %q", c.Name, c.Verdict, value(c.Cause))
	}
	want := map[string]Verdict{
		serverStart: OK, "integration:lightgbm": OK, "integration:polars": OK, "integration:xgboost": OK, "integration:mlflow": OK, "integration:numpy": OK, "integration:pandas": OK, "integration:pillow": OK, "integration:scipy": OK,
		"integration:sklearn": OK, "integration:slack": NotCompared, "stack:default": OK, "stack:artifact_store/local": OK, "stack:image_builder/local": OK,
		"stack:orchestrator/local": OK, "stack:experiment_tracker/mlflow": OK, "stack:model_deployer/mlflow": OK, "stack:model_registry/mlflow": OK,
		"stack:orchestrator/kubernetes": NotCompared, "stack:step_operator/kubernetes": NotCompared, "connector:docker": OK, "connector:kubernetes": NotCompared,
		"tracking:models": OK, "tracking:mlflow": OK,
		// ZenML keeps a local MLflow elsewhere now.
		"tracking:mlflow_kept": BrokenByUpgrade,
	}
	if res.Decision != verdict.Review {
		t.Errorf("decision %s, %+v", res.Decision, res.Reasons)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("verdicts (-want +got):\n%s", d)
	}
}
