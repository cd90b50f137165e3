package upgrade

import (
	"context"
	"errors"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
)

// judgeGates asks the gates in the preflight. Those that let nothing through stand against the upgrade
// like everything else that does.
func (r *run) judgeGates(ctx context.Context) {
	if r.Gates == nil {
		return
	}
	p := problems(r.report.Problems)
	r.report.Gates = r.Gates(ctx, len(p.blocking()) == 0)
	for _, g := range gate.Shut(r.report.Gates) {
		p.block("gate_"+g.Name, g.Sentence(), g.Next)
	}
	r.report.Problems = p
}

// gatesStillOpen asks the gates again, for the rehearsal takes its time.
func (r *run) gatesStillOpen(ctx context.Context) error {
	if r.Gates == nil {
		return nil
	}
	r.report.Gates = r.Gates(ctx, true)
	var shut []string
	for _, g := range gate.Shut(r.report.Gates) {
		shut = append(shut, g.Sentence())
	}
	if len(shut) > 0 {
		return errors.New(strings.Join(shut, "; ") + "; nothing was stopped")
	}
	return nil
}
