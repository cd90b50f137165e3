package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// drainPoll is how often the runs are looked at while they are waited for.
const drainPoll = 3 * time.Second

// drain waits until no pipeline runs, after it switched the schedules off that would start more. It
// does nothing without a deadline: then running pipelines refuse the upgrade.
func (r *run) drain(ctx context.Context) (string, error) {
	if r.Drain == 0 {
		return "no drain-timeout: no schedule was held", nil
	}
	others, err := holdSchedules(ctx, r.client, func(id string) error {
		if !slices.Contains(r.state.Held, id) {
			r.state.Held = append(r.state.Held, id)
		}
		return r.note("a schedule is held")
	})
	if err != nil {
		return "", fmt.Errorf("holding schedules: %w", err)
	}
	detail := fmt.Sprintf("%d schedules held", len(r.state.Held)-len(others))
	if len(others) > 0 {
		// They are reported, not refused: what they start before the stop is seen by the last look.
		p := problems(r.report.Problems)
		p.review("schedules_not_held", fmt.Sprintf("the server does not switch these schedules off: %s", strings.Join(shorten(others), ", ")),
			"pause them where they run (the orchestrator), or choose a window in which they do not fire")
		r.report.Problems = p
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.Drain, fmt.Errorf("pipelines still run after drain-timeout (%s)", r.Drain))
	defer cancel()
	tick := time.NewTicker(drainPoll)
	defer tick.Stop()
	for {
		if err := r.readRuns(ctx); err != nil && ctx.Err() == nil {
			return "", fmt.Errorf("looking for running pipelines: %w", err)
		}
		running := r.underway()
		if len(running) == 0 && ctx.Err() == nil {
			return detail + ", nothing runs", nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%w: %s; nothing was stopped", context.Cause(ctx), strings.Join(shorten(running), ", "))
		case <-tick.C:
		}
	}
}

// undrain releases the schedules that were held, on the old version.
func (r *run) undrain(ctx context.Context) (string, error) {
	if len(r.state.Held) == 0 {
		return "no schedule was held", nil
	}
	c, err := r.connect(ctx, r.PublicURL, r.state.From)
	if err != nil {
		return "", fmt.Errorf("releasing schedules: %w", err)
	}
	detail, err := r.release(ctx, c)
	if err == nil {
		r.state.Held = nil
	}
	return detail, err
}

// release switches on again what was held. The list of it stays until nothing can bring the held state
// back: the new version's release goes with a restore of the final backup, in which they are off. It acts on what it finds: twice is as good as once.
func (r *run) release(ctx context.Context, c *zenml.Client) (string, error) {
	n := 0
	var errs []error
	for _, id := range r.state.Held {
		on, err := c.SwitchSchedule(ctx, id, true)
		var status *zenml.StatusError
		switch {
		case errors.As(err, &status) && status.Code == 404:
			continue // deleted meanwhile
		case err == nil && !on:
			err = fmt.Errorf("schedule %s stays off", id)
		case err == nil:
			n++
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return "", fmt.Errorf("releasing schedules: %w", err)
	}
	return fmt.Sprintf("%d schedules released", n), nil
}

// inWindow refuses when the cut-over would not lie in the maintenance window whole. For a plan it is
// enough that the window is not over.
func (r *run) inWindow(predicted float64) error {
	if r.Window == nil {
		return nil
	}
	now := r.Now()
	end := r.Window.End()
	switch {
	case !now.Before(end):
		return fmt.Errorf("the maintenance window ended at %s", end.Format(toTheMinute))
	case r.Mode == Plan:
		return nil
	case now.Before(r.Window.Start):
		return fmt.Errorf("the maintenance window opens at %s", r.Window.Start.In(end.Location()).Format(toTheMinute))
	case now.Add(time.Duration(predicted * float64(time.Second))).After(end):
		return fmt.Errorf("the predicted downtime of %.0fs does not fit into the maintenance window, which ends at %s", predicted, end.Format(toTheMinute))
	}
	return nil
}
