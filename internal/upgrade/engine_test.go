package upgrade

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
)

// traced makes steps that note what was done and undone.
func traced(trace *[]string, names ...string) []Step {
	var steps []Step
	for _, n := range names {
		steps = append(steps, Step{
			Name: n, Phase: "staging",
			Do:   func(context.Context) (string, error) { *trace = append(*trace, n); return "", nil },
			Undo: func(context.Context) (string, error) { *trace = append(*trace, "undo "+n); return "", nil },
		})
	}
	return steps
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	j, err := journal.Create(t.TempDir(), "run", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return &engine{journal: j, now: time.Now, state: &State{RunID: "run"}}
}

func TestUndoRunsInReverseFromTheStepThatFailed(t *testing.T) {
	t.Parallel()
	var trace []string
	steps := traced(&trace, "a", "b", "c", "d")
	broken := errors.New("broken")
	steps[2].Do = func(context.Context) (string, error) { return "", broken }
	e := newEngine(t)
	var failed *StepError
	if err := e.run(t.Context(), steps); !errors.As(err, &failed) || failed.Step != "c" || !errors.Is(err, broken) {
		t.Fatalf("run: %v", err)
	}
	if err := e.undo(t.Context(), steps); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "undo c", "undo b", "undo a"}, trace); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, r := range e.results {
		got = append(got, r.Name+" "+string(r.Status))
	}
	want := []string{"a undone", "b undone", "c failed", "d skipped", "undo c undone", "undo b undone", "undo a undone"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUndoStopsWhereItFails(t *testing.T) {
	t.Parallel()
	var trace []string
	steps := traced(&trace, "a", "b", "c")
	steps[1].Undo = func(context.Context) (string, error) { return "", errors.New("stuck") }
	e := newEngine(t)
	if err := e.run(t.Context(), steps); err != nil {
		t.Fatal(err)
	}
	if err := e.undo(t.Context(), steps); err == nil {
		t.Error("a failed undo was not reported")
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "undo c"}, trace); diff != "" {
		t.Error(diff)
	}
}

func TestJournalTellsALaterProcessWhichStepsBegan(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := journal.Create(dir, "20261125T100000.000Z", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{journal: j, now: time.Now, state: &State{RunID: "20261125T100000.000Z", From: "0.85.0"}}
	steps := []Step{{Name: stopStep}, {Name: openStep}}
	if err := e.write(steps[0], journal.Begin, ""); err != nil {
		t.Fatal(err)
	}
	e.state.FinalBackup = "somewhere"
	if err := errors.Join(e.write(steps[0], journal.Done, ""), e.write(steps[1], journal.Begin, ""), j.Close()); err != nil {
		t.Fatal(err)
	}

	last, err := journal.Last(dir)
	if err != nil || last == nil || last.Finished() {
		t.Fatalf("last run: %v, %v", last, err)
	}
	r := &run{Options: Options{Now: time.Now, StateDir: dir}}
	if err := r.resume(last); err != nil {
		t.Fatal(err)
	}
	defer r.journal.Close()
	if !r.began(stopStep) || !r.began(openStep) || r.state.FinalBackup != "somewhere" || !r.state.Opened {
		t.Errorf("resumed: results %v, state %+v", r.results, r.state)
	}
	if done, _ := r.harmless(); done {
		t.Error("a run cut off while opening was called harmless")
	}
}

// A rollback that was cut off goes on where it stood: nothing is restored over what the old version
// wrote since. Only whether that version still serves is looked at again.
func TestWhatWasTakenBackIsNotTakenBackAgain(t *testing.T) {
	t.Parallel()
	var trace []string
	steps := traced(&trace, "a", stopStep, "migrate", openStep)
	r := &run{engine: *newEngine(t)}
	for _, s := range steps {
		r.replay(journal.Entry{Step: s.Name, Event: journal.Begin})
	}
	for _, name := range []string{openStep, "migrate", stopStep} {
		r.replay(journal.Entry{Step: name, Event: journal.UndoBegin})
		r.replay(journal.Entry{Step: name, Event: journal.Undone})
	}
	r.replay(journal.Entry{Step: "a", Event: journal.UndoBegin})
	if err := r.undo(t.Context(), steps); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"undo " + stopStep, "undo a"}, trace); diff != "" {
		t.Error(diff)
	}
}

// What was taken back and done anew is taken back again, by the process that did it and by a later one
// that knows of it from the journal.
func TestWhatIsDoneAnewIsTakenBackAnew(t *testing.T) {
	t.Parallel()
	var trace []string
	steps := traced(&trace, "a", "migrate", "check")
	e := newEngine(t)
	if err := errors.Join(e.run(t.Context(), steps), e.undo(t.Context(), steps), e.run(t.Context(), steps[:2])); err != nil {
		t.Fatal(err)
	}
	trace = nil
	if err := e.undo(t.Context(), steps); err != nil {
		t.Fatal(err)
	}
	want := []string{"undo migrate", "undo a"} // check was not done anew
	if diff := cmp.Diff(want, trace); diff != "" {
		t.Error(diff)
	}

	trace = nil
	r := &run{engine: *newEngine(t)}
	entry := func(event journal.Event, names ...string) {
		for _, name := range names {
			r.replay(journal.Entry{Step: name, Event: event, Time: time.Now()})
			if event == journal.Begin {
				r.replay(journal.Entry{Step: name, Event: journal.Done, Time: time.Now()})
			}
		}
	}
	entry(journal.Begin, "a", "migrate", "check")
	entry(journal.Undone, "check", "migrate", "a")
	entry(journal.Begin, "a")
	r.replay(journal.Entry{Step: "migrate", Event: journal.Begin, Time: time.Now()}) // killed in it
	if err := r.undo(t.Context(), steps); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, trace); diff != "" {
		t.Errorf("by a later process: %s", diff)
	}
}
