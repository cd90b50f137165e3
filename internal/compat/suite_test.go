package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// stumbling returns an environment whose browser ends at once when it is started for the first time,
// and whether there is a browser.
func stumbling(t *testing.T) (environ []string, browser bool) {
	t.Helper()
	path := findBrowser(os.Environ())
	if path == "" {
		return os.Environ(), false
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nif [ ! -e '%s/started' ]; then : > '%s/started'; exit 1; fi\nexec '%s' \"$@\"\n", dir, dir, path)
	if err := os.WriteFile(filepath.Join(dir, browsers[0]), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "PATH="+dir+string(filepath.ListSeparator)+os.Getenv("PATH")), true
}

// explained looks at what the suite says of what it could not try, and whether that counts.
func explained(t *testing.T, res *Result) {
	t.Helper()
	type note struct {
		Kind     Kind
		Required bool
		Says     bool
	}
	says := map[string]string{
		"stack:orchestrator/kubernetes": "its packages are not among the requirements",
		"tracking:mlflow":               "mlflow is not among the requirements",
		"snapshot:created":              "ZenML says: Unable to create run template",
		"snapshot:executed":             "ZenML says: Running a snapshot is not supported for this server",
	}
	got, want := map[string]note{}, map[string]note{
		"stack:orchestrator/kubernetes": {KindStack, true, true},
		"tracking:mlflow":               {KindIntegration, false, true},
		"snapshot:created":              {KindPipeline, false, true},
		"snapshot:executed":             {KindPipeline, false, true},
		"connector:docker":              {KindConnector, true, true},
		artifactByName:                  {KindArtifact, true, true},
		artifactByID:                    {KindArtifact, true, true},
	}
	for _, c := range res.Checks {
		if _, looked := want[c.Name]; looked {
			got[c.Name] = note{c.Kind, c.Required, strings.Contains(value(c.Cause), says[c.Name])}
			t.Logf("%s: %s, %s, %q", c.Name, c.Baseline.Status, c.Candidate.Status, value(c.Cause))
		}
		if c.Name == inBrowser {
			t.Logf("%s: %+v, %+v", c.Name, c.Baseline, c.Candidate)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("kinds, whether they count and say why (-want +got):\n%s", d)
	}
	if !slices.ContainsFunc(res.Reasons, func(r verdict.Reason) bool {
		return r.Code == "new_clients_break" && strings.HasSuffix(r.Text, "upgrade them together")
	}) {
		t.Errorf("nothing says that client and server must be upgraded together: %+v", res.Reasons)
	}
}

func TestSuiteChecks(t *testing.T) {
	t.Parallel()
	p := project{packages: []string{"numpy", "mlflow"}, parts: []string{"orchestrator.kubernetes"}}
	for groups, want := range map[string]string{
		"basic":              "basic",
		"artifact":           "artifact artifact:by_name artifact:by_id",
		"integration":        "integration=numpy,mlflow",
		"stack,connector":    "stack=numpy,mlflow/orchestrator.kubernetes connector=",
		"tracking,dashboard": "tracking:models tracking:mlflow tracking:mlflow_kept",
		"snapshot,client":    "snapshot:created snapshot:executed client:lists client:writes",
	} {
		if got := strings.Join(suiteChecks(strings.Split(groups, ","), p), " "); got != want {
			t.Errorf("%s: %q, want %q", groups, got, want)
		}
	}
	if got := suiteChecks([]string{"integration"}, project{packages: p.packages, integrations: []string{"slack"}}); !slices.Equal(got, []string{"integration:slack"}) {
		t.Errorf("integrations that are named: %q", got)
	}
	for _, c := range Planned(Options{From: "1", To: "2", Suite: Groups}).Checks {
		group, _, _ := strings.Cut(c.Name, ":")
		if !slices.Contains(Groups, group) {
			t.Errorf("a dry run names %s, which no group has", c.Name)
		}
	}
}

func TestConcerns(t *testing.T) {
	t.Parallel()
	pass, fail, skipped := Attempt{Status: Passed}, Attempt{Status: Failed}, Attempt{Status: Skipped}
	refused, oddly, lost := Attempt{Status: Skipped, optional: true}, Attempt{Status: Passed, optional: true}, Attempt{Status: Failed, optional: true}
	for name, c := range map[string]struct {
		old, now Attempt
		want     bool
	}{
		"both ran": {pass, fail, true}, "never tried": {skipped, skipped, true}, "refused by both": {refused, refused, false},
		"refused before": {refused, pass, false}, "refused before, fails now": {refused, fail, true}, "refused now": {pass, refused, true},
		"skipped, then refused": {skipped, refused, false}, "optional": {oddly, lost, false}, "broken, then refused": {fail, refused, true},
	} {
		if got := concerns(c.old, c.now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A crash costs the check that it came in; what is repeated is flaky, and what stands for several
// checks bears the name of its group when nothing is known of them.
func TestWhatACrashLeaves(t *testing.T) {
	t.Parallel()
	done, again := &attempts{}, &attempts{}
	for _, name := range []string{"basic", "stack=a/", "connector="} {
		done.set(name, Attempt{Status: Failed})
	}
	again.set("stack:default", Attempt{Status: Passed})
	again.set("stack:orchestrator/local", Attempt{Status: Failed})
	out := done.without(again)
	if d := cmp.Diff([]string{"basic", "stack:default", "stack:orchestrator/local", "connector"}, out.names); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if !out.by["stack:default"].unsteady || out.by["stack:orchestrator/local"].unsteady || out.by["connector"].Status != Failed {
		t.Errorf("%+v", out.by)
	}
}

func TestTwice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ends     []Status
		want     Status
		unsteady bool
	}{
		"steady": {[]Status{Passed}, Passed, false}, "fails": {[]Status{Failed, Failed}, Failed, false}, "flaky": {[]Status{Failed, Passed}, Passed, true}, "skipped": {[]Status{Skipped}, Skipped, false},
	} {
		done := 0
		got := twice(t.Context(), func() Attempt { done++; return Attempt{Status: c.ends[done-1]} })
		if got.Status != c.want || got.unsteady != c.unsteady || done != len(c.ends) {
			t.Errorf("%s: %+v after %d", name, got, done)
		}
	}
}

func TestStackParts(t *testing.T) {
	t.Parallel()
	tree, err := repo.Scan(files.Dir(t, map[string]string{
		"a.py":           `@step(settings={"step_operator.sagemaker": S(), 'orchestrator.kubernetes': K()})`,
		"b.ipynb":        `{"cells": [{"cell_type": "code", "source": ["x = {\"orchestrator.vertex\": 1}"]}]}`,
		"c.yml":          "settings:\n  \"experiment_tracker.mlflow\": {}\n  orchestrator.kubernetes:\n    a: 1\n",
		"d.md":           "`\"alerter.slack\":`",
		"e.py":           `orchestrator.local = 1; print("my orchestrator.airflow setting")`,
		"f/g.yaml":       "url: orchestrator.tekton\n",
		"node/index.yml": "alerter.discord : x\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	want := []string{"alerter.discord", "experiment_tracker.mlflow", "orchestrator.kubernetes", "orchestrator.vertex", "step_operator.sagemaker"}
	if d := cmp.Diff(want, stackParts(tree)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
