package pyenv

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAnswersAreKeptForTheirTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	x := &Index{Manager: &Manager{UV: "/nonexistent/uv", Dir: t.TempDir()}, Dir: t.TempDir(), Now: func() time.Time { return now }}
	q := Question{Requirements: []string{"a==1"}, Python: "3.11"}
	x.save(x.path("resolve", []any{q, x.Manager.Env, x.uvBuild(), x.state()}), kept{Pins: map[string]string{"a": "1"}})
	if pins, err := x.Resolve(t.Context(), q); err != nil || pins["a"] != "1" {
		t.Errorf("got %v, %v: a young answer is used", pins, err)
	}
	if _, err := x.Resolve(t.Context(), Question{Requirements: []string{"a==2"}, Python: "3.11"}); err == nil {
		t.Error("the answer to another question was used")
	}
	now = now.Add(resolveAge)
	if _, err := x.Resolve(t.Context(), q); err == nil {
		t.Error("an old answer was used")
	}
}

func TestAnOldListingServesOnlyForWhatItLists(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	x := &Index{Manager: &Manager{Pip: "/nonexistent/pip"}, Dir: t.TempDir(), Now: func() time.Time { return now }}
	listed := []string{"0.98.0", "0.85.0"}
	x.save(x.path("versions", []any{"zenml", x.Manager.Env}), kept{Values: listed})
	now = now.Add(100 * versionsAge)
	for _, c := range []struct {
		wanted []string
		want   []string
	}{
		{[]string{"0.98.0"}, listed},
		{[]string{"0.85.0", "0.98.0"}, listed},
		{[]string{"0.85.0", "0.99.0"}, nil},
		{nil, nil},
	} {
		got, err := x.Versions(t.Context(), "zenml", c.wanted...)
		if diff := cmp.Diff(c.want, got); diff != "" || (err == nil) != (c.want != nil) {
			t.Errorf("%v: %v %s", c.wanted, err, diff)
		}
	}
}
