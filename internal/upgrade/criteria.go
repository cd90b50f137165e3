package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
)

// The causes that a configuration can name apart from a failed step.
var (
	errOverdue = errors.New("the downtime passed max-downtime")
	errSmoke   = errors.New("the smoke pipeline")
	errAnswers = errors.New("the opened server does not answer")
)

// What may follow a failure.
const (
	wayRestore = "restore"
	wayFreeze  = "freeze"
	wayForward = "roll-forward"
)

// Criteria say what follows a failure in the cut-over, by what failed: restore, which an empty one is
// too, freeze or roll-forward.
type Criteria struct {
	config.Rollback
	ErrorShare float64       // of unanswered questions
	Watched    time.Duration // after the opening; 0: not at all
}

// way chooses what follows a failure.
func (r *run) way(cause error) string {
	c := r.Criteria
	chosen := c.FailedStep
	switch {
	case r.KeepBroken:
		chosen = wayFreeze
	case errors.Is(cause, errOverdue):
		chosen = c.Downtime
	case errors.Is(cause, errAnswers):
		chosen = c.ErrorRate
	case errors.Is(cause, errSmoke):
		chosen = c.FailedSmoke
	}
	if chosen == "" || r.Mode == Rollback {
		return wayRestore
	}
	return chosen
}

// forwards says whether some failure leads to the patch.
func (r *run) forwards() bool {
	c := r.Criteria
	return c.Patch != "" && !r.KeepBroken && slices.Contains([]string{c.FailedStep, c.FailedSmoke, c.Downtime, c.ErrorRate}, wayForward)
}

// watchOpened asks the opened server from outside for a while.
func (r *run) watchOpened(ctx context.Context) (string, error) {
	r.probe.Count()
	timer := time.NewTimer(r.Criteria.Watched)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	failed, asked := r.probe.Unanswered()
	share := float64(failed) / float64(max(asked, 1))
	if asked == 0 || share > r.Criteria.ErrorShare {
		return "", fmt.Errorf("%w: %d of %d questions went unanswered, more than %.3g", errAnswers, failed, asked, r.Criteria.ErrorShare)
	}
	return fmt.Sprintf("%d of %d questions unanswered", failed, asked), nil
}
