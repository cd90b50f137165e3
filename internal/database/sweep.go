package database

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// partialEnd ends the name of a folder in which a backup of the database with this URL is being
// made. The name alone tells whose it is: a run that is killed right after it made the folder has
// written nothing into it.
func partialEnd(url string) string {
	digest := sha256.Sum256([]byte(url))
	return fmt.Sprintf(".%x", digest[:4]) + partialSuffix
}

// HoldFolder locks a folder or file until the returned file is closed, by us and by every program that
// inherited it.
func HoldFolder(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	// On a file system without such locks the database's own lock must do.
	if err == nil || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOLCK) {
		return f, nil
	}
	return nil, errors.Join(err, f.Close())
}

// holdLimit is how long a program that a killed run had started may take to end: the kernel ends it
// with the run, but for what it is just writing.
const holdLimit = time.Minute

// forgetter has a snapshot removed, by its name.
type forgetter func(ctx context.Context, snapshot string) error

// ErrNotForgotten says that a snapshot of an unfinished or removed backup may still be there.
var ErrNotForgotten = errors.New("a snapshot that no backup needs could not be removed")

// sweep removes what killed runs left in dir of unfinished backups and exports of the database with this URL.
// The caller holds the database's lock, so that none of them is still being made by a run; a program
// that has not ended yet is waited for. What names a snapshot that cannot be removed stays
// (ErrNotForgotten), for the next sweep.
func sweep(ctx context.Context, dir, url string, forget forgetter) (left error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for unfinished backups in %q: %w", dir, err)
	}
	swept := false
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), partialEnd(url)) {
			continue
		}
		err := removeDead(ctx, filepath.Join(dir, e.Name()), url, forget)
		if err != nil {
			err = fmt.Errorf("removing the unfinished backup %q of a run that was cut off: %w", e.Name(), err)
		}
		if err != nil && !errors.Is(err, ErrNotForgotten) {
			return err
		}
		left, swept = errors.Join(left, err), true
	}
	if swept {
		return errors.Join(left, syncPath(dir))
	}
	return nil
}

// removedEnd comes before partialEnd in the name of a folder that is being removed by RemoveFolder.
const removedEnd = ".removed"

// RemoveFolder removes the folder of a backup of the database with this URL; its snapshot stays, for the
// caller's record or file names it. It takes the name first, by which the backup is known to be whole; of a
// removal that is cut off the next Sweep removes the rest.
func RemoveFolder(path, url string) error {
	gone := path + removedEnd + partialEnd(url)
	if err := os.Rename(path, gone); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}

// removeUnfinished removes an unfinished backup, its snapshot first: the folder holds its name.
func removeUnfinished(ctx context.Context, path, url string, forget forgetter) error {
	text, err := os.ReadFile(filepath.Join(path, snapshotName))
	name := strings.TrimSpace(string(text))
	// A name that was cut off is of a snapshot that was never asked for.
	if err == nil && snapshotForm.MatchString(name) && !strings.HasSuffix(path, removedEnd+partialEnd(url)) {
		if err := forget(ctx, name); err != nil {
			return fmt.Errorf("%w: %w", ErrNotForgotten, err)
		}
	}
	return os.RemoveAll(path)
}

// removeDead removes an unfinished backup or a file as soon as nobody holds it.
func removeDead(ctx context.Context, path, url string, forget forgetter) error {
	hold, err := holdDead(ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(removeUnfinished(ctx, path, url, forget), hold.Close())
}

// holdDead holds a folder or file as soon as nobody else does.
func holdDead(ctx context.Context, path string) (*os.File, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, holdLimit, fmt.Errorf("a program of a run that was cut off still uses %q after %s: wait for its end, and run again", path, holdLimit))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		hold, err := HoldFolder(path)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return hold, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// Sweep removes unfinished backups of this database that killed runs left in dir. Call it with the
// lock held.
func (d *SQLite) Sweep(ctx context.Context, dir string) error {
	return sweep(ctx, dir, d.URL(), noSnapshots)
}

// Sweep removes unfinished backups of this database that killed runs left in dir. Call it with the
// lock held.
func (d *MySQL) Sweep(ctx context.Context, dir string) error {
	return sweep(ctx, dir, d.URL(), d.forget)
}
