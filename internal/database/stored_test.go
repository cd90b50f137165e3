package database

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// A copy is made of a backup alone: the database it was taken of is gone.
func TestABackupAloneGivesACopy(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		d, a := sampleServer(t, kind, "")
		m := backupServer(t, d)
		if err := mysql.New(&a).With(t.Context(), func(c *sql.Conn) error {
			_, err := c.ExecContext(context.Background(), "DROP DATABASE "+mysql.Quote(a.Name))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		copiesAlone(t, m)
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		d := sample(t, "DELETE")
		m := backup(t, d)
		if err := os.Remove(d.real); err != nil {
			t.Fatal(err)
		}
		copiesAlone(t, m)
	})
}

func copiesAlone(t *testing.T, m *Manifest) {
	t.Helper()
	dir := t.TempDir()
	s, err := OpenStored(t.Context(), m.Path, dir, Options{Environ: dbserver.Environ(t), CacheDir: machine.Cache(t)})
	if err != nil {
		t.Fatal(err)
	}
	release, err := s.Lock(t.Context(), "the first")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lock(t.Context(), "the second"); !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "the first") {
		t.Errorf("a second lock: %v", err)
	}
	copied, err := s.Scratch(t.Context(), m.Path, dir, ignore)
	if err != nil {
		t.Fatal(err)
	}
	want, got := contentOf(t, s), contentOf(t, copied.DB)
	got.Schema = want.Schema // it was proved equal; the copy's events are switched off since
	if diff := want.Diff(got); len(diff) > 0 {
		t.Errorf("the copy differs: %v", diff)
	}
	if revision, err := s.Revision(t.Context()); err != nil || revision != m.Revision || s.URL() == m.SourceURL {
		t.Errorf("revision %q, %v; URL %q", revision, err, s.URL())
	}
	if err := errors.Join(s.Drop(t.Context(), copied.Mark), release()); err != nil {
		t.Error(err)
	}
	if left := names(t, dir); len(left) != 1 || left[0] != "lock" {
		t.Errorf("left: %v", left)
	}
	if _, err := s.Backup(t.Context(), dir, Meta{}); err == nil || s.Restore(t.Context(), m.Path) == nil {
		t.Error("there is nothing to back up or to restore to")
	}
	if release, err = s.Lock(t.Context(), "a later one"); err != nil {
		t.Errorf("the lock was not released: %v", err)
	} else if err := release(); err != nil {
		t.Error(err)
	}
}

// What cannot be tried without the source is refused.
func TestABackupAloneTakesNoScratchServer(t *testing.T) {
	t.Parallel()
	m := backup(t, sample(t, "DELETE"))
	if _, err := OpenStored(t.Context(), m.Path, t.TempDir(), Options{ScratchURL: "mysql://u:p@127.0.0.1:3306"}); !fault.IsInput(err) {
		t.Errorf("a scratch server: %v", err)
	}
}
