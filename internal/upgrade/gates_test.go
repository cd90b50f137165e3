package upgrade

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
)

// A gate that is closed or unknown stands against the upgrade, in the preflight and before the stop.
func TestGatesThatAreShut(t *testing.T) {
	t.Parallel()
	gates := []gate.Gate{
		{Name: "hold", Verdict: gate.Closed, Needed: "nobody holds", Got: "held", Next: "lift it"},
		{Name: "staging", Verdict: gate.Unknown, Needed: "staging", Got: "not known", Next: "give a token"},
		{Name: "approvals", Verdict: gate.Open},
		{Name: "made_up"},
	}
	var clears []bool
	r := &run{Options: Options{Gates: func(_ context.Context, clear bool) []gate.Gate {
		clears = append(clears, clear)
		return gates
	}}}
	r.noteGate(gate.Gate{Name: "window", Verdict: gate.Closed}) // told by a code of its own
	r.judgeGates(t.Context())
	var codes []string
	for _, p := range problems(r.report.Problems).blocking() {
		codes = append(codes, p.Code)
	}
	if d := cmp.Diff([]string{"gate_hold", "gate_staging", "gate_made_up"}, codes); d != "" || len(r.report.Gates) != 5 || r.report.Gates[0].Name != "window" {
		t.Errorf("%s, %+v", d, r.report.Gates)
	}
	if err := r.gatesStillOpen(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "gate hold is closed: needed is nobody holds; held") || !strings.HasSuffix(err.Error(), "nothing was stopped") {
		t.Error(err)
	}
	r.judgeGates(t.Context()) // now problems stand against it
	gates = gates[2:3]
	if err := r.gatesStillOpen(t.Context(), 0); err != nil || len(r.report.Gates) != 2 {
		t.Errorf("%v, %+v", err, r.report.Gates)
	}
	if d := cmp.Diff([]bool{true, true, false, true}, clears); d != "" {
		t.Error(d)
	}
	none := &run{}
	none.judgeGates(t.Context())
	if err := none.gatesStillOpen(t.Context(), 0); err != nil || none.report.Gates != nil {
		t.Error(err)
	}
}

// A rollback that a comment asked for is asked about as well, beside everything else that stands against it.
func TestARollbackWhoseGateIsShut(t *testing.T) {
	t.Parallel()
	r, _, _ := opened(t)
	dir := t.TempDir()
	r.Mode, r.StateDir, r.BackupDir, r.Vault = Rollback, filepath.Join(dir, "state"), dir, keeper{}
	r.Gates = func(context.Context, bool) []gate.Gate {
		return []gate.Gate{{Name: "comment", Verdict: gate.Closed, Needed: "a command", Got: "none", Next: "write one"}}
	}
	if _, err := r.considerRollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, p := range problems(r.report.Problems).blocking() {
		codes = append(codes, p.Code)
	}
	if d := cmp.Diff([]string{"no_backup", "gate_comment"}, codes); d != "" || r.report.Outcome != Refused {
		t.Errorf("%s, %s", r.report.Outcome, d)
	}
}

// A rollback goes back from the version that it was asked for, or not at all.
func TestCheckServerVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		runs, said string
		fault      bool
	}{{"0.98.0", "0.98.0", false}, {"0.98.0", "", false}, {"", "0.98.0", false}, {"0.99.0", "0.98.0", true}} {
		var p problems
		(&run{serverVersion: c.runs}).checkServerVersion(c.said, &p)
		if (len(p.blocking()) > 0) != c.fault {
			t.Errorf("%+v: %+v", c, p)
		}
	}
}
