package database

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"modernc.org/sqlite"
)

// journalSuffixes name the files that SQLite keeps beside a database.
var journalSuffixes = []string{"-wal", "-shm", "-journal"}

// restoring is a restore on its way. Killed between or in any of its steps it leaves the old
// database or the new one, whole, under the database's name, and restoring again works:
//
//	stage    writes a proven copy beside the database: the old one is untouched
//	hold     brings what the journals hold into the old file (SQLite's own recovery), then keeps
//	         everybody out: the old content needs no journal any more
//	clear    removes the journals, which are empty now. This must come before the new file has
//	         the name: SQLite applies whatever log it finds beside a file, and a stale one would
//	         spoil the new database. It must come after hold: before, it would lose committed rows
//	replace  renames: one atomic step
//	prove    reads the content back
//
// The only trace of a kill after hold is that the old file, if it had a write-ahead log, is left
// in the rollback-journal mode; its content is the same.
type restoring struct {
	db    *SQLite
	m     *Manifest
	temp  string
	pool  *sql.DB
	lock  *sql.Conn // holds the old file's exclusive lock; nil when there is no readable old file
	wal   bool      // the old file was in write-ahead mode
	aside string    // where a file that SQLite cannot read is kept
}

// Restore replaces the database by a backup, exactly: afterwards its Fingerprint is the
// manifest's. It refuses when the backup is not whole, or when another process has the database
// open. Mode and owner of the file stay. A symbolic link stays, the file it leads to is replaced.
// Whether the backup was made from this database is the caller's to decide (Backups).
func (d *SQLite) Restore(ctx context.Context, backup string) error {
	m, err := Verify(ctx, backup)
	if err != nil {
		return err
	}
	others, err := d.Others(ctx)
	if err == nil && len(others) > 0 {
		err = d.inUse(others)
	}
	if err != nil {
		return err
	}
	r := &restoring{db: d, m: m}
	for _, step := range r.steps() {
		if err := step(ctx); err != nil {
			return errors.Join(fmt.Errorf("restoring %q from %q: %w", d.path, backup, d.explain(err)), r.abandon(ctx))
		}
	}
	return nil
}

func (d *SQLite) inUse(others []string) error {
	return &fault.Error{Kind: fault.NoVerdict, What: fmt.Sprintf("the database %q is open in other processes: %s", d.path, strings.Join(others, ", ")),
		Safe: "the database was not replaced", Next: "stop them and run again"}
}

func (r *restoring) steps() []func(context.Context) error {
	return []func(context.Context) error{r.stage, r.hold, r.clear, r.replace, r.prove}
}

func (r *restoring) stage(ctx context.Context) error {
	if err := r.removeOldTemps(); err != nil {
		return err
	}
	random := strings.ToLower(rand.Text()[:8])
	r.temp, r.aside = r.tempPrefix()+random, r.db.real+".unreadable-"+random
	if err := copyFile(ctx, filepath.Join(r.m.Path, copyName), r.temp); err != nil {
		return err
	}
	if err := proveCopy(ctx, r.temp, r.m); err != nil {
		return err
	}
	old, err := os.Stat(r.db.real)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	// Owner first: giving a file away takes special bits of its mode off.
	if st, ok := old.Sys().(*syscall.Stat_t); ok {
		if err := os.Chown(r.temp, int(st.Uid), int(st.Gid)); err != nil {
			return fmt.Errorf("keeping the database's owner: %w", err)
		}
	}
	if err := os.Chmod(r.temp, old.Mode()); err != nil {
		return err
	}
	return syncPath(r.temp)
}

func (r *restoring) tempPrefix() string { return r.db.real + ".restoring-" }

// removeOldTemps removes what killed restores left.
func (r *restoring) removeOldTemps() error {
	entries, err := os.ReadDir(filepath.Dir(r.db.real))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filepath.Base(r.tempPrefix())) && e.Type().IsRegular() {
			err = errors.Join(err, os.Remove(filepath.Join(filepath.Dir(r.db.real), e.Name())))
		}
	}
	return err
}

// proveCopy compares a file that nobody else uses with the manifest.
func proveCopy(ctx context.Context, path string, m *Manifest) error {
	got, err := fingerprintFile(ctx, path, still)
	if err != nil {
		return fmt.Errorf("reading the restored copy: %w", err)
	}
	want := m.Fingerprint()
	if lines := want.Diff(got); len(lines) > 0 {
		return fmt.Errorf("the restored copy differs from its backup: %s", strings.Join(lines, "; "))
	}
	return nil
}

