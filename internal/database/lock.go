package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"golang.org/x/sys/unix"
)

const lockSuffix = ".zenml-upgrade.lock"

// Lock keeps a second run of this tool away from the database until release is called or this
// process ends, however it ends. A second holder is refused with the first one's name. The lock
// is a file beside the database; it binds nobody but this tool.
func (d *SQLite) Lock(ctx context.Context, holder string) (release func() error, err error) {
	path := d.real + lockSuffix
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, fmt.Errorf("locking the database %q: %w", d.path, err)
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			return nil, refuse(f, d.path, err)
		}
		if !sameFile(f, path) { // its holder removed it between our opening and our lock
			_ = f.Close()
			continue
		}
		if err := writeHolder(f, holder); err != nil {
			return nil, errors.Join(fmt.Errorf("locking the database %q: %w", d.path, err), f.Close())
		}
		return func() error {
			// Removed while it is still locked: nobody can have locked this very file by then.
			return errors.Join(ignoreMissing(os.Remove(path)), f.Close())
		}, nil
	}
}

func writeHolder(f *os.File, holder string) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(oneLine(holder)+"\n"), 0)
	return errors.Join(err, f.Sync())
}

// refuse says who holds what could not be locked.
func refuse(f *os.File, what string, err error) error {
	defer f.Close()
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("locking the database %q: %w", what, err)
	}
	holder, _ := io.ReadAll(io.LimitReader(f, 200)) // unread: told as unknown
	return held(what, strings.TrimSpace(string(holder)))
}

// ErrHeld says that another run of this tool works on the database.
var ErrHeld = errors.New("another run works on the database")

func held(database, holder string) error {
	return &fault.Error{Kind: fault.NoVerdict, What: fmt.Sprintf("the database %q is taken", database),
		Err: fmt.Errorf("%w: %s", ErrHeld, oneLine(holder)), Safe: "nothing was changed", Next: "wait until it has ended, and run again"}
}

func sameFile(f *os.File, path string) bool {
	a, errA := f.Stat()
	b, errB := os.Lstat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
