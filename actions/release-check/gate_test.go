package releasecheck

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

// A waiver holds through the whole of its last day.
func TestTheLastDayOfAWaiver(t *testing.T) {
	t.Parallel()
	for now, want := range map[string]WaiverState{
		"2026-03-31T23:59:59Z": Applied, "2026-04-01T00:00:00Z": Expired, "2026-04-01T01:00:00+02:00": Applied,
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		r := &Result{Findings: []release.Finding{{ID: "0.98.0-breaking-1", Version: "0.98.0", Category: release.Breaking, Source: "notes", Affects: release.Unknown}}}
		all := func(string) bool { return true }
		r.Waivers = waive(r.Findings, []config.Waiver{{Finding: "0.98.0-breaking-1", Owner: "me", Reason: "x", Expires: "2026-03-31"}}, r.stands, all, at)
		if got := r.Waivers[0].State; got != want || (r.Findings[0].Waiver != nil) != (want == Applied) {
			t.Errorf("at %s: %s, finding %v, want %s", now, got, r.Findings[0].Waiver, want)
		}
	}
}

func TestWhatTheDatabaseLosesCanBeWaived(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	r := &Result{Migrations: []migration.Migration{
		{Revision: "aa", Version: "0.97.0", Destructive: &yes, Operations: map[string]int{"drop_table": 1}},
		{Revision: "bb", Version: "0.97.0", Destructive: &no, Irreversible: true, Operations: map[string]int{"alter": 1}},
		{Revision: "cc", Version: "0.98.0", Operations: map[string]int{"unread": 1}},
	}}
	r.Findings = migration.Findings(r.Migrations, nil)
	waivers := []config.Waiver{
		{Finding: r.Migrations[0].FindingID(), Owner: "me", Expires: "2999-01-01"}, {Finding: r.Migrations[2].FindingID(), Owner: "me", Expires: "2999-01-01"},
	}
	codesOf := func() (out []string) {
		for _, x := range append(r.migrationReasons(&gathered{}), r.findingReasons()...) {
			out = append(out, string(x.Decision)+" "+x.Code)
		}
		return out
	}
	if d := cmp.Diff([]string{"unknown migrations_unknown", "review migrations_destructive"}, codesOf()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	r.Waivers = waive(r.Findings, waivers, r.stands, func(string) bool { return true }, time.Now())
	// What could not be read is a missing fact: no waiver lifts it.
	if d := cmp.Diff([]string{"unknown migrations_unknown"}, codesOf()); d != "" {
		t.Errorf("after the waivers (-want +got):\n%s", d)
	}
	if r.Waivers[0].State != Applied || r.Waivers[1].State != Needless {
		t.Errorf("waivers %+v", r.Waivers)
	}
}

func TestPathReasons(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		from, to, requires string
		want               []string
	}{
		{"0.85.0", "0.98.0", ">=3.10", nil},
		{"0.75.0", "0.80.0", ">=3.9", []string{"unknown target_faulty", "review path_conditions"}},
		{"0.75.0", "0.85.0", ">=3.9", []string{"review path_conditions"}},
		{"0.92.0", "0.93.0", ">=3.10", []string{"unknown target_faulty"}},
		{"0.57.1", "0.75.0", ">=3.9", []string{"unknown path_unproved"}},
		{"0.85.0", "0.98.0", "", []string{"unknown path_unknown"}},
	} {
		g := &gathered{path: hops.Plan(hops.Question{From: tc.from, To: tc.to, Requires: func(string) (string, error) {
			if tc.requires == "" {
				return "", errIndex
			}
			return tc.requires, nil
		}})}
		var got []string
		for _, x := range (&Result{Common: report.Common{From: &tc.from, To: &tc.to}}).pathReasons(g) {
			got = append(got, string(x.Decision)+" "+x.Code)
			if x.Code == "target_faulty" && !strings.Contains(x.Text, "Upgrade to "+g.path.Fault.RepairedBy) {
				t.Errorf("no repair is proposed: %s", x.Text)
			}
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s to %s (-want +got):\n%s", tc.from, tc.to, d)
		}
	}
}

var errIndex = errors.New("the index did not answer")
