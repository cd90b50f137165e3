package upgrade

import (
	"context"
	"errors"
	"fmt"
)

const forwardOpenStep = "open the patch to the public"

// forwardSteps lead from a failed cut-over to the patch that the configuration names. What fails in
// them is taken back together with the cut-over's own steps.
func (r *run) forwardSteps() []Step {
	const phase = "rollback"
	return []Step{
		{Name: "end the failed version", Phase: phase, Do: r.endFailed},
		{Name: "load the patch", Phase: phase, Do: r.loadNext},
		{Name: "migrate to the patch", Phase: phase, Do: r.migrate},
		{Name: "check the patch in private", Phase: phase, Do: r.checkPrivate},
		{Name: forwardOpenStep, Phase: phase, Do: r.open, Undo: r.withdraw},
	}
}

// rehearsePatch proves the way to the patch on a copy of its own: nothing is rolled forward to what
// nobody tried.
func (r *run) rehearsePatch(ctx context.Context) (_ string, err error) {
	if err := r.dropCopy(context.WithoutCancel(ctx)); err != nil {
		return "", err
	}
	drill := *r.report.Backup.Drill
	defer func() { r.report.Backup.Drill = &drill }() // it is about the drill's own copy
	if err := r.makeCopy(ctx, r.state.BackupPath); err != nil {
		return "", err
	}
	if _, err := r.quieten(ctx); err != nil {
		return "", err
	}
	defer r.aim(r.To)
	r.aim(r.Criteria.Patch)
	times := r.timing
	defer func() { r.timing = times }()
	if err := r.readyTeam(ctx); err != nil { // what it installs is kept: then it is not installed in the downtime
		return "", err
	}
	err = r.onCopy(ctx, World{Version: r.To}, func(s Server) error {
		revision, err := r.copy.DB.Revision(ctx)
		if err != nil {
			return err
		}
		return r.check(ctx, s.PrivateURL(), revision)
	})
	if err != nil {
		return "", fmt.Errorf("%s on the restored copy: %w", r.To, err)
	}
	return r.To + " passed every check on a copy", nil
}

// aim makes a version the one that the run leads to.
func (r *run) aim(v string) { r.To, r.report.Target = v, v }

// goForward tries the patch in place of the version that failed. Its error says why it must be gone
// back after all.
func (r *run) goForward(ctx context.Context) error {
	r.dismissClients() // of the version that failed
	r.aim(r.Criteria.Patch)
	r.state.To = r.To
	if err := r.engine.run(ctx, r.forwardSteps()); err != nil {
		return err
	}
	r.report.Outcome = RolledForward
	r.report.Failure.Advice = fmt.Sprintf("%s, which was rehearsed for this, serves in its place; everything passed its checks", r.To)
	return nil
}

// endFailed ends the version that failed. A migration that stopped half-way is taken back first: no
// later version can go on with it.
func (r *run) endFailed(ctx context.Context) (string, error) {
	if r.began(openStep) && r.state.Opened {
		// From here on nobody reaches it; what people wrote through it is kept, for the patch goes on with it.
		if _, err := r.endNext(ctx); err != nil {
			return "", err
		}
		lines, _, err := r.writtenSinceOpening(ctx)
		if err != nil {
			return "", err
		}
		// Kept apart: the patch's own opening is measured anew, and no way back may forget this.
		r.state.Written = lines
	}
	revision, err := r.DB.Revision(ctx)
	if err == nil && (revision == revisionOf(r.asked) || revision == r.state.From) {
		_, err = r.endNext(ctx)
		return "ended; the database is whole at " + revision, err
	}
	if r.state.Opened {
		return "", errors.Join(fmt.Errorf("the database is at revision %q, and the address was open: nothing is restored over what people wrote", revision), err)
	}
	detail, err := r.restore(ctx)
	return "ended; restored: " + detail, err
}
