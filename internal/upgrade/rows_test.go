package upgrade

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

func TestCountRowsFollowsRenamesAndSeesLosses(t *testing.T) {
	t.Parallel()
	rows := func(in map[string]int64) map[string]database.Table {
		out := map[string]database.Table{}
		for name, n := range in {
			out[name] = database.Table{Rows: n}
		}
		return out
	}
	before := rows(map[string]int64{"user": 3, "workspace": 2, "pipeline_run": 10, "action": 4, "flavor": 60})
	for _, c := range []struct {
		name  string
		after map[string]int64
		want  string // in the error; empty for none
	}{
		{"grown and renamed", map[string]int64{"user": 3, "project": 2, "pipeline_run": 11}, ""},
		{"a run lost", map[string]int64{"user": 3, "project": 2, "pipeline_run": 9}, "pipeline_run (10 rows, now 9)"},
		{"a table lost", map[string]int64{"user": 3, "pipeline_run": 10}, "workspace (2 rows, now 0)"},
		{"emptied by the rename", map[string]int64{"user": 3, "workspace": 0, "project": 1, "pipeline_run": 10}, "workspace (2 rows, now 1)"},
	} {
		r := &run{report: Report{Backup: &Backup{Tables: before}, Lost: map[string]zenml.Loss{
			"user": {Status: zenml.StatusUnknown}, "flavor": {Status: zenml.StatusUnknown}, "stack": {Before: 1, After: 1, Status: zenml.StatusCompared},
		}}}
		err := r.countRows(rows(c.after))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		want := map[string]zenml.Loss{
			"user": {Before: 3, After: 3, Missing: []string{}, Status: statusCounted}, "flavor": {Status: zenml.StatusUnknown},
			"stack": {Before: 1, After: 1, Status: zenml.StatusCompared}, "action": {Before: 4, Missing: []string{}, Status: zenml.StatusGone},
		}
		if diff := cmp.Diff(want, r.report.Lost); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
