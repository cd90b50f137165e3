package stagingupgrade

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/tracking"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// Every way a run ends proves just what it did, and every step is one that a staging-upgrade can prove.
func TestTracked(t *testing.T) {
	t.Parallel()
	from, to, s := "0.97.0", "0.98.0", 1.0
	backup := &upgrade.Backup{Path: "/var/backups/secret-path", Bytes: 10, Drill: &upgrade.Drill{Passed: true, Seconds: 2}}
	broken := &upgrade.Backup{Path: "/var/backups/secret-path", Drill: &upgrade.Drill{}}
	changed := &upgrade.Differences{Boundaries: []string{"x"}}
	stored := []string{"1-backup-documented", "1-backup-integrity", "1-database-backup", "1-restore-tested", "rollback-scripts"}
	for name, tt := range map[string]struct {
		kind   string
		report upgrade.Report
		done   []string
		failed []string
		open   []string
	}{
		"planned":              {"production", upgrade.Report{Outcome: upgrade.Planned, Inventory: []upgrade.Pipeline{{Critical: true}}}, nil, nil, nil},
		"refused":              {"production", upgrade.Report{Outcome: upgrade.Refused}, nil, nil, nil},
		"a bad backup":         {"staging", upgrade.Report{Outcome: upgrade.Refused, Backup: broken}, nil, []string{"1-backup-integrity", "1-restore-tested"}, nil},
		"no drill":             {"staging", upgrade.Report{Outcome: upgrade.Interrupted, Backup: &upgrade.Backup{}}, nil, nil, nil},
		"rehearsed":            {"production", upgrade.Report{Outcome: upgrade.Rehearsed, Backup: backup, SmokeSeconds: &s, Inventory: []upgrade.Pipeline{{Critical: true}}}, append([]string{"1-critical-pipelines", "1-long-pipelines"}, stored...), nil, nil},
		"upgraded, production": {"production", upgrade.Report{Outcome: upgrade.Upgraded, Backup: backup, SmokeSeconds: &s}, append([]string{"5-breaking-upgrade", "5-smoke", "5-upgrade"}, stored...), nil, nil},
		"upgraded, no smoke":   {"production", upgrade.Report{Outcome: upgrade.Upgraded}, []string{"5-breaking-upgrade", "5-upgrade"}, nil, nil},
		"upgraded, staging":    {"staging", upgrade.Report{Outcome: upgrade.Upgraded, SmokeSeconds: &s, Differences: changed}, []string{"3-server-healthy", "3-server-upgraded"}, nil, []string{"3-authentication"}},
		"upgraded, team's own": {"staging", upgrade.Report{Outcome: upgrade.Upgraded, Checks: []upgrade.Check{{Name: "pipeline:train", Server: "real", Status: upgrade.Passed}}}, []string{"3-authentication", "3-light-pipelines", "3-server-healthy", "3-server-upgraded"}, nil, nil},
		"upgraded, one unsure": {"staging", upgrade.Report{Outcome: upgrade.Upgraded, Checks: []upgrade.Check{{Name: "pipeline:train", Server: "real", Status: upgrade.Skipped}}}, []string{"3-authentication", "3-server-healthy", "3-server-upgraded"}, nil, nil},
		"upgraded, another":    {"development", upgrade.Report{Outcome: upgrade.Upgraded, SmokeSeconds: &s}, nil, nil, nil},
		"rolled back":          {"staging", upgrade.Report{Outcome: upgrade.RolledBack}, []string{"rollback-restore", "rollback-server", "rollback-tested", "rollback-verify"}, serverSteps["staging"], nil},
		"frozen":               {"production", upgrade.Report{Outcome: upgrade.Frozen}, nil, serverSteps["production"], nil},
		"rollback failed":      {"production", upgrade.Report{Outcome: upgrade.RollbackFailed}, nil, append([]string{"rollback-restore", "rollback-server", "rollback-verify"}, serverSteps["production"]...), nil},
	} {
		r := &Result{Common: report.Common{From: &from, To: &to}, Report: tt.report}
		for _, c := range tt.report.Checks {
			r.light = append(r.light, c.Name)
		}
		if r.tracks(&settings{}); r.Tracked() != nil {
			t.Errorf("%s: tracked although nobody asked", name)
		}
		r.tracks(&settings{env: config.Environment{Kind: tt.kind}, track: &tracking.Wish{Environment: "e"}})
		got := map[checklist.State][]string{}
		for _, p := range r.Tracked().Run.Proofs {
			got[p.State] = append(got[p.State], p.Step)
			if strings.Contains(p.Evidence, "/") || !provable(t, p.Step) {
				t.Errorf("%s: %+v", name, p)
			}
		}
		for state, want := range map[checklist.State][]string{checklist.Done: tt.done, checklist.Failed: tt.failed, checklist.Open: tt.open} {
			if d := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got[state]))); d != "" {
				t.Errorf("%s, %s: %s", name, state, d)
			}
		}
	}
}

// provable says whether a step has a box that a staging-upgrade ticks.
func provable(t *testing.T, id string) bool {
	t.Helper()
	list, err := checklist.Make(checklist.Conditions{Deployment: checklist.OSS, From: "0.97.0", To: "0.98.0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	phases, _ := tracking.Steps(list)
	return slices.ContainsFunc(phases, func(p tracking.Phase) bool {
		return slices.ContainsFunc(p.Steps, func(s tracking.Step) bool { return s.ID == id && s.By == checklist.StagingUpgrade })
	})
}
