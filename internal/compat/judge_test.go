package compat

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	pass, fail, none := Attempt{Status: Passed}, Attempt{Status: Failed}, Attempt{Status: Skipped}
	odd := Attempt{Status: Passed, unsteady: true}
	for _, c := range []struct {
		name     string
		old, now Attempt
		want     Verdict
		decision verdict.Decision
	}{
		{"both pass", pass, pass, OK, verdict.Pass},
		{"broken", pass, fail, BrokenByUpgrade, verdict.Block},
		{"broken before", fail, fail, AlreadyBroken, verdict.Unknown},
		{"fixed", fail, pass, Fixed, verdict.Pass},
		{"unsteady after", pass, odd, Flaky, verdict.Review},
		{"unsteady before", odd, pass, Flaky, verdict.Review},
		{"unsteady, then never again", odd, fail, BrokenByUpgrade, verdict.Block},
		{"failed, then unsteady", fail, odd, Flaky, verdict.Review},
		{"not run before", none, pass, NotCompared, verdict.Review},
		{"not run before, fails after", none, fail, NotCompared, verdict.Unknown},
		{"not run after", pass, none, NotCompared, verdict.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			check := Check{Name: "x", Required: true, Baseline: c.old, Candidate: c.now}
			judge(&check)
			r := Result{Checks: []Check{check}, Pins: Pins{Resolved: true}}
			got, code := verdict.Sum(r.reasons(false), "compatible")
			if check.Verdict != c.want || got != c.decision {
				t.Errorf("verdict %s, decision %s (%s), want %s, %s", check.Verdict, got, code, c.want, c.decision)
			}
		})
	}
}

func TestGapsAreNotPasses(t *testing.T) {
	t.Parallel()
	ok := Check{Name: "x", Required: true, Baseline: Attempt{Status: Passed}, Candidate: Attempt{Status: Passed}, Verdict: OK}
	for name, c := range map[string]struct {
		change func(*Result)
		skew   bool
		want   string
	}{
		"pins_unresolved":           {func(r *Result) { r.Pins.Resolved = false }, false, "unknown"},
		"requirements_not_followed": {func(r *Result) { r.Pins.Ignored = []string{"-e ."} }, false, "review"},
		"value_not_compared":        {func(r *Result) { r.Artifacts = []Artifact{{LoadOld: Passed, LoadNew: Passed}} }, false, "review"},
		"artifacts_left_out":        {func(r *Result) { r.unseen = []string{"int"} }, false, "review"},
		"artifact_store_written":    {func(r *Result) { r.written = []string{"a"} }, false, "review"},
		"nothing_passed":            {func(r *Result) { r.Checks = nil }, false, "unknown"},
		"skew_not_measured":         {func(*Result) {}, true, "review"},
		"old_clients_break":         {func(r *Result) { r.Skew = []Skew{{Client: "0.85.0", Status: Failed, Call: "list_flavors"}} }, true, "review"},
		"new_clients_break":         {func(r *Result) { r.Skew = []Skew{{Client: "0.98.0", Status: Failed, Call: "list_flavors"}} }, true, "review"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := "0.85.0", "0.98.0"
			r := &Result{Common: report.Common{From: &from, To: &to}, Checks: []Check{ok}, Pins: Pins{Resolved: true}}
			c.change(r)
			decision, code := verdict.Sum(r.reasons(c.skew), "compatible")
			if string(decision) != c.want || code != name {
				t.Errorf("%s (%s), want %s (%s)", decision, code, c.want, name)
			}
		})
	}
}

func TestCompareArtifacts(t *testing.T) {
	t.Parallel()
	row := func(ok bool, digest string, behaviour ...float64) loaded {
		status := map[bool]string{true: "loaded", false: "failed"}[ok]
		return loaded{Status: status, Digest: digest, Behaviour: behaviour}
	}
	old := map[string]loaded{
		"same": row(true, "value:a"), "other": row(true, "value:a"), "library": row(true, "state:a"), "opaque": row(true, ""),
		"lost": row(true, "value:a"), "silent": row(true, "value:a"), "never": row(false, ""), "large": {Status: "skipped"},
		"model": row(true, "state:a", 1, 2), "drifted": row(true, "state:a", 1, 2),
	}
	now := map[string]loaded{
		"same": row(true, "value:a"), "other": row(true, "value:b"), "library": row(true, "state:b"), "opaque": row(true, ""),
		"lost": row(false, ""), "never": row(false, ""), "large": {Status: "skipped"},
		"model": row(true, "state:b", 1, 2.0000001), "drifted": row(true, "state:b", 1, 2.1),
	}
	var chosen []zenml.ArtifactVersion
	for id := range old {
		chosen = append(chosen, zenml.ArtifactVersion{ID: id})
	}
	got := map[string]Verdict{}
	for _, a := range compareArtifacts("0.85.0", chosen, old, now, "no answer") {
		c := a.asCheck()
		judge(&c)
		got[a.ID] = c.Verdict
	}
	want := map[string]Verdict{
		"same": OK, "other": BrokenByUpgrade, "library": OK, "opaque": OK, "lost": BrokenByUpgrade, "silent": NotCompared, "never": AlreadyBroken,
		"large": NotCompared, "model": OK, "drifted": BrokenByUpgrade}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("verdicts (-want +got):\n%s", d)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for command, want := range map[string][]string{
		"python run.py":                {"python", "run.py"},
		`python "a b.py" --x='' --y=z`: {"python", "a b.py", "--x=", "--y=z"},
		"python run.py; rm -rf x":      nil,
		"python $HOME/run.py":          nil,
		`python "run.py`:               nil,
		"  ":                           nil,
	} {
		got, err := split(command)
		if d := cmp.Diff(want, got); d != "" || (err != nil) != (want == nil) {
			t.Errorf("%q: %v (-want +got):\n%s", command, err, d)
		}
	}
}

