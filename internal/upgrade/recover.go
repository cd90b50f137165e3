package upgrade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
)

// unfinishedRun is what stands against a new run while an older one waits for its end.
func unfinishedRun(last *journal.Record) Problem {
	return Problem{
		Code: "unfinished_run", Blocks: true,
		What:   fmt.Sprintf("run %s has not ended; its journal is %q", last.Run(), last.Path),
		Remedy: "run mode upgrade or rollback: it puts back what that run left, before anything else",
	}
}

// recover looks for a run that was cut off. One that had not reached the real server is closed and
// forgotten; one that had is put back, and this run ends there. It says whether this run ends.
func (r *run) recover(ctx context.Context) (bool, error) {
	last, err := journal.Last(r.StateDir)
	if err != nil || last == nil || last.Finished() {
		return false, err
	}
	if err := r.resume(last); err != nil {
		return true, err
	}
	defer r.journal.Close()
	if r.state.Database != "" && r.state.Database != r.DB.URL() {
		p := unfinishedRun(last)
		p.What += fmt.Sprintf(", and it is about another database: %s", r.state.Database)
		p.Remedy = "give each database a state-dir of its own, or end that run first with its own database-url"
		r.refuse(p)
		return true, nil
	}
	byHand := r.state.ByHand && r.began(endNewStep) && !r.undone[endNewStep]
	harmless, why := r.harmless()
	harmless = harmless && !byHand
	if !harmless && r.Mode != Upgrade && r.Mode != Rollback {
		r.refuse(unfinishedRun(last))
		return true, nil
	}
	if !r.state.Opened { // an opened server may be in use: only withdraw may judge it
		if _, err := r.endChildren(ctx); err != nil {
			return true, err
		}
	}
	err = errors.Join(r.dropCopy(context.WithoutCancel(ctx)), database.SweepScratch(filepath.Join(r.StateDir, r.state.RunID)))
	if err != nil {
		return true, err
	}
	if harmless && !r.state.Opened && len(r.state.Held) > 0 { // cut off while it waited for pipelines
		if _, err := r.undrain(context.WithoutCancel(ctx)); err != nil {
			return true, err
		}
	}
	if harmless {
		return false, r.write(Step{Name: "run"}, journal.End, why)
	}
	switch {
	case byHand:
		return true, r.finishByHand(ctx)
	case r.Mode == Rollback && r.state.Opened:
		return false, nil // whoever asks for it decides what a run of its own does not
	}
	r.From = r.state.From
	if m, err := database.Verify(ctx, r.state.FinalBackup); err == nil { // else the restore says so
		r.report.Backup = backupOf(m)
	}
	cause := &StepError{Step: r.results[len(r.results)-1].Name, Err: fmt.Errorf("run %s was cut off in it", r.state.RunID)}
	r.explain(ctx, cause)
	// How the way back ended stands in the report; it is no failure to form a verdict.
	_ = r.goBack(context.WithoutCancel(ctx), append(r.cutOverSteps(), r.forwardSteps()...), cause)
	r.report.Steps = r.results
	return true, r.end()
}

// harmless says whether an unfinished run left nothing to put back.
func (r *run) harmless() (bool, string) {
	var last StepResult
	if n := len(r.results); n > 0 {
		last = r.results[n-1]
	}
	switch {
	case !r.began(stopStep):
		return true, "cut off before it touched anything"
	case (last.Name == openStep || last.Name == publicStep || last.Name == forwardOpenStep) && last.Status == Passed:
		return true, "cut off after the upgrade was complete"
	case last.Name == watchStep && (last.Status == Passed || last.Detail == cutOff):
		return true, "cut off while the opened server was watched, or after that"
	}
	return false, ""
}

// cutOff is the detail of a step that was begun and of whose end the journal does not tell.
const cutOff = "cut off"

// resume takes the state and the begun steps of an unfinished run out of its journal.
func (r *run) resume(last *journal.Record) error {
	j, last, err := journal.Resume(last.Path, r.Now)
	if err != nil {
		return fmt.Errorf("opening the journal of an unfinished run: %w", err)
	}
	if err := j.HeldBy(r.holder()); err != nil {
		return errors.Join(err, j.Close())
	}
	r.journal, r.state = j, &State{RunID: last.Run()}
	for _, e := range last.Entries {
		if len(e.State) > 0 {
			if err := json.Unmarshal(e.State, r.state); err != nil {
				return errors.Join(fmt.Errorf("reading the journal of run %s: %w", last.Run(), err), j.Close())
			}
		}
		r.replay(e)
	}
	// The entry that begins a step holds the state before it: the opening may have happened.
	r.state.Opened = r.state.Opened || r.began(openStep) || r.began(forwardOpenStep)
	return nil
}

// lastState is the state after a run's newest entry.
func lastState(run *journal.Record) (State, error) {
	var s State
	last := run.Entries[len(run.Entries)-1]
	if len(last.State) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(last.State, &s); err != nil {
		return s, fmt.Errorf("reading the journal of run %s: %w", run.Run(), err)
	}
	return s, nil
}

// replay rebuilds the report's steps. A step that was begun and did not end counts as failed: it
// may have had its effect.
func (r *run) replay(e journal.Entry) {
	switch e.Event {
	case journal.Begin:
		at := e.Time
		delete(r.undone, e.Step)
		r.results = append(r.results, StepResult{Name: e.Step, Phase: e.Phase, Status: Failed, StartedAt: &at, Detail: cutOff})
	case journal.Done, journal.Failed:
		last := &r.results[len(r.results)-1]
		last.Detail, last.Seconds = e.Detail, e.Time.Sub(*last.StartedAt).Seconds()
		if e.Event == journal.Done {
			last.Status = Passed
		}
	case journal.Undone:
		if e.Step != stopStep { // the old version may have ended again since
			r.mark(e.Step)
		}
	default: // an undo that was begun is done again: it acts on what it finds
	}
}
