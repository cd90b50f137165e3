package stagingupgrade

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/sabotage"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/storage"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

func TestMain(m *testing.M) { os.Exit(dbserver.Main(m)) }

// everywhere runs a heavy test on one database server ("": on none), and on both in a full run.
func everywhere(t *testing.T, first string, test func(t *testing.T, a mysql.Address)) {
	t.Helper()
	for _, kind := range dbserver.Both {
		t.Run(kind, func(t *testing.T) {
			if kind != first && os.Getenv("ZENML_UPGRADE_FULL") == "" {
				t.Skip("skipped: only with ZENML_UPGRADE_FULL (make test-full)")
			}
			t.Parallel()
			test(t, dbserver.New(t, kind))
		})
	}
}

// The older version begins with runs of its own and an artifact of its pipeline; both are there afterwards.
func TestUpgradeOnADatabaseServer(t *testing.T) {
	t.Parallel()
	everywhere(t, dbserver.MySQL, func(t *testing.T, a mysql.Address) {
		t.Helper()
		upgradesOnADatabaseServer(t, "0.85.0", a)
	})
}

func TestUpgradeOfAnOldVersionOnADatabaseServer(t *testing.T) {
	t.Parallel()
	everywhere(t, "", func(t *testing.T, a mysql.Address) {
		t.Helper()
		upgradesOnADatabaseServer(t, "0.58.2", a)
	})
}

func upgradesOnADatabaseServer(t *testing.T, release string, a mysql.Address) {
	t.Helper()
	s := newSiteOf(t, release, a.StoreURL())
	res, err := s.act(t, s.inputs(upgrade.Upgrade))
	if err != nil || res.Outcome != upgrade.Upgraded || res.Decision == "block" {
		dump(t, res)
		t.Fatalf("upgrade: %v", err)
	}
	if s.version(t) != "0.98.0" || res.DowntimeSeconds == nil || !res.Backup.Drill.Passed || res.Backup.Drill.Secret != "decrypted" {
		dump(t, res)
		t.Error("the new version does not answer, no downtime was measured, or the drill did not pass")
	}
	if res.Artifacts == nil || res.Artifacts.Same == 0 || len(res.Artifacts.Broken) > 0 {
		t.Errorf("artifacts: %+v", res.Artifacts)
	}
	if !slices.ContainsFunc(res.Checks, func(c upgrade.Check) bool {
		return c.Name == "foreign keys" && c.Server == "real" && c.Status == upgrade.Passed
	}) {
		t.Errorf("the foreign keys were not looked at: %+v", res.Checks)
	}
	if len(res.Inventory) == 0 || res.Inventory[0].Runs == 0 {
		t.Errorf("no pipeline had run before: %+v", res.Inventory)
	}
	for kind, l := range res.Lost {
		if len(l.Missing) > 0 || l.After < l.Before {
			t.Errorf("%s: %+v", kind, l)
		}
	}
	noPassword(t, a, s.backups, s.out)
}

// Backups are snapshots that the team's own commands take, and the team's pipelines run on the new version;
// all of it is gone back once, by a snapshot, before it stays.
func TestSnapshotsAndTheTeamOnADatabaseServer(t *testing.T) {
	t.Parallel()
	everywhere(t, "", func(t *testing.T, a mysql.Address) {
		t.Helper()
		kind := filepath.Base(t.Name())
		copies := dbserver.Second(t, kind)
		store := storage.New(t, kind, a.On(""), copies)
		s := newSiteOn(t, a.StoreURL())
		s.config += store.Config()
		s.brings(t, teamsPipelines)
		in := s.inputs(upgrade.Upgrade)
		in.BackupEngine, in.ProveRollback = database.EngineCommand, "true"
		res, err := s.act(t, in)
		if err != nil || res.Outcome != upgrade.Upgraded || res.Decision == "block" || s.version(t) != "0.98.0" {
			dump(t, res)
			t.Fatalf("upgrade: %v", err)
		}
		s.wentBack(t, res)
		for _, want := range []string{"pipeline:light_one passed real", "pipeline:light_two passed real"} {
			if got := teamChecks(res); !slices.Contains(got, want) {
				t.Errorf("%q is not among %q", want, got)
			}
		}
		s.ranHere(t) // on the way that was gone back
		if left := storage.Copies(t, copies); len(left) > 0 || len(store.Snapshots(t)) == 0 {
			t.Errorf("copies left: %v; snapshots: %v", left, store.Snapshots(t))
		}
		noPassword(t, a, s.backups, s.out)
		noPassword(t, copies, s.backups, s.out)
	})
}

// noPassword looks for the database's password in every file below these folders, and for
// throw-away copies that were left.
func noPassword(t *testing.T, a mysql.Address, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				if e != nil && strings.HasPrefix(e.Name(), "scratch-") {
					t.Errorf("%s was left", path)
				}
				return err
			}
			text, err := os.ReadFile(path)
			if strings.Contains(string(text), a.Password) {
				t.Errorf("%s holds the database's password", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// A table in the way makes the real migration fail half-way, after the rehearsal passed.
func TestAFailedMigrationOnADatabaseServerIsRolledBackExactly(t *testing.T) {
	t.Parallel()
	everywhere(t, dbserver.MariaDB, func(t *testing.T, a mysql.Address) {
		t.Helper()
		s := newSiteOn(t, a.StoreURL())
		way := sabotage.InTheWay(t.Context(), filepath.Join(s.backups, "state"), func() error {
			return mysql.New(&a).With(t.Context(), func(c *sql.Conn) error {
				_, err := c.ExecContext(context.Background(), "CREATE TABLE curated_visualization (a INT)")
				return err
			})
		})
		res, err := s.act(t, s.inputs(upgrade.Upgrade))
		if e := <-way; e != nil {
			dump(t, res)
			t.Fatal(e)
		}
		if err != nil || res.Outcome != upgrade.RolledBack || res.Decision != "block" {
			dump(t, res)
			t.Fatalf("upgrade: %v", err)
		}
		if res.Failure == nil || res.Failure.Step != "migrate" || res.Failure.Revision == "0.85.0" || !strings.Contains(res.Failure.LogExcerpt, "curated_visualization") {
			t.Errorf("failure: %+v", res.Failure)
		}
		isExplained(t, res, "Table 'curated_visualization' already exists")
		s.isPutBack(t, res)
		noPassword(t, a, s.backups, s.out)
	})
}

// isExplained wants the table in the way to be named with its revision, its release, the statement
// and the database's words.
func isExplained(t *testing.T, res *Result, message string) {
	t.Helper()
	b := res.Failure.Migration
	if b == nil || b.Table != "curated_visualization" || b.Version == "" || b.Title == "" || b.Repair == "" || b.Message != message ||
		!strings.HasPrefix(strings.TrimSpace(b.Statement), "CREATE TABLE curated_visualization") {
		t.Errorf("migration: %+v", b)
	}
}
