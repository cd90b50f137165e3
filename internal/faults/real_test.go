package faults

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/standin"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
)

// realWorld is a real ZenML server of the old version with content, as a site.
func realWorld(t *testing.T) *standin.Site {
	t.Helper()
	return standin.Around(t, world.Of(t, standin.Old))
}

// moments are the kill points of a run: before and after each of its entries.
func moments(entries []string) []string {
	var out []string
	for _, e := range entries {
		e = strings.ReplaceAll(e, "\t", " ")
		out = append(out, "before "+e, "after "+e)
	}
	return out
}

// touched says whether a run that is killed at a point has to be put back.
func touched(points []string, point string) bool {
	at := slices.Index(points, point)
	return at >= slices.Index(points, "after stop the old server begin") && at < slices.Index(points, "after open to the public done")
}

// With real ZenML: runs that are killed before they touch anything are forgotten by the next one, and
// one that is killed in the cut-over is put back by the next one, though that is killed twice itself.
// The points rotate with the date. One world serves all of them, for each leaves it as it was.
func TestRealServersKilled(t *testing.T) {
	t.Parallel()
	s := realWorld(t)
	old := s.Content(t)
	points := moments(entries(t, standin.SQLite, scenarios[0]))
	back := moments(entries(t, standin.SQLite, scenarios[2]))
	back = back[:len(back)-2] // after the end nothing is left to recover
	var early, late []string
	for _, p := range points[:slices.Index(points, "after open to the public done")] {
		if touched(points, p) {
			late = append(late, p)
		} else {
			early = append(early, p)
		}
	}
	early = early[:slices.Index(early, "before rehearsal done")] // what comes after costs a rehearsal and is much the same
	count := 0
	for _, p := range sample(early, 3, "early") {
		count++
		dies(t, s, p)
		dies(t, s, "after preflight begin") // the next run: it has looked at what the first one left
		if s.Version() != standin.Old {
			t.Errorf("killed %s: %q serves", p, s.Version())
		}
	}
	for _, p := range sample(late, 1, "late") {
		count += 3
		dies(t, s, p)
		twice := sample(back, 2, "back")
		slices.SortFunc(twice, func(a, b string) int { return slices.Index(back, a) - slices.Index(back, b) })
		r := standin.Ran{Exit: -1}
		for _, b := range append(twice, "never") { // a way back that does not come to a point goes on to its end
			if r.Exit == -1 {
				r = s.Run(t, "upgrade", nil, killEnv+"="+b)
			}
		}
		if r.Exit != 4 || r.Result.Outcome != "rolled_back" {
			t.Errorf("killed %s, then %v: exit %d, %s\n%s", p, twice, r.Exit, r.Result.Outcome, r.Told)
		}
		if s.Version() != standin.Old {
			t.Errorf("killed %s, then %v: %q serves", p, twice, s.Version())
		}
	}
	if diff := old.Diff(s.Content(t)); len(diff) > 0 {
		t.Errorf("the data is not the old: %v", diff)
	}
	clean(t, s)
	t.Logf("size: kill points with real ZenML: %d of %d, seed %s, full: %v", count, len(points)+len(back), seed(), os.Getenv("ZENML_UPGRADE_FULL") != "")
}

func dies(t *testing.T, s *standin.Site, point string) {
	t.Helper()
	if r := s.Run(t, "upgrade", nil, killEnv+"="+point); r.Exit != -1 {
		t.Fatalf("the run was not killed %s: exit %d\n%s", point, r.Exit, r.Told)
	}
}
