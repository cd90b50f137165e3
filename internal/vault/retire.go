package vault

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
)

// retire removes old backups, here and in the destination.
func (v *Vault) retire(ctx context.Context, held []string) (err error) {
	if v.Keep > 0 || v.KeepFor > 0 {
		if err := v.retireHere(held); err != nil {
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
		if err := d.remove(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (v *Vault) retireHere(held []string) error {
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
		folder := filepath.Join(v.Dir, r.Name)
		if _, err := os.Stat(folder); err == nil {
			if err := database.RemoveBackup(folder, v.source); err != nil {
				return err
			}
		}
		gone := []string{r.Name + database.ProofSuffix, r.Name + recordEnd} // the record last: a killed removal is done again
		if r.Packed != nil {
			gone = append([]string{r.Packed.File}, gone...)
		}
		for _, name := range gone {
			if err := os.Remove(filepath.Join(v.Dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
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
