package app

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResultsBelongToTheWorkspacesOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root can give files away")
	}
	workspace, elsewhere := t.TempDir(), t.TempDir()
	dir := filepath.Join(workspace, "out")
	for _, path := range []string{filepath.Join(dir, "deep", "result.json"), filepath.Join(elsewhere, "secret"), filepath.Join(elsewhere, "linked")} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{
		os.Chown(workspace, 1001, 1002), os.Symlink(filepath.Join(elsewhere, "linked"), filepath.Join(dir, "link")),
		os.Link(filepath.Join(elsewhere, "secret"), filepath.Join(dir, "second-name")), handOver(dir, workspace),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]uint32{}
	for _, path := range []string{dir, filepath.Join(dir, "deep"), filepath.Join(dir, "deep", "result.json"), filepath.Join(dir, "link"), filepath.Join(elsewhere, "secret"), filepath.Join(elsewhere, "linked")} {
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			t.Fatal(err)
		}
		got[filepath.Base(path)] = st.Uid
	}
	if diff := cmp.Diff(map[string]uint32{"out": 1001, "deep": 1001, "result.json": 1001, "link": 1001, "secret": 0, "linked": 0}, got); diff != "" {
		t.Error(diff)
	}
	if err := handOver(dir, filepath.Join(workspace, "none")); err != nil {
		t.Errorf("without a workspace: %v", err)
	}
}
