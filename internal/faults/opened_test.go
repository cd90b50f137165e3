package faults

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/sys/unix"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/standin"
)

// A packed backup for whose content there is no room is not gone back to, and nothing is stopped; what
// was unpacked and cannot be removed is told, takes nothing from the way back, and goes with the next run.
func TestUnpackedBackupsAndTheirDisk(t *testing.T) {
	t.Parallel()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	s := standin.NewSite(t, standin.SQLite, shared)
	old, key := s.Content(t), identityEnv+"="+id.String()
	if r := s.Run(t, "upgrade", []string{"--backup-recipients", id.Recipient().String()}); r.Exit != 0 {
		t.Fatalf("the upgrade: exit %d\n%s", r.Exit, r.Told)
	}
	there, opened := s.Content(t), filepath.Join(s.Backups, "state", "opened")
	free := mounted(t, opened)
	if r := s.Run(t, "rollback", accepted, key); r.Exit != 1 || r.Result.ReasonCode != "backup_not_opened" || !strings.Contains(r.Text, "could not be unpacked") {
		t.Errorf("no room: exit %d, %s\n%s", r.Exit, r.Result.ReasonCode, r.Told)
	}
	if diff := there.Diff(s.Content(t)); len(diff) > 0 || s.Version() != standin.New {
		t.Errorf("no room: something was changed: %v, %s serves", diff, s.Version())
	}
	free()

	r := runWith(t, s, "rollback", accepted, at("after restore the old data begin", func(testing.TB, *standin.Site) {
		folders, err := filepath.Glob(filepath.Join(opened, "*"))
		if err != nil || len(folders) != 1 {
			t.Errorf("opened: %v, %v", folders, err)
			return
		}
		free = mounted(t, filepath.Join(folders[0], "held"))
	}), key)
	if r.Exit != 4 || r.Result.Outcome != "rolled_back" || !slices.ContainsFunc(r.Result.Reasons, func(x struct{ Code, Text string }) bool { return x.Code == "opened_not_removed" }) {
		t.Errorf("not removed: exit %d, %+v\n%s", r.Exit, r.Result.Reasons, r.Told)
	}
	whole(t, s, standin.SQLite, old, standin.Old)
	free()
	if r := s.Run(t, "backup", nil); r.Exit != 0 {
		t.Errorf("the next run: exit %d\n%s", r.Exit, r.Told)
	}
	if left, err := filepath.Glob(filepath.Join(opened, "*")); err != nil || len(left) > 0 {
		t.Errorf("left in the clear: %v, %v", left, err)
	}
}

// mounted puts a disk with hardly any room at a path; it goes with free, at the latest with the test.
func mounted(t *testing.T, path string) (free func()) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", path, "tmpfs", 0, "size=16k,mode=0700"); err != nil {
		t.Skipf("skipped: no right to mount a small disk: %v", err)
	}
	there := true
	free = func() {
		if there {
			there = false
			if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(free)
	return free
}
