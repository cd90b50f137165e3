package faults

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/standin"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
)

// moments are the kill points of a run: before and after each of its entries.
func moments(entries []string) []string {
	var out []string
	for _, e := range entries {
		e = strings.ReplaceAll(e, "\t", " ")
		out = append(out, "before "+e, "after "+e)
	}
	return out
}

// points are the kill points of an upgrade by what has to follow, those of the way back, and of one by hand.
type points struct{ early, late, opened, back, byHand []string }

// learnPoints takes them from runs of a stand-in: real ZenML is upgraded by the same entries.
func learnPoints(t *testing.T) points {
	t.Helper()
	back := moments(entries(t, standin.SQLite, scenarios[2]))
	p := points{back: back[:len(back)-2]} // after the end nothing is left to do
	p.byHand = []string{"before restore the old data begin", "after restore the old data begin", "before restore the old data done"}
	all := entries(t, standin.SQLite, scenarios[0])
	for i, point := range moments(all)[:2*len(all)-1] {
		switch afterUpgrade(all[:(i+1)/2]) {
		case newNow:
			p.early = append(p.early, point)
		case oldAgain:
			p.late = append(p.late, point)
		default:
			p.opened = append(p.opened, point)
		}
	}
	return p
}

// With real ZenML: runs that are killed before they touch anything are forgotten by the next one; one
// that is killed in the cut-over is put back by the next one, though that is killed twice itself; one
// that is killed after the opening is put back while nothing proves what is open, else it stands and is
// put back by hand. The points rotate with the date, and with ZENML_UPGRADE_FULL all are tried, on the
// servers too. One world serves all of a kind, for each point leaves it as it was.
func TestRealServersKilled(t *testing.T) {
	t.Parallel()
	world.Need(t)
	full := os.Getenv("ZENML_UPGRADE_FULL") != ""
	p := learnPoints(t)
	for _, kind := range []string{standin.SQLite, dbserver.MariaDB, dbserver.MySQL} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			if kind != standin.SQLite && !full {
				t.Skip("skipped: only with ZENML_UPGRADE_FULL (make faults)")
			}
			s := newKillSite(t, kind)
			s.dieEarly(sample(p.early, 3, "early"))
			cut := sample(slices.Concat(p.late, p.opened), 1, "late")
			for i, point := range cut {
				s.dieLate(point, p, i)
			}
			if diff := s.old.Diff(s.Content(t)); len(diff) > 0 {
				t.Errorf("the data is not the old: %v", diff)
			}
			clean(t, s.Site)
			t.Logf("size: kill points with real ZenML on %s: %d of %d, seed %s, full: %v", kind, len(s.tried),
				len(p.early)+len(p.late)+len(p.opened)+len(p.back)+len(p.byHand), seed(), full)
		})
	}
}

// killSite is a real ZenML server of the old version with content, whose upgrades are killed.
type killSite struct {
	*standin.Site
	t     *testing.T
	old   database.Fingerprint
	tried map[string]bool // points, each once
}

func newKillSite(t *testing.T, kind string) *killSite {
	t.Helper()
	store := ""
	if kind != standin.SQLite {
		a := dbserver.New(t, kind)
		store = a.StoreURL()
	}
	s := standin.Around(t, world.On(t, standin.Old, store))
	return &killSite{s, t, s.Content(t), map[string]bool{}}
}

func (s *killSite) dieEarly(points []string) {
	for _, p := range points {
		s.dies(p)
		s.tried[p] = true
		s.dies("after preflight begin") // the next run: it has looked at what the first one left
		s.serves(standin.Old, p)
		s.t.Logf("killed %s", p) // a full run takes hours
	}
}

// dieLate kills an upgrade at a point and what puts it back at two of its own; n chooses these.
func (s *killSite) dieLate(point string, p points, n int) {
	s.dies(point)
	s.tried[point] = true
	mode, args, way := "upgrade", []string(nil), "back: "
	if slices.Contains(p.opened, point) {
		if r := s.Run(s.t, mode, nil); r.Exit != wasNew.exit || r.Result.Outcome != wasNew.outcome {
			s.t.Errorf("killed %s: the next run: exit %d, %s\n%s", point, r.Exit, r.Result.Outcome, r.Told)
		}
		s.serves(standin.New, point)
		mode, args, way = "rollback", accepted, "by hand: "
		p.back = p.byHand
	}
	// Two of them, by which all are tried in a full run.
	twice := []string{p.back[2*n%len(p.back)], p.back[(2*n+1)%len(p.back)]}
	if os.Getenv("ZENML_UPGRADE_FULL") == "" {
		twice = sample(p.back, 2, "back")
	}
	slices.SortFunc(twice, func(a, b string) int { return slices.Index(p.back, a) - slices.Index(p.back, b) })
	r := standin.Ran{Exit: -1}
	for _, b := range append(twice, "never") { // a way back that does not come to a point goes on to its end
		if r.Exit == -1 {
			if r = s.Run(s.t, mode, args, killEnv+"="+b); r.Exit == -1 {
				s.tried[way+b] = true
			}
		}
	}
	if r.Exit != 4 || r.Result.Outcome != "rolled_back" {
		s.t.Errorf("killed %s, then %v: exit %d, %s\n%s", point, twice, r.Exit, r.Result.Outcome, r.Told)
	}
	s.serves(standin.Old, point)
	if diff := s.old.Diff(s.Content(s.t)); len(diff) > 0 {
		s.t.Errorf("killed %s, then %v: the data is not the old: %v", point, twice, diff)
	}
	s.t.Logf("killed %s, then %v", point, twice)
}

func (s *killSite) serves(want, point string) {
	s.t.Helper()
	if got := s.Version(); got != want {
		s.t.Errorf("killed %s: %q serves, want %s", point, got, want)
	}
}

func (s *killSite) dies(point string) {
	s.t.Helper()
	if r := s.Run(s.t, "upgrade", nil, killEnv+"="+point); r.Exit != -1 {
		s.t.Fatalf("the run was not killed %s: exit %d\n%s", point, r.Exit, r.Told)
	}
	s.forgets()
}

// forgets does what ZenML 0.98 does by itself, a random time after its start: it deletes the requests that it
// remembers. Nobody has written anything then.
func (s *killSite) forgets() {
	if s.Version() == standin.New {
		s.Exec(s.t, "DELETE FROM api_transaction")
	}
}
