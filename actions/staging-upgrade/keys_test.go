package stagingupgrade

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// A real migration whose foreign keys are looked at in the end makes the very schema and rows that ZenML's
// own makes, but for what two of those do not make alike either: times and random ids.
func TestKeysThatAreLookedAtInTheEndMakeTheSameDatabase(t *testing.T) {
	t.Parallel()
	for _, release := range []string{"0.85.0", "0.58.2"} {
		t.Run(release, func(t *testing.T) {
			if release != "0.85.0" && os.Getenv("ZENML_UPGRADE_FULL") == "" {
				t.Skip("skipped: only with ZENML_UPGRADE_FULL (make test-full)")
			}
			t.Parallel()
			everywhere(t, dbserver.MariaDB, func(t *testing.T, a mysql.Address) {
				t.Helper()
				s := newSiteOf(t, release, a.StoreURL())
				s.Stop()
				db, err := database.Open(a.StoreURL(), database.Options{Environ: dbserver.Environ(t), CacheDir: s.cache})
				if err != nil {
					t.Fatal(err)
				}
				backup, err := db.Backup(t.Context(), t.TempDir(), database.Meta{Now: time.Now(), Quiescent: true})
				if err != nil {
					t.Fatal(err)
				}
				plain, none := s.migrated(t, db, backup.Path, false)
				again, _ := s.migrated(t, db, backup.Path, false)
				late, keys := s.migrated(t, db, backup.Path, true)
				if len(none) > 0 || len(keys) < 10 {
					t.Errorf("added without a look: %v, and %v", none, keys)
				}
				chance := plain.Diff(again)
				for _, line := range plain.Diff(late) {
					if !slices.Contains(chance, line) {
						t.Errorf("another database: %s", line)
					}
				}
			})
		})
	}
}

// migrated restores a backup into a database of its own and has the new version migrate it. It returns the
// content and the keys that were added without a look at the rows.
func (s *site) migrated(t *testing.T, db database.Database, backup string, deferKeys bool) (database.Fingerprint, []string) {
	t.Helper()
	copied, err := db.Scratch(t.Context(), backup, t.TempDir(), func(database.Mark) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Drop(t.Context(), copied.Mark); err != nil {
			t.Error(err)
		}
	}()
	python, err := world.Interpreter(t.Context(), os.Environ(), s.cache, "0.98.0", "")
	if err != nil {
		t.Fatal(err)
	}
	settings, err := server.ReadEnvFile(s.EnvFile)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.Start(t.Context(), server.Config{
		Python: python, StoreURL: copied.DB.StoreURL(), Dir: filepath.Join(t.TempDir(), "server"), Env: settings, Environ: os.Environ(), DeferKeys: deferKeys,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Stop(t.Context())
	f, err := copied.DB.Fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f, srv.Course().Deferred
}

// A row whose parent is gone, which the database's own look would have refused, is found on the copy.
func TestAKeyThatDoesNotHoldRefusesTheUpgrade(t *testing.T) {
	t.Parallel()
	everywhere(t, "", func(t *testing.T, a mysql.Address) {
		t.Helper()
		s := newSiteOn(t, a.StoreURL())
		dbserver.Exec(t, a, "SET SESSION foreign_key_checks = 0", "UPDATE pipeline_deployment SET stack_id = REPEAT('d', 32)")
		before := s.content(t)
		res, err := s.act(t, s.inputs(upgrade.Upgrade))
		if err != nil || res.Outcome != upgrade.Refused || res.Failure == nil || !strings.Contains(res.Failure.Message, `rows of table "pipeline_snapshot" have no row in "stack"`) {
			dump(t, res)
			t.Fatalf("upgrade: %v", err)
		}
		if diff := beyondUse(before.Diff(s.content(t))); len(diff) > 0 || s.version(t) != "0.85.0" {
			t.Errorf("the running server was touched: %v", diff)
		}
	})
}
