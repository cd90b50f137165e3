package database

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
)

// A run that is killed while a snapshot is taken leaves its name, by which the next one has it removed.
func TestKilledWhileASnapshotIsTaken(t *testing.T) {
	t.Parallel()
	s := sampleStored(t, dbserver.MySQL, nil)
	before := contentOf(t, s.MySQL)
	s.storage.Before(t, "take", `if [ -e "$here/kill" ]; then echo x >"$snapshot.sql"; kill -9 $PPID; exec sleep 60; fi`)
	s.storage.Write(t, "kill", "")
	die(t, "snapshot", s.a.StoreURL(), pathOn(t), s.storage.Dir, s.backups)
	if left := names(t, s.backups); len(left) != 1 || len(s.storage.Snapshots(t)) != 1 {
		t.Fatalf("%v, %v", left, s.storage.Snapshots(t))
	}
	s.storage.Before(t, "forget", "exit 1")
	if err := s.Sweep(t.Context(), s.backups); !errors.Is(err, ErrNotForgotten) || len(names(t, s.backups)) != 1 {
		t.Errorf("%v, %v", err, names(t, s.backups))
	}
	s.storage.Before(t, "forget", "")
	if err := s.Sweep(t.Context(), s.backups); err != nil || len(names(t, s.backups)) > 0 || len(s.storage.Snapshots(t)) > 0 {
		t.Errorf("%v, %v, %v", err, names(t, s.backups), s.storage.Snapshots(t))
	}
	s.untouched(t, before)
	if err := os.Remove(filepath.Join(s.storage.Dir, "kill")); err != nil {
		t.Fatal(err)
	}

	// The snapshot of a folder that is removed stays, also after a kill.
	m := s.mustBackup(t)
	if err := RemoveFolder(m.Path, s.URL()); err != nil || len(s.storage.Snapshots(t)) != 1 {
		t.Errorf("%v, %v", err, s.storage.Snapshots(t))
	}
	m = s.mustBackup(t)
	if err := os.Rename(m.Path, m.Path+removedEnd+partialEnd(s.URL())); err != nil {
		t.Fatal(err)
	}
	if err := s.Sweep(t.Context(), s.backups); err != nil || len(s.storage.Snapshots(t)) != 2 || len(names(t, s.backups)) > 0 {
		t.Errorf("%v, %v", err, s.storage.Snapshots(t))
	}
}

// A run that is killed while a snapshot is brought back is followed by one that waits for what the
// command left running, and restores again.
func TestKilledWhileASnapshotIsBroughtBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		s := sampleStored(t, kind, nil)
		before, m := contentOf(t, s.MySQL), s.mustBackup(t)
		for name, dies := range map[string]string{
			"before anything": `(sleep 1; touch "$here/ended") & kill -9 $PPID; exec sleep 60`,
			"half-way":        `on real -e "DROP DATABASE $real; CREATE DATABASE $real"; (sleep 1; touch "$here/ended") & kill -9 $PPID; exec sleep 60`,
		} {
			dbserver.Exec(t, s.a, laterServer[0])
			s.storage.Before(t, "restore", dies)
			die(t, "revert", s.a.StoreURL(), pathOn(t), s.storage.Dir, m.Path)
			if lines := before.Diff(contentOf(t, s.MySQL)); len(lines) == 0 {
				t.Fatalf("%s: it was not killed", name)
			}
			s.storage.Before(t, "restore", `[ -e "$here/ended" ] || { echo "what was killed still runs" >&2; exit 9; }; rm "$here/ended"`)
			if err := s.Restore(t.Context(), m.Path); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			s.untouched(t, before)
		}
	})
}
