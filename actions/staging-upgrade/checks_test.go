package stagingupgrade

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// checkChecks wants every check to have passed on the copy and on the real server (the components are
// made on the copy alone), and the one boundary that moved to be known.
func checkChecks(t *testing.T, res *Result) {
	t.Helper()
	var got []string
	for _, c := range res.Checks {
		got = append(got, c.Server+" "+c.Name+" "+string(c.Status))
	}
	var want []string
	each := []string{"version and log-in", "permission boundaries", "reads", "definitions", "secret", "dashboard", "inventory", "smoke pipeline", "artifacts"}
	for _, name := range append(slices.Clone(each), "revoked key", "whole inventory", "stack components") {
		want = append(want, "copy "+name+" passed")
	}
	// The team's own ran on the way that was gone back, and not once more on the one that stayed.
	want = append(want, "real pipeline:light_one passed", "real pipeline:heavy skipped", "real pipeline:never skipped", "real pipeline:light_two passed",
		"real snapshot:read skipped", // there are none
		"real snapshot_recreated:light_one passed", "real snapshot_executed:light_one skipped",
		"real snapshot_recreated:light_two passed", "real snapshot_executed:light_two skipped")
	for _, name := range append(slices.Clone(each), "alone on the database", "public inventory") {
		want = append(want, "real "+name+" passed")
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("checks: %s", d)
	}
	i := slices.IndexFunc(res.Checks, func(c upgrade.Check) bool { return c.Name == "permission boundaries" })
	if i < 0 || res.Checks[i].Detail != "43 requests, 1 answered otherwise, 1 of them as the release notes say" {
		t.Errorf("boundaries of the copy: %+v", res.Checks[max(i, 0)])
	}
	empty := upgrade.Differences{Boundaries: []string{}, Definitions: []string{}, Components: []string{}}
	if d := cmp.Diff(&empty, res.Differences); d != "" {
		t.Errorf("differences: %s", d)
	}
}

func TestDifferencesAskForAReview(t *testing.T) {
	t.Parallel()
	r := Result{Report: upgrade.Report{Outcome: upgrade.Upgraded, Differences: &upgrade.Differences{Definitions: []string{"stack a: name is gone"}}}}
	r.decide()
	want := report.Common{Decision: verdict.Review, ReasonCode: "definitions_changed"}
	if r.Decision != want.Decision || r.ReasonCode != want.ReasonCode || len(r.Reasons) != 1 || !slices.Equal(r.Reasons[0].Evidence, r.Differences.Definitions) {
		t.Errorf("%+v", r.Common)
	}
}
