package upgrade

import (
	"context"
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
	r.judgeGates(t.Context())
	var codes []string
	for _, p := range problems(r.report.Problems).blocking() {
		codes = append(codes, p.Code)
	}
	if d := cmp.Diff([]string{"gate_hold", "gate_staging", "gate_made_up"}, codes); d != "" {
		t.Error(d)
	}
	if err := r.gatesStillOpen(t.Context()); err == nil || !strings.Contains(err.Error(), "gate hold is closed: needed is nobody holds; held") || !strings.HasSuffix(err.Error(), "nothing was stopped") {
		t.Error(err)
	}
	r.judgeGates(t.Context()) // now problems stand against it
	gates = gates[2:3]
	if err := r.gatesStillOpen(t.Context()); err != nil || len(r.report.Gates) != 1 {
		t.Errorf("%v, %+v", err, r.report.Gates)
	}
	if d := cmp.Diff([]bool{true, true, false, true}, clears); d != "" {
		t.Error(d)
	}
	none := &run{}
	none.judgeGates(t.Context())
	if err := none.gatesStillOpen(t.Context()); err != nil || none.report.Gates != nil {
		t.Error(err)
	}
}
