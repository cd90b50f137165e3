// Package vault is where finished backups go: packed, encrypted, copied to another place, and removed
// when they are old. What makes and restores them is package database.
package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
)

// Options say what becomes of backups; the zero value leaves every folder where it is.
type Options struct {
	Dir         string // backup-dir
	Recipients  []age.Recipient
	Identities  []age.Identity // open encrypted backups
	OpenDir     string         // where packed ones are opened, below the state folder
	Destination string         // an absolute folder or the URL of a bucket; "": none
	Keep        int            // so many of the newest; 0: all
	KeepFor     time.Duration  // those that are not older; 0: all
	Now         func() time.Time
	// Forget removes the snapshot of a backup that is removed; nil: none is known.
	Forget func(ctx context.Context, snapshot string) error
}

// Vault keeps the backups of one database. Its user holds the database's lock.
type Vault struct {
	Options
	source string // the database's URL without a password
}

// New returns the vault of a database.
func New(o Options, source string) *Vault { return &Vault{o, source} }

// Keeps says whether there is a place beside backup-dir.
func (v *Vault) Keeps() bool { return v.Destination != "" }

// Mark notes that a backup was restored and proved good.
func (v *Vault) Mark(m *database.Manifest) error {
	r, err := v.recordOf(m)
	if err != nil {
		return err
	}
	r.Drilled = true
	return r.write(v.Dir)
}

func (v *Vault) recordOf(m *database.Manifest) (*Record, error) {
	r, err := readRecord(v.Dir, filepath.Base(m.Path))
	if err != nil || r != nil && r.Digest == m.Digest {
		return r, err
	}
	fresh := recordOf(m)
	return &fresh, nil
}

// Copy brings a backup to the destination. It counts as kept when it was read back from there and is
// the same. The folder stays.
func (v *Vault) Copy(ctx context.Context, m *database.Manifest) (err error) {
	r, err := v.packed(ctx, m)
	if err != nil || r.Kept {
		return err
	}
	d, err := openDestination(ctx, v.Destination, v.source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	r.Kept = true
	if err := d.put(ctx, filepath.Join(v.Dir, r.Packed.File), r); err != nil {
		return err
	}
	if err := r.write(v.Dir); err != nil || r.Packed.Encrypted {
		return err
	}
	return os.Remove(filepath.Join(v.Dir, r.Packed.File)) // the folder holds the same
}

// packed returns the record of a backup that is packed, once for all that is done with it.
func (v *Vault) packed(ctx context.Context, m *database.Manifest) (*Record, error) {
	r, err := v.recordOf(m)
	if err != nil || r.Packed != nil && (r.Packed.Encrypted || len(v.Recipients) == 0) {
		return r, err
	}
	inClear := r.Packed // of a run that had no recipients yet
	p := &Packed{File: r.Name + packedEnd, Encrypted: len(v.Recipients) > 0}
	if p.Encrypted {
		p.File += encryptedEnd
	}
	temp := filepath.Join(v.Dir, r.Name+packingEnd)
	if err := os.RemoveAll(temp); err != nil {
		return nil, err
	}
	if p.Bytes, p.SHA256, err = pack(ctx, m, temp, v.Recipients); err != nil {
		return nil, errors.Join(err, os.RemoveAll(temp))
	}
	if err := os.Rename(temp, filepath.Join(v.Dir, p.File)); err != nil {
		return nil, err
	}
	r.Packed, r.Kept = p, false
	if err := r.write(v.Dir); err != nil || inClear == nil {
		return r, err
	}
	if err := os.Remove(filepath.Join(v.Dir, inClear.File)); !errors.Is(err, os.ErrNotExist) {
		return r, err
	}
	return r, nil
}

// Tidy encrypts the folders that lie in the clear when there are recipients, removes what killed runs
// left, and then what is older than it has to be kept. What held names stays a folder and stays.
func (v *Vault) Tidy(ctx context.Context, held []string) error {
	if _, err := os.Stat(v.Dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := v.sweep(); err != nil {
		return err
	}
	if len(v.Recipients) > 0 {
		if err := v.seal(ctx, held); err != nil {
			return err
		}
	}
	return v.retire(ctx, held)
}

// sweep removes what killed runs left: packed files without a record that names them.
func (v *Vault) sweep() error {
	entries, err := os.ReadDir(v.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		base, unfinished := strings.CutSuffix(e.Name(), packingEnd)
		if !unfinished {
			base = strings.TrimSuffix(strings.TrimSuffix(e.Name(), encryptedEnd), packedEnd)
		}
		if base == e.Name() || !nameForm.MatchString(base) || !e.Type().IsRegular() {
			continue
		}
		m, err := database.BackupsOf(v.Dir, v.source)
		if err != nil {
			return err
		}
		ours := slices.ContainsFunc(m, func(m *database.Manifest) bool { return filepath.Base(m.Path) == base })
		r, err := readRecord(v.Dir, base)
		if err != nil {
			return err
		}
		named := r != nil && r.Packed != nil && r.Packed.File == e.Name()
		// Only where the folder is still there, too: nothing is lost with the file.
		if ours && (unfinished || !named || r.Kept && !r.Packed.Encrypted) {
			if err := os.Remove(filepath.Join(v.Dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// seal replaces folders by their encrypted files.
func (v *Vault) seal(ctx context.Context, held []string) error {
	folders, err := database.BackupsOf(v.Dir, v.source)
	if err != nil {
		return err
	}
	for _, m := range folders {
		if slices.Contains(held, m.Path) {
			continue
		}
		r, err := v.packed(ctx, m)
		if err != nil {
			return fmt.Errorf("encrypting the backup %q: %w", m.Path, err)
		}
		if st, err := os.Stat(filepath.Join(v.Dir, r.Packed.File)); err != nil || st.Size() != r.Packed.Bytes {
			return fmt.Errorf("the encrypted file of the backup %q is not what was written: its folder stays", m.Path)
		}
		if err := database.RemoveFolder(m.Path, v.source); err != nil {
			return err
		}
	}
	return nil
}
