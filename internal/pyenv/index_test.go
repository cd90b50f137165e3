package pyenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
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

// counting is an index whose uv answers with these words and notes each start in the file it returns.
func counting(t *testing.T, script string) (*Index, func() int) {
	t.Helper()
	dir := t.TempDir()
	starts := filepath.Join(dir, "starts")
	uv := filepath.Join(dir, "uv")
	text := fmt.Sprintf("#!/bin/sh\necho x >>%s\n%s\n", starts, script)
	if err := os.WriteFile(uv, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	x := &Index{Manager: &Manager{UV: uv, Dir: dir, Env: []string{"PATH=/usr/bin:/bin"}}, Dir: dir, Now: time.Now}
	return x, func() int {
		data, _ := os.ReadFile(starts) // not there: never started
		return strings.Count(string(data), "x")
	}
}

func TestWhatManyAskIsAskedOnce(t *testing.T) {
	t.Parallel()
	x, starts := counting(t, "sleep 0.2; echo click==8.3.3")
	var group errgroup.Group
	for range 20 {
		group.Go(func() error {
			pins, err := x.Resolve(t.Context(), Question{Requirements: []string{"click"}})
			if err == nil && pins["click"] != "8.3.3" {
				err = fmt.Errorf("got %v", pins)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil || starts() != 1 {
		t.Errorf("%d starts, %v", starts(), err)
	}
	if _, err := x.Resolve(t.Context(), Question{Requirements: []string{"click"}, Lowest: true}); err != nil || starts() != 2 {
		t.Errorf("another question: %d starts, %v", starts(), err)
	}
	x.save(x.path("versions", []any{"zenml", x.Manager.Env}), kept{Values: []string{"9.9.9"}})
	if _, err := x.Resolve(t.Context(), Question{Requirements: []string{"click"}}); err != nil || starts() != 3 {
		t.Errorf("another state of the index: %d starts, %v", starts(), err)
	}
}

func TestASilentIndexIsAskedOnce(t *testing.T) {
	t.Parallel()
	x, starts := counting(t, "echo 'error: Failed to fetch: x' >&2; exit 2")
	for i := range 3 {
		_, err := x.Resolve(t.Context(), Question{Requirements: []string{"a"}, Python: fmt.Sprint("3.", i)})
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.NoVerdict || starts() != 1 {
			t.Errorf("%d starts, %v", starts(), err)
		}
	}
}
