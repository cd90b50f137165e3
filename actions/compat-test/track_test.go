package compattest

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/tracking"
)

// A step is done when all of its checks are well, failed when the upgrade breaks one, and open otherwise.
func TestTracked(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	check := func(name string, v compat.Verdict) compat.Check { return compat.Check{Name: name, Verdict: v} }
	artifact := func(old, now compat.Status, same *bool) compat.Artifact {
		return compat.Artifact{LoadOld: old, LoadNew: now, SameValue: same}
	}
	for name, tt := range map[string]struct {
		checks    []compat.Check
		artifacts []compat.Artifact
		want      map[string]checklist.State
	}{
		"nothing": {},
		"all well": {
			[]compat.Check{check("pipeline:train", compat.OK), check("basic", compat.Fixed), check("integration:sklearn", compat.OK)},
			[]compat.Artifact{artifact(compat.Passed, compat.Passed, &yes)},
			map[string]checklist.State{"2-existing-pipelines": checklist.Done, "2-basic-pipeline": checklist.Done, "2-integration-pipeline": checklist.Done, "2-local-test": checklist.Done, "2-artifacts-load": checklist.Done, "plan-artifacts": checklist.Done},
		},
		"one broken": {
			[]compat.Check{check("pipeline:train", compat.OK), check("pipeline:score", compat.BrokenByUpgrade), check("complex", compat.OK)},
			[]compat.Artifact{artifact(compat.Passed, compat.Passed, &yes), artifact(compat.Passed, compat.Passed, &no)},
			map[string]checklist.State{"2-existing-pipelines": checklist.Failed, "2-complex-pipeline": checklist.Done, "2-local-test": checklist.Failed, "2-artifacts-load": checklist.Failed, "plan-artifacts": checklist.Failed},
		},
		"nothing proved": {
			[]compat.Check{check("pipeline:train", compat.NotCompared), check("basic", compat.Flaky), check("artifact", compat.AlreadyBroken)},
			[]compat.Artifact{artifact(compat.Passed, compat.Passed, nil), artifact(compat.Failed, compat.Failed, nil)},
			map[string]checklist.State{},
		},
	} {
		from, to := "0.97.0", "0.98.0"
		r := &compat.Result{Common: report.Common{From: &from, To: &to}, Checks: tt.checks, Artifacts: tt.artifacts}
		c := &compatTest{}
		if c.tracked(r) != nil {
			t.Errorf("%s: tracked although nobody asked", name)
		}
		c.track = &tracking.Wish{Environment: "production"}
		track := c.tracked(r)
		provers := map[string]checklist.Prover{}
		for _, p := range track.Run.Phases {
			for _, s := range p.Steps {
				provers[s.ID] = s.By
			}
		}
		got := map[string]checklist.State{}
		for _, p := range track.Run.Proofs {
			got[p.Step] = p.State
			if provers[p.Step] != checklist.CompatTest {
				t.Errorf("%s: %s is for %q to prove", name, p.Step, provers[p.Step])
			}
		}
		if tt.want == nil {
			tt.want = map[string]checklist.State{}
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		plain, errPlain := json.Marshal(r)
		wrapped, errWrapped := json.Marshal(&Result{r, track})
		if d := cmp.Diff(string(plain), string(wrapped)); d != "" || errPlain != nil || errWrapped != nil {
			t.Errorf("%s: result.json differs: %s, %v, %v", name, d, errPlain, errWrapped)
		}
	}
}
