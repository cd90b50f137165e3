package upgrade

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// RollbackProof says that the way back was gone for real, before the way forward that stayed.
type RollbackProof struct {
	Seconds         float64  `json:"seconds"`          // forward and back
	DowntimeSeconds *float64 `json:"downtime_seconds"` // of that, seen from outside, team_seconds in it; null when it was not seen
	// ContentBefore and ContentAfter are digests of the database: after the way back it held what it had held.
	ContentBefore string `json:"content_before"`
	ContentAfter  string `json:"content_after"`
}

// proveRollback goes the way forward up to the opening, back by the very undo steps that a failed
// upgrade takes, and leaves the old version serving its old data. Before the opening, because nobody
// can have written to the new version by then: what users write would stand against going back.
// failed says that the run ends here: its outcome is in the report.
func (r *run) proveRollback(ctx context.Context) (failed bool, err error) {
	steps := r.cutOverSteps()
	open := slices.IndexFunc(steps, func(s Step) bool { return s.Name == openStep })
	defer r.dismissClients() // the second way forward has its own
	began, checked := r.Now(), len(r.report.Checks)
	if err := r.forward(ctx, steps[:open]); err != nil {
		r.explain(ctx, err)
		return true, r.goBack(context.WithoutCancel(ctx), steps, err)
	}
	r.stopClock()
	back := context.WithoutCancel(ctx)
	err = r.undo(back, steps[:open])
	if err == nil {
		err = r.serves(back, r.From)
	}
	if err != nil {
		// Tried once more from where it stands, like the way back of any failed upgrade.
		err = &StepError{Step: "prove the rollback", Err: err}
		r.explain(ctx, err)
		return true, r.goBack(back, steps, err)
	}
	p := &RollbackProof{Seconds: r.Now().Sub(began).Seconds(), ContentBefore: r.report.Content.Before, ContentAfter: *r.report.Content.After}
	if s, err := r.awaitAnswer(back); err == nil {
		p.DowntimeSeconds = &s
	}
	r.probe.Stop()
	// The team's own ran on this way alone: the way back took away what it wrote.
	r.report.RollbackProof, r.report.Checks = p, append(r.report.Checks[:checked:checked], r.teamChecks...)
	// The second way forward takes a final backup of its own: people write to the old version again.
	r.report.Content, r.report.MigrationSeconds, r.probe, r.next = nil, nil, nil, nil
	r.state.FinalBackup, r.state.ContentBefore, r.state.AtOpening = "", "", nil
	return false, r.note(fmt.Sprintf("the rollback is proved: content %s", p.ContentAfter))
}

// forward runs steps of the cut-over; the limit on the downtime begins in the one that stops the old
// server.
func (r *run) forward(ctx context.Context, steps []Step) error {
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.limit = func() *time.Timer {
		return time.AfterFunc(r.MaxDowntime, func() { cancel(fmt.Errorf("%w (%s)", errOverdue, r.MaxDowntime)) })
	}
	return r.engine.run(limited, steps)
}

// stopClock ends the limit on the downtime, so that it never cuts a way back short.
func (r *run) stopClock() {
	if r.overdue != nil {
		r.overdue.Stop()
	}
}
