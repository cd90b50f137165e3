package stagingupgrade

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	_ "modernc.org/sqlite"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/vault"
)

// The newest backup is found and opened although it is encrypted, with its key alone.
func TestARehearsalOpensAnEncryptedBackup(t *testing.T) {
	t.Parallel()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	path, dir := filepath.Join(t.TempDir(), "zenml.db"), t.TempDir()
	c, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.ExecContext(t.Context(), "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('0.85.0')"); err != nil {
		t.Fatal(err)
	}
	db, err := database.OpenSQLite("sqlite:///" + path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := db.Backup(t.Context(), dir, database.Meta{ZenMLVersion: "0.85.0", Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	v := vault.Options{Dir: dir, Recipients: []age.Recipient{id.Recipient()}, Now: time.Now}
	if err := vault.New(v, db.URL()).Tidy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"": "no backup-identity was given", id.String(): ""} {
		a := &stagingUpgrade{in: Inputs{Backup: newest, BackupDir: dir, BackupIdentity: key}, set: &settings{mode: upgrade.Rehearse, backupDir: dir}}
		if err := a.set.decodeVault(&a.in); err != nil {
			t.Fatal(err)
		}
		if err := a.set.findBackup(t.Context(), &a.in); err != nil || a.set.backup != m.Path+".tar.gz.age" {
			t.Fatalf("%q, %v", a.set.backup, err)
		}
		a.set.vault.OpenDir = filepath.Join(a.set.stateDir, "opened")
		got, err := a.open(t.Context(), database.Options{})
		if want != "" {
			if !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
				t.Errorf("without a key: %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if r, err := got.Revision(t.Context()); err != nil || r != "0.85.0" || a.packed != m.Path+".tar.gz.age" || a.set.backup == a.packed {
			t.Errorf("%q, %v, %q, %q", r, err, a.packed, a.set.backup)
		}
		if err := a.release(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(a.set.backup); err == nil {
			t.Error("it stays in the clear")
		}
	}
}