func TestCopyTreeStaysInside(t *testing.T) {
	t.Parallel()
	from, to, outside := t.TempDir(), t.TempDir(), t.TempDir()
	for _, d := range []string{".zen", ".git", "code"} {
		if err := os.MkdirAll(filepath.Join(from, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{".zen/config.yaml", ".git/config", "code/a.py"} {
		if err := os.WriteFile(filepath.Join(from, f), []byte(f), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, end := range map[string]string{"inside": "code/a.py", "outside": outside} {
		if err := os.Symlink(end, filepath.Join(from, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := copyTree(from, to); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := filepath.Walk(to, func(path string, _ os.FileInfo, err error) error {
		got = append(got, strings.TrimPrefix(path, to))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"", "/.zen", "/code", "/code/a.py", "/inside"}, got); d != "" {
		t.Errorf("copied (-want +got):\n%s", d)
	}
}

func TestCleanLeavesStatementsOut(t *testing.T) {
	t.Parallel()
	got := clean("RuntimeError: (sqlite3.OperationalError) no such column [SQL: SELECT password FROM user]")
	if strings.Contains(got, "SELECT") || strings.Contains(got, "column") || !strings.HasPrefix(got, "RuntimeError") {
		t.Errorf("got %q", got)
	}
}

func TestSkewIsJudgedByTheClientsOwnServer(t *testing.T) {
	t.Parallel()
	rows := []Skew{{Call: "a", Status: Failed}, {Call: "b", Status: Failed}, {Call: "c", Status: Passed}}
	got := map[string]Status{}
	for _, s := range judged(rows, []Skew{{Call: "a", Status: Failed}, {Call: "b", Status: Passed}, {Call: "c", Status: Failed}}) {
		got[s.Call] = s.Status
	}
	if d := cmp.Diff(map[string]Status{"a": Skipped, "b": Failed, "c": Passed}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestUnknownIntegrations(t *testing.T) {
	t.Parallel()
	known := []string{"sklearn", "mlflow"}
	if err := unknownIntegrations([]string{"mlflow"}, known); err != nil {
		t.Error(err)
	}
	err := unknownIntegrations([]string{"sklern", "teleport"}, known)
	if !fault.IsInput(err) || len(fault.List(err)) != 2 || !strings.Contains(err.Error(), `did you mean "sklearn"?`) {
		t.Errorf("got %v", err)
	}
}

func TestNothingButAServerIsNoPass(t *testing.T) {
	t.Parallel()
	r := &Result{Pins: Pins{Resolved: true}, Checks: []Check{{Name: serverStart, Required: true, Verdict: OK, Candidate: Attempt{Status: Passed}}}}
	if decision, code := verdict.Sum(r.reasons(false), "compatible"); decision != verdict.Unknown || code != "nothing_passed" {
		t.Errorf("an empty suite gives %s (%s)", decision, code)
	}
}

func TestACriticalPipelineMustBeProved(t *testing.T) {
	t.Parallel()
	for v, want := range map[Verdict]verdict.Decision{OK: verdict.Pass, Fixed: verdict.Pass, AlreadyBroken: verdict.Unknown, NotCompared: verdict.Unknown, Flaky: verdict.Unknown} {
		r := &Result{Pins: Pins{Resolved: true}, Checks: []Check{
			{Name: "a", Candidate: Attempt{Status: Passed}, Verdict: OK}, {Name: "pipeline:x", critical: true, Verdict: v},
		}}
		if decision, _ := verdict.Sum(r.reasons(false), "compatible"); decision != want {
			t.Errorf("a critical pipeline that is %s gives %s, want %s", v, decision, want)
		}
	}
}
