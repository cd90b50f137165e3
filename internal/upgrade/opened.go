package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
)

// unpacked is the backup of a rollback, which lies in the clear while the run uses it when it is packed.
type unpacked struct {
	packed  string // what it is found by before and after; "": it is a folder
	clear   string
	release func() error
}

// openBackup returns a verified backup, packed or not, until release is called.
func (r *run) openBackup(ctx context.Context, path string) (m *database.Manifest, release func() error, err error) {
	if r.Vault == nil {
		m, err = database.Verify(ctx, path)
		return m, func() error { return nil }, err
	}
	return r.Vault.Open(ctx, path)
}

// openWayBack opens the backup of a rollback until closeOpened.
func (r *run) openWayBack(ctx context.Context, path string) (*database.Manifest, error) {
	m, release, err := r.openBackup(ctx, path)
	if err != nil {
		return nil, err
	}
	r.opened = &unpacked{clear: m.Path, release: release}
	if m.Path != path {
		r.opened.packed = path
	}
	return m, nil
}

// closeOpened removes what was unpacked, by this run or by one that was cut off. A journal that has not
// ended keeps the backup that it needs. The report names the packed one.
func (r *run) closeOpened() error {
	if r.Vault == nil || r.StateDir == "" {
		return nil
	}
	held, err := heldBy(r.StateDir)
	if err != nil {
		return err
	}
	if o := r.opened; o != nil && !slices.Contains(held, o.clear) {
		err = o.release()
	} else if o == nil && r.state != nil && r.state.Packed != "" { // resumed
		r.opened = &unpacked{packed: r.state.Packed, clear: r.state.BackTo}
	}
	err = errors.Join(err, r.Vault.SweepOpened(held))
	b, o := r.report.Backup, r.opened
	if b != nil && o != nil && o.packed != "" && b.Path == o.clear && !slices.Contains(held, o.clear) {
		b.Path = foundAt(o.packed)
	}
	return err
}

// tidyOpened is closeOpened at the end of a run: a fault takes nothing from what the run proved.
func (r *run) tidyOpened() {
	if err := r.closeOpened(); err != nil {
		r.report.Problems = append(r.report.Problems, Problem{
			Code: "opened_not_removed", What: fmt.Sprintf("what was unpacked of a backup could not be removed and lies in the clear: %v", err),
			Remedy: "remove the folder opened below state-dir; the next run tries it again",
		})
	}
}
