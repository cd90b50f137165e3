package stagingupgrade

import (
	"context"
	"database/sql"
	"os"
	"strings"
	"testing"
	"time"

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
	for _, release := range []string{"0.85.0", "0.75.0", "0.58.2"} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			s := newSiteOf(t, release, "")
			in := s.inputs(upgrade.Rehearse)
			in.Path = upgrade.PathBoth
			res, err := s.act(t, in)
			if err != nil || res.Outcome != upgrade.Rehearsed {
				dump(t, res)
				t.Fatalf("rehearsal: %v", err)
			}
			h := res.Rehearsal
			if len(h.Ways) != 2 || !h.Ways[0].Passed || !h.Ways[1].Passed || len(h.Ways[1].Stops) < 5 || h.Way != upgrade.Direct || !strings.Contains(h.Because, "both ways pass") {
				dump(t, res)
				t.Error("not both ways passed")
			}
			t.Logf("%d stops", len(h.Ways[1].Stops))
			s.areTimed(t, h.Revisions)
		})
	}
}

// A pipeline runs when the upgrade begins and ends while it is waited for. The schedule is held until
// the new version opens, also over the way back that staging goes first, which restores the state held.
func TestPipelinesAreWaitedForWithSchedulesHeld(t *testing.T) {
	t.Parallel()
	if os.Getenv("ZENML_UPGRADE_FULL") == "" {
		t.Skip("skipped: only with ZENML_UPGRADE_FULL (make test-full)")
	}
	s := newSiteOf(t, "0.97.0", "")
	s.schedule(t)
	execute(t, s.DBPath, "update pipeline_run set status = 'running', in_progress = 1, end_time = null")
	in := s.inputs(upgrade.Upgrade)
	in.DrainTimeout, in.ProveRollback = "10m", "true"
	ended := make(chan error, 1)
	go func() { ended <- s.endRunWhenDraining(t.Context()) }()
	res, err := s.act(t, in)
	if e := <-ended; e != nil {
		t.Fatal(e)
	}
	if err != nil || res.Outcome != upgrade.Upgraded {
		dump(t, res)
		t.Fatalf("upgrade: %v", err)
	}
	for _, step := range res.Steps {
		switch {
		case step.Name == "drain" && !strings.HasPrefix(step.Detail, "1 schedules held"),
			step.Name == "undo drain" && step.Detail != "1 schedules released",
			step.Name == "check in private" && !strings.HasSuffix(step.Detail, "1 schedules released"):
			t.Errorf("step %q: %s", step.Name, step.Detail)
		}
	}
	var on int
	if err := withDB(s.DBPath, func(db *sql.DB) error { return db.QueryRow("select active from schedule").Scan(&on) }); err != nil || on != 1 {
		t.Errorf("afterwards the schedule is %d: %v", on, err)
	}
}

// endRunWhenDraining ends the site's run as soon as the schedule is held.
func (s *site) endRunWhenDraining(ctx context.Context) error {
	for {
		held := 0
		_ = withDB(s.DBPath, func(db *sql.DB) error {
			return db.QueryRow("select count(*) from schedule where active = 0").Scan(&held)
		}) // busy: asked again
		if held > 0 {
			return withDB(s.DBPath, func(db *sql.DB) error {
				_, err := db.Exec("update pipeline_run set status = 'completed', in_progress = 0, end_time = start_time")
				return err
			})
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
