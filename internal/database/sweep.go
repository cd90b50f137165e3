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

// sweep removes what killed runs left in dir of unfinished backups and exports of the database with this URL.
// The caller holds the database's lock, so that none of them is still being made by a run; a dump
// program that has not ended yet is waited for.
func sweep(ctx context.Context, dir, url string) error {
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
		if err := removeDead(ctx, filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("removing the unfinished backup %q of a run that was cut off: %w", e.Name(), err)
		}
		swept = true
	}
	if swept {
		return syncPath(dir)
	}
	return nil
}

// RemoveBackup removes a backup of the database with this URL. It takes the name first, by which the
// backup is known to be whole; of a removal that is cut off the next Sweep removes the rest.
func RemoveBackup(path, url string) error {
	gone := path + partialEnd(url)
	if err := os.Rename(path, gone); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}

// removeDead removes a folder or file as soon as nobody holds it.
func removeDead(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, holdLimit, fmt.Errorf("a program still writes into it after %s", holdLimit))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		hold, err := HoldFolder(path)
		if err == nil {
			return errors.Join(os.RemoveAll(path), hold.Close())
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// Sweep removes unfinished backups of this database that killed runs left in dir. Call it with the
// lock held.
func (d *SQLite) Sweep(ctx context.Context, dir string) error { return sweep(ctx, dir, d.URL()) }

// Sweep removes unfinished backups of this database that killed runs left in dir. Call it with the
// lock held.
func (d *MySQL) Sweep(ctx context.Context, dir string) error { return sweep(ctx, dir, d.URL()) }
