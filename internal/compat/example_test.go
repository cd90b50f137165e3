package compat

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// Pipelines put beside the example's own: one that the upgrade breaks, one that was broken before.
var exampleMore = map[string]string{
	"run_audit.py": `from zenml import pipeline, step
from zenml.client import Client
@step
def look() -> int:
    return Client().list_event_sources().total
@pipeline(enable_cache=False)
def audit():
    look()
audit()
`,
	"run_closed.py": "raise SystemExit('the warehouse is closed')\n",
	"test.yml": `pipelines:
  - {name: daily_report, command: python run_daily_report.py}
  - {name: audit, command: python run_audit.py}
  - {name: closed, command: python run_closed.py}
`,
}

// example is the example with these pipelines, pinned to a version, and the binary.
func example(t *testing.T, from string) (repo, binary string) {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped: -short leaves out what starts real ZenML servers")
	}
	machine.Manager(t)
	root := machine.Root(t)
	repo, binary = filepath.Join(t.TempDir(), "churn"), filepath.Join(t.TempDir(), "zenml-upgrade")
	if err := os.CopyFS(repo, os.DirFS(filepath.Join(root, "examples", "churn"))); err != nil {
		t.Fatal(err)
	}
	for name, text := range exampleMore {
		if err := os.WriteFile(filepath.Join(repo, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pins := filepath.Join(repo, "requirements.txt")
	b, err := os.ReadFile(pins)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pins, []byte(strings.ReplaceAll(string(b), "zenml[server]==0.85.0", "zenml[server]=="+from)), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return repo, binary
}

// compatTest runs the binary on the example and returns its result and exit status.
func compatTest(t *testing.T, repo, binary, from, out string, args ...string) (*Result, int) {
	t.Helper()
	args = append([]string{
		"compat-test", "--from", from, "--to", "0.98.0", "--repository-path", repo, "--config", filepath.Join(repo, "test.yml"), "--output-dir", out,
		"--suite", "none", "--artifacts", "none", "--python-versions", "3.11",
	}, args...)
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append(machine.Environ(t), "ZENML_UPGRADE_CACHE="+machine.Cache(t))
	cmd.Env = slices.DeleteFunc(cmd.Env, func(kv string) bool { return strings.HasPrefix(kv, "GITHUB_") })
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Errorf("%v\n%s", err, text)
		return nil, -1
	}
	b, err := os.ReadFile(filepath.Join(out, "result.json"))
	var r Result
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Errorf("%q: %v\n%s", args, err, text)
		return nil, -1
	}
	return &r, cmd.ProcessState.ExitCode()
}

// outcomes are the verdicts by check; servers start once in each shard.
func outcomes(r *Result) map[string]Verdict {
	out := map[string]Verdict{}
	for _, c := range r.Checks {
		name, _, _ := strings.Cut(c.Name, " in shard")
		out[name] = c.Verdict
	}
	return out
}

func codes(r *Result) []string {
	out := []string{}
	for _, reason := range r.Reasons {
		out = append(out, reason.Code)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// The example tested in two shards by the binary, whose joined result is that of one run over all; a shard
// that is lost is told as lost. One run over all, and a pipeline that works, are of the long tests.
func TestShardsOfTheExample(t *testing.T) {
	t.Parallel()
	repo, binary := example(t, "0.85.0")
	want, names := map[string]Verdict{"server:start": OK, "pipeline:audit": BrokenByUpgrade, "pipeline:closed": AlreadyBroken}, "audit,closed"
	reasons := []string{"already_broken", "broken_by_upgrade", nothingPassed}
	full := os.Getenv("ZENML_UPGRADE_FULL") != ""
	if full {
		want["pipeline:daily_report"], names, reasons = OK, "all", reasons[:2]
	}
	parts := t.TempDir()
	var one, two *Result
	var wait sync.WaitGroup
	for k, to := range map[string]**Result{"1": &one, "2": &two} {
		wait.Go(func() {
			*to, _ = compatTest(t, repo, binary, "0.85.0", filepath.Join(parts, k), "--pipelines", names, "--shard", k+"/2")
		})
	}
	if wait.Wait(); t.Failed() {
		t.FailNow()
	}
	if a, b := one.Shard.Plan, two.Shard.Plan; !cmp.Equal(a, b) || len(one.Checks)+len(two.Checks) != len(want)+1 {
		t.Errorf("the shards did not share the test: %v, %v", a, b)
	}
	joined, status := compatTest(t, repo, binary, "0.85.0", filepath.Join(t.TempDir(), "joined"), "--aggregate", parts)
	if d := cmp.Diff(want, outcomes(joined)); d != "" {
		t.Errorf("verdicts of the shards (-want +got):\n%s", d)
	}
	if d := cmp.Diff(reasons, codes(joined)); d != "" || joined.Decision != verdict.Block || status != 1 {
		t.Errorf("joined: %s, status %d, reasons (-want +got):\n%s", joined.Decision, status, d)
	}
	if full {
		whole, _ := compatTest(t, repo, binary, "0.85.0", filepath.Join(t.TempDir(), "whole"), "--pipelines", names)
		if d := cmp.Diff(outcomes(whole), outcomes(joined)); d != "" || joined.ReasonCode != whole.ReasonCode || !cmp.Equal(codes(joined), codes(whole)) {
			t.Errorf("joined: %q, whole: %s, %q, verdicts (-whole +joined):\n%s", codes(joined), whole.Decision, codes(whole), d)
		}
	}
	for k, plan := range one.Shard.Plan {
		if slices.Contains(plan, "pipeline:audit") { // without it nothing is known to be broken
			if err := os.RemoveAll(filepath.Join(parts, string(rune('1'+k)))); err != nil {
				t.Fatal(err)
			}
		}
	}
	lost, status := compatTest(t, repo, binary, "0.85.0", filepath.Join(t.TempDir(), "lost"), "--aggregate", parts)
	if lost.Decision != verdict.Unknown || status != 1 || !slices.Contains(codes(lost), "shard_lost") || outcomes(lost)["pipeline:audit"] != NotCompared {
		t.Errorf("a lost shard: %s, status %d, %q, %v", lost.Decision, status, codes(lost), outcomes(lost))
	}
}

// The same from a much older version. One of the long tests.
func TestExampleFromAnOldVersion(t *testing.T) {
	t.Parallel()
	if os.Getenv("ZENML_UPGRADE_FULL") == "" {
		t.Skip("skipped: only with ZENML_UPGRADE_FULL (make test-full)")
	}
	repo, binary := example(t, "0.75.0")
	r, status := compatTest(t, repo, binary, "0.75.0", filepath.Join(t.TempDir(), "out"))
	want := map[string]Verdict{"server:start": OK, "pipeline:daily_report": OK, "pipeline:audit": BrokenByUpgrade, "pipeline:closed": AlreadyBroken}
	if d := cmp.Diff(want, outcomes(r)); d != "" || status != 1 {
		t.Errorf("status %d, verdicts (-want +got):\n%s", status, d)
	}
}
