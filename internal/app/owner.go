package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// containerWorkspace is where the runner mounts the workspace into the container of an action.
const containerWorkspace = "/github/workspace"

// handOver gives what root wrote into dir to the owner of the workspace. In the container of an action we
// are root and the runner is not: left to root, the next checkout on a self-hosted runner could not
// remove it. Links are not followed, and what has a second name may be a file of another's: it stays.
func handOver(dir, workspace string) error {
	to, err := os.Stat(workspace)
	if err != nil || dir == "" || os.Geteuid() != 0 {
		return nil // no workspace, no owner
	}
	owner, ok := to.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("giving the results to the owner of the workspace: %w", err)
	}
	defer func() { _ = root.Close() }()
	var faults []error
	err = fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid == 0 && (d.IsDir() || st.Nlink == 1) {
			faults = append(faults, root.Lchown(path, int(owner.Uid), int(owner.Gid)))
		}
		return nil
	})
	if err = errors.Join(append(faults, err)...); err != nil {
		return fmt.Errorf("giving the results to the owner of the workspace: %w", err)
	}
	return nil
}