// hold takes the old database's exclusive lock and keeps it until the new file has its place.
func (r *restoring) hold(ctx context.Context) error {
	if st, err := os.Stat(r.db.real); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err == nil && !st.Mode().IsRegular() {
		return fmt.Errorf("%q is not a regular file", r.db.real)
	}
	askForOFDLocks()
	pool, err := sql.Open("sqlite", dsn(r.db.real, liveWrite))
	if err != nil {
		return err
	}
	r.pool = pool
	if r.lock, err = pool.Conn(ctx); err == nil {
		err = r.takeOver(ctx)
	}
	if damaged(err) { // nothing to save by SQLite's means: clear puts it aside as it is
		return r.release(ctx)
	}
	if err != nil {
		return err
	}
	// Somebody may have come between the first look and the lock.
	others, err := r.db.holders()
	if err == nil && len(others) > 0 {
		return r.db.inUse(others)
	}
	return err
}

func (r *restoring) takeOver(ctx context.Context) error {
	var mode string
	if err := r.lock.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if mode == "wal" {
		// Leaving this mode writes the whole log into the file and removes it, and works only when
		// no other connection is there. It also makes the lock below one that shuts out readers.
		if err := r.lock.QueryRowContext(ctx, "PRAGMA journal_mode=DELETE").Scan(&mode); err != nil {
			return err
		}
		if mode != "delete" {
			return fmt.Errorf("the write-ahead log cannot be closed (journal mode is still %q)", mode)
		}
		r.wal = true
	}
	_, err := r.lock.ExecContext(ctx, "BEGIN EXCLUSIVE") // rolls back what a killed writer left
	return err
}

func damaged(err error) bool {
	var se *sqlite.Error
	return errors.As(err, &se) && (se.Code()&0xff == 11 || se.Code()&0xff == 26)
}

func (r *restoring) clear(ctx context.Context) error {
	if r.lock == nil {
		if err := r.keepUnreadable(ctx); err != nil {
			return fmt.Errorf("putting the unreadable database aside: %w", err)
		}
	}
	for _, suffix := range journalSuffixes {
		if err := os.Remove(r.db.real + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// Durable before the rename: after a power cut no old journal may meet the new file.
	return syncPath(filepath.Dir(r.db.real))
}

// keepUnreadable keeps a database that SQLite cannot read, with its journals, under another
// name. The file itself stays in its place, too, so that the name is never without a file.
func (r *restoring) keepUnreadable(ctx context.Context) error {
	for _, suffix := range append([]string{""}, journalSuffixes...) {
		from, to := r.db.real+suffix, r.aside+suffix
		st, err := os.Lstat(from)
		if errors.Is(err, fs.ErrNotExist) || (err == nil && st.Size() == 0) || suffix == "-shm" {
			continue // nothing to keep; -shm is only an index of the log
		}
		if os.Link(from, to) == nil {
			continue
		}
		if err := copyFile(ctx, from, to); err != nil { // a file system without hard links
			return err
		}
	}
	return nil
}

func (r *restoring) replace(ctx context.Context) error {
	if err := os.Rename(r.temp, r.db.real); err != nil {
		return err
	}
	r.wal = false // the file that was in that mode is gone
	return errors.Join(syncPath(filepath.Dir(r.db.real)), r.release(ctx))
}

func (r *restoring) prove(ctx context.Context) error { return proveCopy(ctx, r.db.real, r.m) }

// release lets the old file go, in the journal mode that it was found in.
func (r *restoring) release(ctx context.Context) error {
	if r.pool == nil {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	var err error
	if r.lock != nil {
		_, _ = r.lock.ExecContext(ctx, "ROLLBACK") // fails when no transaction was begun
		if r.wal {
			_, err = r.lock.ExecContext(ctx, "PRAGMA journal_mode=WAL")
		}
		err = errors.Join(err, r.lock.Close())
	}
	err = errors.Join(err, r.pool.Close())
	r.pool, r.lock = nil, nil
	return err
}

// abandon cleans up after an error; the temporary file is gone already when it was renamed.
func (r *restoring) abandon(ctx context.Context) error {
	err := r.release(ctx)
	if r.temp != "" {
		if e := os.Remove(r.temp); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
