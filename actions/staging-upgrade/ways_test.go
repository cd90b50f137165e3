package stagingupgrade

import (
	"os"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// A table in the way of a real migration: the rehearsal fails on the copy, hop by hop fails alike, and
// both say where; the running server never knows.
func TestARehearsalThatFailsIsExplained(t *testing.T) {
	t.Parallel()
	if os.Getenv("ZENML_UPGRADE_FULL") == "" {
		t.Skip("skipped: only with ZENML_UPGRADE_FULL (make test-full)")
	}
	s := newSite(t)
	execute(t, s.DBPath, "create table curated_visualization (a int)")
	before := s.content(t)
	res, err := s.act(t, s.inputs(upgrade.Rehearse))
	if err != nil || res.Outcome != upgrade.Refused || res.Decision != "block" || res.Failure == nil {
		dump(t, res)
		t.Fatalf("rehearsal: %v", err)
	}
	isExplained(t, res, "table curated_visualization already exists")
	h := res.Rehearsal
	if h.Way != "" || len(h.Ways) != 2 || h.Ways[1].Name != upgrade.ByHops || len(h.Ways[1].Stops) == 0 || h.Ways[1].Failure == nil || !strings.Contains(h.Because, "no way") {
		t.Errorf("rehearsal: %+v", h)
	}
	if diff := beyondUse(before.Diff(s.content(t))); len(diff) > 0 || s.version(t) != "0.85.0" {
		t.Errorf("the running server was touched: %v", diff)
	}
}

// Both ways are gone on copies, and the direct one is proposed with its reason.
func TestBothWaysAreRehearsed(t *testing.T) {
	t.Parallel()
	if os.Getenv("ZENML_UPGRADE_FULL") == "" {
		t.Skip("skipped: only with ZENML_UPGRADE_FULL (make test-full)")
	}
	s := newSite(t)
	in := s.inputs(upgrade.Rehearse)
	in.Path = upgrade.PathBoth
	res, err := s.act(t, in)
	if err != nil || res.Outcome != upgrade.Rehearsed {
		dump(t, res)
		t.Fatalf("rehearsal: %v", err)
	}
	h := res.Rehearsal
	if len(h.Ways) != 2 || !h.Ways[0].Passed || !h.Ways[1].Passed || len(h.Ways[1].Stops) < 5 || h.Way != upgrade.Direct || !strings.Contains(h.Because, "both ways pass") {
		t.Errorf("rehearsal: %+v", h)
	}
	s.areTimed(t, h.Revisions)
}
