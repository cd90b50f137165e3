package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
)

// retire removes old backups, here and in the destination.
func (v *Vault) retire(ctx context.Context, held []string) (err error) {
	if v.Keep > 0 || v.KeepFor > 0 {
		if err := v.retireHere(ctx, held); err != nil {
			return err
		}
	}
	if !v.Keeps() {
		return nil
	}
	d, err := openDestination(ctx, v.Destination, v.source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	found, unfinished, err := d.list(ctx)
	if err != nil {
		return err
	}
	for _, key := range unfinished {
		if err := d.bucket.Delete(ctx, key); err != nil {
			return err
		}
	}
	for _, r := range v.old(found, held) {
		if err := v.removeThere(ctx, d, r); err != nil {
			return err
		}
	}
	return nil
}

// removeThere removes a backup from the destination, and its snapshot when the backup is not here
// either.
func (v *Vault) removeThere(ctx context.Context, d *destination, r *Record) error {
	here, err := readRecord(v.Dir, r.Name)
	switch {
	case err != nil:
		return err
	case here != nil:
		here.Kept = false
		if err := here.write(v.Dir); err != nil {
			return err
		}
	case r.Snapshot != "":
		if err := v.forget(ctx, r.Snapshot); err != nil {
			return err
		}
	}
	return d.remove(ctx, r)
}

func (v *Vault) retireHere(ctx context.Context, held []string) error {
	all, err := records(v.Dir, v.source)
	if err != nil {
		return err
	}
	folders, err := database.BackupsOf(v.Dir, v.source)
	if err != nil {
		return err
	}
	for _, m := range folders { // those that no record marks were not drilled
		name := filepath.Base(m.Path)
		if nameForm.MatchString(name) && !slices.ContainsFunc(all, func(r *Record) bool { return r.Name == name }) {
			r := recordOf(m)
			all = append(all, &r)
		}
	}
	for _, r := range v.old(all, held) {
		if err := v.removeHere(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// removeHere removes a backup with all that stands beside it, the record last: by it a killed removal is
// done again. Its snapshot goes before the record, when nothing that could be restored names it any more,
// and stays with a copy in the destination.
func (v *Vault) removeHere(ctx context.Context, r *Record) error {
	if err := r.write(v.Dir); err != nil { // one that was not drilled has none
		return err
	}
	if err := database.RemoveFolder(filepath.Join(v.Dir, r.Name), v.source); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	gone := []string{r.Name + database.ProofSuffix}
	if r.Packed != nil {
		gone = append(gone, r.Packed.File)
	}
	if err := v.removeFiles(gone...); err != nil {
		return err
	}
	if r.Snapshot != "" && !r.Kept {
		if err := v.forget(ctx, r.Snapshot); err != nil {
			return err
		}
	}
	return v.removeFiles(r.Name + recordEnd)
}

func (v *Vault) removeFiles(names ...string) error {
	for _, name := range names {
		if err := os.Remove(filepath.Join(v.Dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (v *Vault) forget(ctx context.Context, snapshot string) error {
	if v.Forget == nil {
		return fmt.Errorf("the snapshot %q is to be removed, and no command is known for it", snapshot)
	}
	return v.Forget(ctx, snapshot)
}

// old returns what need not be kept: beyond so many of the newest, or older than so long. The newest
// one that was drilled stays, and so does what an open journal names.
func (v *Vault) old(all []*Record, held []string) []*Record {
	slices.SortStableFunc(all, func(a, b *Record) int { return b.CreatedAt.Compare(a.CreatedAt) })
	good := slices.IndexFunc(all, func(r *Record) bool { return r.Drilled })
	var out []*Record
	for i, r := range all {
		many := v.Keep > 0 && i >= v.Keep
		aged := v.KeepFor > 0 && v.Now().Sub(r.CreatedAt) > v.KeepFor
		if (many || aged) && i != good && good >= 0 && !slices.Contains(held, filepath.Join(v.Dir, r.Name)) {
			out = append(out, r)
		}
	}
	return out
}
