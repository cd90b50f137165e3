package stagingupgrade

import (
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/tracking"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// Tracked is what the tracking issue is to tell.
func (r *Result) Tracked() *action.Track { return r.track }

// tracks notes what this run has to say in the tracking issue. A run that only planned, or did not get as far
// as a verdict, says so and proves nothing.
func (r *Result) tracks(s *settings) {
	if s.track == nil || r.To == nil {
		return
	}
	run := tracking.Run{
		To: *r.To, By: checklist.StagingUpgrade, Proofs: r.proofs(s.env.Kind), Decision: r.Decision, Says: r.headline(), Codes: []string{r.ReasonCode},
		Finished: r.Outcome == upgrade.Upgraded, Figures: r.trackedFigures(), Journal: r.trackedJournal(),
	}
	if r.From != nil {
		run.From = *r.From
	}
	// What breaks is not known here: a release-check makes the whole list.
	list, err := checklist.Make(checklist.Conditions{Deployment: s.deployment, From: run.From, To: run.To}, nil)
	if err == nil {
		run.Phases, _ = tracking.Steps(list)
	}
	r.track = &action.Track{Wish: *s.track, Run: run}
}

// The guide's steps that an upgrade of a server of this kind is.
var serverSteps = map[string][]string{
	"staging":    {"3-server-upgraded", "3-server-healthy", "3-authentication", "3-light-pipelines"},
	"production": {"5-upgrade", "5-breaking-upgrade", "5-smoke"},
}

// proofs are the guide's steps of which this run can say something. None names a host, a path or a table.
func (r *Result) proofs(kind string) []tracking.Proof {
	var out []tracking.Proof
	put := func(state checklist.State, evidence string, elsewhere bool, ids ...string) {
		for _, id := range ids {
			out = append(out, tracking.Proof{Step: id, State: state, Evidence: evidence, Elsewhere: elsewhere})
		}
	}
	if r.Inventory != nil && r.Outcome != upgrade.Planned {
		put(checklist.Done, report.Count(len(r.Inventory), "pipeline")+" listed", false, "1-long-pipelines")
		if n := r.critical(); n > 0 {
			put(checklist.Done, report.Count(n, "critical pipeline")+" named", false, "1-critical-pipelines")
		}
	}
	if b := r.Backup; b != nil && b.Drill != nil && b.Drill.Passed {
		put(checklist.Done, fmt.Sprintf("restored in %.1f s, and the old version ran on it", b.Drill.Seconds), false, "1-database-backup", "1-backup-integrity", "1-restore-tested", "rollback-scripts")
		put(checklist.Done, "the run's result says where", false, "1-backup-documented")
	} else if b != nil && b.Drill != nil {
		put(checklist.Failed, "the restored copy failed its checks", false, "1-backup-integrity", "1-restore-tested")
	}
	server := serverSteps[kind]
	switch r.Outcome {
	case upgrade.Upgraded:
		for _, id := range server {
			if d := r.Differences; id == "3-authentication" && d != nil && len(d.Boundaries) > 0 {
				put(checklist.Open, report.Count(len(d.Boundaries), "request")+" answered otherwise than before", true, id)
				continue
			}
			light := len(r.light) > 0 && len(r.notPassed()) == 0
			if (id != "3-light-pipelines" || light) && (id != "5-smoke" || r.SmokeSeconds != nil) {
				put(checklist.Done, "upgraded, every check passed", kind == "staging", id)
			}
		}
	case upgrade.RolledBack:
		put(checklist.Failed, "rolled back", kind == "staging", server...)
		put(checklist.Done, "the old version serves its old data again", false, "rollback-restore", "rollback-server", "rollback-verify")
		if kind == "staging" {
			put(checklist.Done, "a failed upgrade was rolled back", true, "rollback-tested")
		}
	case upgrade.Frozen:
		put(checklist.Failed, "left for a person to decide", kind == "staging", server...)
	case upgrade.RollbackFailed:
		put(checklist.Failed, "the way back failed too", kind == "staging", server...)
		put(checklist.Failed, "the rollback failed", false, "rollback-restore", "rollback-server", "rollback-verify")
	default: // nothing was done to the server
	}
	return out
}

func (r *Result) critical() int {
	n := 0
	for _, p := range r.Inventory {
		if p.Critical {
			n++
		}
	}
	return n
}

// trackedFigures is the report that an upgrade's issue is closed with.
func (r *Result) trackedFigures() []tracking.Figure {
	if r.Outcome != upgrade.Upgraded {
		return nil
	}
	out := []tracking.Figure{
		{Name: "Downtime, seen from outside", Value: measured(r.DowntimeSeconds)},
		{Name: "Downtime predicted by the rehearsal", Value: measured(r.PredictedDowntimeSeconds)},
		{Name: "Migration of the real database", Value: measured(r.MigrationSeconds)},
		{Name: r.smokeFigure(), Value: measured(r.SmokeSeconds)},
	}
	passed, skipped := 0, 0
	for _, c := range r.Checks {
		switch c.Status {
		case upgrade.Passed:
			passed++
		case upgrade.Skipped:
			skipped++
		default: // a failed check rolls back
		}
	}
	out = append(out, tracking.Figure{Name: "Checks of the new version", Value: fmt.Sprintf("%d passed, %d skipped", passed, skipped)})
	if b := r.Backup; b != nil && b.Drill != nil && b.Drill.Passed {
		out = append(out, tracking.Figure{Name: "Backup", Value: fmt.Sprintf("%d bytes, restored in %.1f s", b.Bytes, b.Drill.Seconds)})
	}
	if a := r.Artifacts; a != nil {
		out = append(out, tracking.Figure{Name: "Artifacts loaded by both versions, same value", Value: fmt.Sprintf("%d of %d tried", a.Same, a.Tried)})
	}
	return out
}

// trackedJournal is how the steps of a run that may change the server ended, without their details: those may
// name hosts, paths and tables.
func (r *Result) trackedJournal() []tracking.Entry {
	if r.Mode != upgrade.Upgrade && r.Mode != upgrade.Rollback {
		return nil
	}
	out := make([]tracking.Entry, 0, len(r.Steps))
	for _, s := range r.Steps {
		e := tracking.Entry{Step: s.Name, Status: string(s.Status), Seconds: s.Seconds}
		if s.StartedAt != nil {
			e.At = *s.StartedAt
		}
		out = append(out, e)
	}
	return out
}

func measured(seconds *float64) string {
	if seconds == nil {
		return "not measured"
	}
	return fmt.Sprintf("%.1f s", *seconds)
}
