package stagingupgrade

import (
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

func TestDecideFollowsTheOutcome(t *testing.T) {
	t.Parallel()
	failure := &upgrade.Failure{Step: "migrate", Message: "it broke"}
	for _, c := range []struct {
		name     string
		report   upgrade.Report
		decision verdict.Decision
		code     string
	}{
		{"upgraded", upgrade.Report{Outcome: upgrade.Upgraded}, verdict.Pass, "upgraded"},
		{"planned with nothing against it", upgrade.Report{Outcome: upgrade.Planned}, verdict.Pass, "planned"},
		{"planned with a review", upgrade.Report{Outcome: upgrade.Planned, Problems: []upgrade.Problem{{Code: "jwt_secret_key"}}}, verdict.Review, "jwt_secret_key"},
		{"planned with a block", upgrade.Report{Outcome: upgrade.Planned, Problems: []upgrade.Problem{{Code: "a"}, {Code: "disk_space", Blocks: true}}}, verdict.Block, "disk_space"},
		{"rolled back", upgrade.Report{Outcome: upgrade.RolledBack, Failure: failure}, verdict.Block, "rolled_back"},
		{"frozen beside a blocking problem", upgrade.Report{Outcome: upgrade.Frozen, Failure: failure, Problems: []upgrade.Problem{{Code: "x", Blocks: true}}}, verdict.Block, "frozen"},
		{"rollback failed", upgrade.Report{Outcome: upgrade.RollbackFailed, Failure: failure}, verdict.Block, "rollback_failed"},
		{"refused", upgrade.Report{Outcome: upgrade.Refused, Failure: failure}, verdict.Block, "refused"},
		{"interrupted", upgrade.Report{Outcome: upgrade.Interrupted, Failure: failure}, verdict.Unknown, "interrupted"},
		{"an artifact that cannot be compared", upgrade.Report{Outcome: upgrade.Upgraded, Artifacts: &upgrade.ArtifactCheck{Tried: 2, Same: 1, Unknown: []string{"id: opaque"}}}, verdict.Review, "artifacts_unknown"},
		{"a kind that could not be counted", upgrade.Report{Outcome: upgrade.Upgraded, Lost: map[string]zenml.Loss{"user": {Status: zenml.StatusUnknown}}}, verdict.Review, "inventory_unknown"},
	} {
		r := &Result{Report: c.report}
		r.decide()
		if r.Decision != c.decision || r.ReasonCode != c.code {
			t.Errorf("%s: %s %s, want %s %s", c.name, r.Decision, r.ReasonCode, c.decision, c.code)
		}
	}
}

// Logs and database errors hold SQL and rows: they are for result.json, not for a comment.
func TestTheReportForPeopleHoldsNoLog(t *testing.T) {
	t.Parallel()
	r := &Result{Report: upgrade.Report{Outcome: upgrade.RolledBack, Failure: &upgrade.Failure{Step: "migrate", Message: "it broke", LogExcerpt: "INSERT INTO user"}}}
	r.decide()
	var b strings.Builder
	if err := report.Markdown(&b, r.Document(), 0); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "INSERT") || !strings.Contains(b.String(), "it broke") {
		t.Error(b.String())
	}
}
