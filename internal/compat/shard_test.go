package compat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

func shardOptions() Options {
	return Options{From: "0.85.0", To: "0.98.0", Suite: []string{"basic", "client"}, Pipelines: []config.Pipeline{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
}

func TestShardsShareAllAndNothingTwice(t *testing.T) {
	t.Parallel()
	seconds := map[string]float64{"pipeline:c": 300, "pipeline:b": 100, "basic": 60}
	var ran []string
	var plan [][]string
	for k := 1; k <= 3; k++ {
		o := shardOptions()
		s, err := ParseShard(strconv.Itoa(k) + "/3")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Take(&o, seconds); err != nil {
			t.Fatal(err)
		}
		if plan != nil && !cmp.Equal(plan, s.Plan) {
			t.Errorf("shard %d divides otherwise: %v, %v", k, plan, s.Plan)
		}
		plan = s.Plan
		ran = append(ran, unitsOf(&o)...)
	}
	slices.Sort(ran)
	if d := cmp.Diff([]string{"basic", "client", "pipeline:a", "pipeline:b", "pipeline:c"}, ran); d != "" {
		t.Errorf("what ran (-want +got):\n%s", d)
	}
	if d := cmp.Diff([][]string{{"pipeline:c"}, {"pipeline:b"}, {"basic", "client", "pipeline:a"}}, plan); d != "" {
		t.Errorf("the plan (-want +got):\n%s", d)
	}
	if err := (&Shard{Index: 1, Of: 6}).Take(new(Options), nil); err == nil {
		t.Error("more shards than things to run are taken")
	}
	for _, text := range []string{"0/2", "3/2", "1", "1/2/3", "1/0", " 1 / 2", "1/999", "-1/2", "01/2"} {
		if s, err := ParseShard(text); err == nil {
			t.Errorf("%q is taken as %+v", text, s)
		}
	}
}

func TestAggregate(t *testing.T) {
	t.Parallel()
	one := func(k int, change func(*Result)) *Result {
		o := shardOptions()
		s := &Shard{Index: k, Of: 2}
		if err := s.Take(&o, nil); err != nil {
			t.Fatal(err)
		}
		r := emptyResult("0.85.0", "0.98.0")
		r.Schema, r.Shard, r.Pins.Resolved = "zenml-upgrade/compat-test/v1", s, true
		for _, unit := range append([]string{serverStart}, s.Plan[k-1]...) {
			r.Checks = append(r.Checks, Check{Name: unit, Required: true, Verdict: OK, Baseline: Attempt{Status: Passed}, Candidate: Attempt{Status: Passed}})
		}
		r.Decide("compatible")
		change(r)
		return r
	}
	same := func(*Result) {}
	// What one shard holds was broken before; that nothing passed is not true of the whole.
	broken := func(r *Result) {
		for i := range r.Checks {
			if r.Checks[i].Name != serverStart {
				r.Checks[i].Verdict, r.Checks[i].Candidate = AlreadyBroken, Attempt{Status: Failed}
			}
		}
		r.Reasons = []verdict.Reason{verdict.Because(verdict.Review, "already_broken", "x", nil), verdict.Because(verdict.Unknown, nothingPassed, "x", nil)}
		r.Decide("")
	}
	for _, c := range []struct {
		name     string
		shards   []*Result
		decision verdict.Decision
		code     string // "" is an input fault
	}{
		{"all there", []*Result{one(1, same), one(2, same)}, verdict.Pass, "compatible"},
		{"one lost", []*Result{one(1, same)}, verdict.Unknown, "checks_lost"},
		{"one without a result of its own", []*Result{one(1, same), one(2, func(r *Result) { r.Shard = nil })}, verdict.Unknown, "checks_lost"},
		{"a check left out", []*Result{one(1, same), one(2, func(r *Result) { r.Checks = r.Checks[:2] })}, verdict.Unknown, "checks_lost"},
		{"one in which nothing passed", []*Result{one(1, same), one(2, broken)}, verdict.Review, "already_broken"},
		{"nothing passed anywhere", []*Result{one(1, broken), one(2, broken)}, verdict.Unknown, nothingPassed},
		{"one blocks", []*Result{one(1, same), one(2, func(r *Result) {
			r.Reasons = append(r.Reasons, verdict.Because(verdict.Block, "broken_by_upgrade", "x", nil))
			r.Decide("")
		})}, verdict.Block, "broken_by_upgrade"},
		{"a decision without its reason", []*Result{one(1, same), one(2, func(r *Result) { r.Decision = verdict.Unknown })}, verdict.Unknown, "shard_unclear"},
		{"divided otherwise", []*Result{one(1, same), one(2, func(r *Result) { r.Shard.Plan = [][]string{{"basic"}, {"client"}} })}, "", ""},
		{"other versions", []*Result{one(1, same), one(2, func(r *Result) { v := "0.97.0"; r.To = &v })}, "", ""},
		{"one twice", []*Result{one(1, same), one(1, same)}, "", ""},
		{"nothing", nil, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for i, r := range c.shards {
				b, err := json.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				folder := filepath.Join(dir, "part-"+strconv.Itoa(i))
				if err := os.MkdirAll(folder, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(folder, "result.json"), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			res, err := Aggregate(dir, "0.85.0", "0.98.0")
			if err != nil {
				if c.code != "" {
					t.Fatal(err)
				}
				return
			}
			if res.Decision != c.decision || res.ReasonCode != c.code {
				t.Errorf("%s (%s), want %s (%s)", res.Decision, res.ReasonCode, c.decision, c.code)
			}
			for _, unit := range unitsOf(&Options{Suite: shardOptions().Suite, Pipelines: shardOptions().Pipelines}) {
				if !slices.ContainsFunc(res.Checks, func(check Check) bool { return belongs(check.Name, unit) }) {
					t.Errorf("nothing is said of %s", unit)
				}
			}
		})
	}
}
