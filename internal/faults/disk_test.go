package faults

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/standin"
)

// smallDisk mounts a disk of a few megabytes where the site keeps its backups.
func smallDisk(t *testing.T, s *standin.Site) {
	t.Helper()
	if err := os.MkdirAll(s.Backups, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", s.Backups, "tmpfs", 0, "size=12m,mode=0700"); err != nil {
		t.Skipf("skipped: no right to mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(s.Backups, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// fillDisk leaves no room but for the journal's next lines.
func fillDisk(t testing.TB, s *standin.Site) {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(s.Backups, &st); err != nil {
		t.Fatal(err)
	}
	room := int64(st.Bavail)*st.Bsize - 64<<10
	if err := os.WriteFile(filepath.Join(s.Backups, "filler"), make([]byte, room), 0o600); err != nil {
		t.Error(err)
	}
}

func emptyDisk(t testing.TB, s *standin.Site) {
	t.Helper()
	if err := os.Remove(filepath.Join(s.Backups, "filler")); err != nil {
		t.Error(err)
	}
}
