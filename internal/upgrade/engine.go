// Package upgrade carries out a staged upgrade: a list of steps, each journalled before and after,
// undone in reverse when one fails. It knows no database and no driver by name.
package upgrade

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/progress"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
)

// Step is one piece of the upgrade. Do and Undo work on the run's State, which is on disk before
// Do begins and after it ends: an undo needs nothing that only a living process knows.
type Step struct {
	Name  string
	Phase string // of the guide: "backup", "testing", "staging", "production"
	Do    func(ctx context.Context) (detail string, err error)
	Undo  func(ctx context.Context) (detail string, err error) // nil: nothing to undo
}

// Status says how a step ended.
type Status string

// The statuses of result.json's steps[].
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
	Undone  Status = "undone"
)

// StepResult is one entry of result.json's steps[].
type StepResult struct {
	Name      string     `json:"name"`
	Phase     string     `json:"phase"`
	Status    Status     `json:"status"`
	StartedAt *time.Time `json:"started_at"` // null for a step that was not reached
	Seconds   float64    `json:"seconds"`
	Detail    string     `json:"detail"`
}

// engine runs steps. It keeps what happened for the report.
type engine struct {
	journal  *journal.Journal
	progress *progress.Display
	now      func() time.Time
	watch    func(e journal.Entry, written bool) // Options.Watch
	state    *State
	results  []StepResult
	undone   map[string]bool // steps that were taken back, also by an earlier process
}

// StepError says which step failed.
type StepError struct {
	Step string
	Err  error
}

func (e *StepError) Error() string { return fmt.Sprintf("step %q: %v", e.Step, e.Err) }
func (e *StepError) Unwrap() error { return e.Err }

// run does the steps in order and stops at the first that fails. Nothing is retried.
func (e *engine) run(ctx context.Context, steps []Step) error {
	for i, s := range steps {
		if err := e.do(ctx, s); err != nil {
			for _, rest := range steps[i+1:] {
				e.results = append(e.results, StepResult{Name: rest.Name, Phase: rest.Phase, Status: Skipped, Detail: "not reached"})
			}
			return &StepError{Step: s.Name, Err: err}
		}
	}
	return nil
}

func (e *engine) do(ctx context.Context, s Step) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if err := e.write(s, journal.Begin, ""); err != nil {
		return err
	}
	delete(e.undone, s.Name) // done anew, it can be taken back anew
	began := e.now()
	shown := e.progress.Start(s.Name)
	detail, err := s.Do(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err) // a limit that was passed says more than what it cut off
	}
	r := StepResult{Name: s.Name, Phase: s.Phase, Status: Passed, StartedAt: &began, Seconds: e.now().Sub(began).Seconds(), Detail: detail}
	event := journal.Done
	if err != nil {
		r.Status, r.Detail, event = Failed, err.Error(), journal.Failed
		shown.Fail(r.Detail)
	} else {
		shown.Done(detail)
	}
	e.results = append(e.results, r)
	return errors.Join(err, e.write(s, event, r.Detail))
}

// undo takes the steps back in reverse, as far as they began. A failed undo stops it: what comes
// before must not act on a state nobody knows.
func (e *engine) undo(ctx context.Context, steps []Step) error {
	for i := len(steps) - 1; i >= 0; i-- {
		s := steps[i]
		// What was taken back stays so: once the old version serves, a second restore would cost
		// what was written since.
		if s.Undo == nil || !e.began(s.Name) || e.undone[s.Name] {
			continue
		}
		if err := e.write(s, journal.UndoBegin, ""); err != nil {
			return err
		}
		began := e.now()
		shown := e.progress.Start("undo " + s.Name)
		detail, err := s.Undo(ctx)
		r := StepResult{Name: "undo " + s.Name, Phase: "rollback", Status: Undone, StartedAt: &began, Seconds: e.now().Sub(began).Seconds(), Detail: detail}
		if err != nil {
			r.Status, r.Detail = Failed, err.Error()
			e.results = append(e.results, r)
			shown.Fail(r.Detail)
			return &StepError{Step: "undo " + s.Name, Err: err}
		}
		shown.Done(detail)
		e.results = append(e.results, r)
		e.mark(s.Name)
		if err := e.write(s, journal.Undone, detail); err != nil {
			return err
		}
	}
	return nil
}

// began says whether a step was begun in this run or in the interrupted one that is recovered.
func (e *engine) began(name string) bool {
	for _, r := range e.results {
		if r.Name == name && (r.Status == Passed || r.Status == Failed) {
			return true
		}
	}
	return false
}

// mark notes that a step was taken back. The report shows it, unless the step is the one that failed.
func (e *engine) mark(name string) {
	if e.undone == nil {
		e.undone = map[string]bool{}
	}
	e.undone[name] = true
	for i, r := range e.results {
		if r.Name == name && r.Status == Passed {
			e.results[i].Status = Undone
		}
	}
}

// note puts the state on the disk in the middle of a step.
func (e *engine) note(detail string) error { return e.write(Step{Name: "run"}, journal.Note, detail) }

func (e *engine) write(s Step, event journal.Event, detail string) error {
	entry := journal.Entry{Step: s.Name, Phase: s.Phase, Event: event, Detail: detail}
	if e.watch != nil {
		e.watch(entry, false)
	}
	if err := e.journal.Append(entry, e.state); err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	if e.watch != nil {
		e.watch(entry, true)
	}
	return nil
}
