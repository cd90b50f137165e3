package upgrade

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ownCode is a team's code of which is noted when it ran.
type ownCode struct {
	ran   []string // addresses
	ready []string // versions
	fails error
	look  func() // while it runs
}

func (o *ownCode) Prepare(_ context.Context, v string) error {
	o.ready = append(o.ready, v)
	return nil
}

func (o *ownCode) Run(_ context.Context, address, _ string) ([]Check, error) {
	o.ran = append(o.ran, address)
	if o.look != nil {
		o.look()
	}
	return []Check{{Name: "pipeline:train", Status: Passed}}, o.fails
}

// aside is a server of which only the private address is asked.
type aside struct{ Server }

func (aside) PrivateURL() string { return "private" }

// withTeam is a run whose new server serves on its private address.
func withTeam(kind string, o *ownCode) *run {
	clock := time.Unix(0, 0)
	return &run{next: aside{}, Options: Options{Team: o, Kind: kind, To: "0.98.0", Now: func() time.Time {
		clock = clock.Add(time.Second)
		return clock
	}}}
}

func TestTheTeamsOwnRunsOncePerVersionAndNeverOnProduction(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]int{"staging": 2, "development": 2, "production": 0} {
		o := &ownCode{}
		r := withTeam(kind, o)
		for _, v := range []string{"0.98.0", "0.98.0", "0.98.1"} { // the way that is gone back, the one that stays, a patch
			r.To = v
			if err := errors.Join(r.readyTeam(t.Context()), r.runTeam(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		if len(o.ran) != want || len(o.ready) != want || len(r.report.Checks) != want {
			t.Errorf("%s: ran at %q, ready %q, checks %v; want %d", kind, o.ran, o.ready, r.report.Checks, want)
		}
		if s := r.report.TeamSeconds; want == 0 && s != nil || want > 0 && (s == nil || *s != 2) {
			t.Errorf("%s: %v seconds, want the sum of both", kind, s)
		}
	}
}

func TestWhatFailsOfTheTeamsOwnIsTriedAgainAndTold(t *testing.T) {
	t.Parallel()
	o := &ownCode{fails: &TeamError{What: "pipeline:train failed", Log: "the end"}}
	r := withTeam("staging", o)
	err := r.runTeam(t.Context())
	if again := r.runTeam(t.Context()); !errors.Is(err, o.fails) || !errors.Is(again, o.fails) || len(o.ran) != 2 {
		t.Errorf("%v, then %v, ran %d times", err, again, len(o.ran))
	}
	want := Check{Name: "pipeline:train", Status: Passed, Server: "real"}
	if d := cmp.Diff([]Check{want, want}, r.report.Checks); d != "" {
		t.Error(d)
	}
}

// The limit on the downtime is stopped while the team's own runs, and goes on then. One that has passed ends
// the run before.
func TestTheLimitOnTheDowntimeWaitsForTheTeamsOwn(t *testing.T) {
	t.Parallel()
	o := &ownCode{}
	r := withTeam("staging", o)
	ctx, cancel := context.WithCancelCause(t.Context())
	r.overdue, r.due = time.AfterFunc(time.Hour, func() { cancel(errOverdue) }), r.Now().Add(time.Hour)
	counted := true
	o.look = func() { counted = r.overdue.Stop() }
	if err := r.runTeam(ctx); err != nil || counted {
		t.Errorf("the limit was counted: %v, %v", counted, err)
	}
	if !r.overdue.Stop() {
		t.Error("the limit does not go on")
	}
	cancel(errOverdue)
	r.teamPassed = ""
	if err := r.runTeam(ctx); !errors.Is(err, errOverdue) || len(o.ran) != 1 {
		t.Errorf("%v, ran %d times", err, len(o.ran))
	}
}
