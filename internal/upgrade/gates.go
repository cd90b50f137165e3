package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
)

// judgeGates asks the gates in the preflight. Those that let nothing through stand against the upgrade
// like everything else that does. The window and the rehearsal have been judged before, with codes of their own.
func (r *run) judgeGates(ctx context.Context) {
	p := problems(r.report.Problems)
	for _, g := range gate.Shut(r.askGates(ctx, len(p.blocking()) == 0)) {
		p.block("gate_"+g.Name, g.Sentence(), g.Next)
	}
	r.report.Problems = p
}

// askGates asks the caller's gates and shows them with the run's own.
func (r *run) askGates(ctx context.Context, clear bool) []gate.Gate {
	var given []gate.Gate
	if r.Gates != nil {
		given = r.Gates(ctx, clear)
	}
	r.report.Gates = slices.Concat(r.own, given)
	return given
}

// gatesStillOpen asks the gates again, for the rehearsal takes its time. The window is judged by the
// downtime that is predicted now, and last: a slow GitHub must not make that old.
func (r *run) gatesStillOpen(ctx context.Context, predicted float64) error {
	given := r.askGates(ctx, true)
	var shut []string
	for _, g := range gate.Shut(given) {
		shut = append(shut, g.Sentence())
	}
	if err := r.judgeWindow(predicted); err != nil {
		shut = append(shut, err.Error())
	}
	r.report.Gates = slices.Concat(r.own, given)
	if len(shut) > 0 {
		return errors.New(strings.Join(shut, "; ") + "; nothing was stopped")
	}
	return nil
}

// noteGate keeps a gate of the run's own, as it was judged last.
func (r *run) noteGate(g gate.Gate) {
	r.own = append(slices.DeleteFunc(r.own, func(old gate.Gate) bool { return old.Name == g.Name }), g)
}

// judgeWindow says why the cut-over would not lie in the maintenance window whole, if it would not.
func (r *run) judgeWindow(predicted float64) error {
	if r.Window == nil || r.Mode != Plan && r.Mode != Upgrade {
		return nil
	}
	end := r.Window.End()
	g := gate.Gate{
		Name: "window", Verdict: gate.Open, Evidence: []string{},
		Needed: fmt.Sprintf("the cut-over lies between %s and %s", r.Window.Start.In(end.Location()).Format(toTheMinute), end.Format(toTheMinute)),
		Got:    "it is " + r.Now().In(end.Location()).Format(toTheMinute),
	}
	err := r.inWindow(predicted)
	switch {
	case err != nil:
		g.Verdict, g.Got, g.Next = gate.Closed, g.Got+": "+err.Error(), windowRemedy
	case r.Mode == Plan:
		g.Got += "; for a plan it is enough that the window is not over"
	case predicted > 0:
		g.Got += fmt.Sprintf(", and the predicted downtime is at most %.0fs", predicted)
	}
	r.noteGate(g)
	return err
}

// toTheMinute is how a time is told to people.
const toTheMinute = "2006-01-02 15:04 MST"

const windowRemedy = "run in the window, or give another maintenance-window"
