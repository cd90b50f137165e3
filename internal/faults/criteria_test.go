package faults

import (
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/standin"
)

// What the configuration says of a failure is what follows it.
func TestCriteria(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, rollback, fault string
		args                  []string
		exit                  int
		outcome, serves, says string
		old                   bool // the data is the old
	}{
		{"a failed smoke pipeline freezes", "{failed-smoke: freeze}", "new-smoke-fails", nil, 4, "frozen", "", "nothing was undone", false},
		{"another failed step does not", "{failed-smoke: freeze}", "new-open-fails", nil, 4, "rolled_back", standin.Old, "serves again", true},
		{"the input comes first", "{failed-step: restore}", "new-open-fails", []string{"--rollback-on-failure", "false"}, 4, "frozen", "", "nothing was undone", false},
		{"a downtime above the limit freezes", "{downtime: freeze}", "new-never-answers", []string{"--max-downtime", "4s"}, 4, "frozen", "", "max-downtime", false},
		{"an opened server that answers too seldom is put back", "{watch: 3s, error-limit: 0.05, error-rate: restore}", "new-answers-half", nil, 4, "rolled_back", standin.Old, "serves again", true},
		{"an opened server that answers is watched and left", "{watch: 1s, error-limit: 0.2}", "", nil, 0, "upgraded", standin.New, "was upgraded", false},
		{"a smoke pipeline that fails in public is put back: it wrote nothing", "{}\n    smoke: public", "new-smoke-fails", nil, 4, "rolled_back", standin.Old, "serves again", true},
		{"a smoke pipeline that fails in public when it has written freezes", "{}\n    smoke: public", "new-deletes-no-run", nil, 4, "frozen", standin.New, "pipeline_run", false},
		{"a smoke pipeline in public comes last", "{}\n    smoke: public", "", nil, 0, "upgraded", standin.New, "Smoke pipeline (after the opening)", false},
		{"a failed smoke pipeline leads to the patch", "{failed-smoke: roll-forward, patch: 0.98.1}", "new-smoke-fails-once", nil, 0, "rolled_forward", standin.Patch, "the patch that the configuration names serves", false},
		{"a failed migration leads to the patch, from the old data", "{failed-step: roll-forward, patch: 0.98.1}", "new-dies-migrating-once", nil, 0, "rolled_forward", standin.Patch, "serves in its place", false},
		{"a patch that fails too is put back", "{failed-step: roll-forward, patch: 0.98.1}", "new-open-fails", nil, 4, "rolled_back", standin.Old, "serves again", true},
		{"a patch that failed its rehearsal is not gone to", "{failed-step: roll-forward, patch: 0.98.1}", "copy-patch-fails", nil, 1, "refused", standin.Old, "0.98.1 on the restored copy", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := standin.NewSite(t, standin.SQLite, shared)
			old := s.Content(t)
			s.Configure(t, "    rollback: "+c.rollback+"\n")
			if c.fault != "" {
				s.Fault(t, c.fault)
			}
			r := s.Run(t, "upgrade", c.args)
			if r.Exit != c.exit || r.Result.Outcome != c.outcome || !strings.Contains(r.Text, c.says) || s.Version() != c.serves {
				t.Errorf("exit %d, %s, %q serves, want %d, %s, %q and %q in the report\n%s\n%s", r.Exit, r.Result.Outcome, s.Version(), c.exit, c.outcome, c.serves, c.says, r.Told, r.Text)
			}
			if c.outcome == "rolled_forward" && (r.Result.To != standin.Patch || r.Result.Decision != "review") {
				t.Errorf("to %s, decision %s", r.Result.To, r.Result.Decision)
			}
			if last := len(r.Result.Checks) - 1; strings.Contains(c.rollback, "public") && (last < 0 || r.Result.Checks[last].Name != "smoke pipeline" || !strings.Contains(r.Told, "open to the public")) {
				t.Errorf("checks: %v\n%s", r.Result.Checks, r.Told)
			}
			same(t, s, old, c.old)
			if c.outcome != "frozen" {
				clean(t, s)
			}
		})
	}
}

// same wants the data to be the old, or not.
func same(t *testing.T, s *standin.Site, old database.Fingerprint, want bool) {
	t.Helper()
	if diff := old.Diff(s.Content(t)); (len(diff) == 0) != want {
		t.Errorf("the data differs from the old in %v, want that: %v", diff, !want)
	}
}

// Somebody writes while a new version that answers too seldom is withdrawn, and it cannot be started again:
// the work is kept, and a person is told what to start.
func TestWithdrawnInVain(t *testing.T) {
	t.Parallel()
	s := standin.NewSite(t, standin.SQLite, shared)
	s.Configure(t, "    rollback: {watch: 3s, error-limit: 0.05, error-rate: restore}\n")
	s.Fault(t, "new-answers-half")
	r := runWith(t, s, "upgrade", nil, at("after note: the new version is withdrawn", func(t testing.TB, s *standin.Site) {
		t.Helper()
		someoneWrites(t, s)
		s.Mend(t, "new-answers-half")
		s.Fault(t, "new-open-fails")
	}))
	if r.Exit != 4 || r.Result.Outcome != "frozen" || !strings.Contains(r.Text, "start ZenML 0.98.0 again, its data is whole") || !strings.Contains(r.Text, "address already in use") || s.Version() != "" {
		t.Errorf("exit %d, %s, %q serves\n%s\n%s", r.Exit, r.Result.Outcome, s.Version(), r.Told, r.Text)
	}
	if !strings.Contains(strings.Join(r.Result.Written, ";"), "tag") {
		t.Errorf("written since: %v", r.Result.Written)
	}
	serveNew(t, s, r)
	want, got := s.Migrated(t, standin.SQLite, standin.New), s.Content(t)
	if got.Tables["tag"].Rows != want.Tables["tag"].Rows+1 {
		t.Errorf("what was written is gone: %+v", got.Tables["tag"])
	}
	delete(want.Tables, "tag")
	delete(got.Tables, "tag")
	if diff := want.Diff(got); len(diff) > 0 {
		t.Errorf("the data is not the new: %v", diff)
	}
}
