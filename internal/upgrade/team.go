package upgrade

import (
	"context"
	"fmt"
)

// runsTeam says whether the team's own code is run on this version still. With a proof of the rollback it
// runs on the way that is gone back, which takes away exactly what it wrote, and not once more on the way
// that stays. A patch that is rolled forward to is another version.
func (r *run) runsTeam() bool {
	return r.Team != nil && r.Kind != "production" && r.teamPassed != r.To
}

func (r *run) readyTeam(ctx context.Context) error {
	if !r.runsTeam() {
		return nil
	}
	if err := r.Team.Prepare(ctx, r.To); err != nil {
		return fmt.Errorf("preparing the team's pipelines for %s: %w", r.To, err)
	}
	return nil
}

// runTeam runs the team's own on the new server, which nobody else reaches yet. The limit on the downtime
// is one for the upgrade: it waits meanwhile.
func (r *run) runTeam(ctx context.Context) error {
	if !r.runsTeam() {
		return nil
	}
	began := r.Now()
	counting := r.overdue != nil && r.overdue.Stop()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	checks, err := r.Team.Run(ctx, r.next.PrivateURL(), r.APIKey)
	if counting {
		r.overdue.Reset(max(0, r.due.Sub(began)))
	}
	for i := range checks {
		checks[i].Server = "real"
	}
	s := r.Now().Sub(began).Seconds()
	if r.report.TeamSeconds != nil {
		s += *r.report.TeamSeconds
	}
	r.report.TeamSeconds, r.report.Checks = &s, append(r.report.Checks, checks...)
	if err != nil {
		return err
	}
	r.teamPassed, r.teamChecks = r.To, checks
	return nil
}
