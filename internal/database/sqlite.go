// Package database backs up, compares and restores the database of a ZenML server. It is built
// for one question: is what stands there now exactly what stood there before? Anything it cannot
// prove is an error.
//
// What it writes outside a backup folder: the restored database; beside a SQLite file short-lived
// files named after it; in a MySQL database that is being restored a marker table.
package database

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
)

const urlForm = "give it as sqlite:////absolute/path/zenml.db"

// sqliteMagic begins every SQLite file that was written to (https://www.sqlite.org/fileformat2.html).
var sqliteMagic = []byte("SQLite format 3\x00")

// SQLite is a database in one file. It holds nothing open between calls.
type SQLite struct {
	path string // absolute, as the user wrote it
	real string // symbolic links followed: the journals stand beside this one
}

// OpenSQLite returns the database in a file, which must exist, be a SQLite file and be readable.
// Nothing is written.
func OpenSQLite(rawURL string) (*SQLite, error) {
	d, err := OpenForRestore(rawURL)
	if err != nil {
		return nil, err
	}
	return d, d.checkFile()
}

// OpenForRestore is OpenSQLite for a database that may be damaged, empty or gone: only its folder must
// exist. Restore brings such a file back; everything else on it may fail.
func OpenForRestore(rawURL string) (*SQLite, error) {
	path, err := pathOf(rawURL)
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, os.ErrNotExist) {
		real, err = filepath.EvalSymlinks(filepath.Dir(path))
		real = filepath.Join(real, filepath.Base(path))
		if _, dangling := os.Lstat(path); dangling == nil {
			err = errors.New("it is a symbolic link that leads nowhere")
		}
	}
	if err != nil {
		return nil, &fault.Error{Kind: fault.Input, What: fmt.Sprintf("the database %q cannot be found", path), Err: err,
			Next: "check the path in database-url; " + urlForm}
	}
	return &SQLite{path: path, real: real}, nil
}

// pathOf decodes sqlite:///PATH.
func pathOf(rawURL string) (string, error) {
	_, rest, _ := strings.Cut(rawURL, "://")
	coded, ok := strings.CutPrefix(rest, "/")
	if !ok || coded == "" || coded == ":memory:" {
		return "", fault.BadInput("database-url names no database file", urlForm)
	}
	path, err := url.PathUnescape(coded)
	if err != nil {
		return "", fault.BadInput("database-url is not percent-encoded correctly: "+err.Error(), "write a percent sign in the path as %25")
	}
	// SQLAlchemy, and so ZenML, cuts the path at a question mark: it would open another file than we.
	if strings.ContainsAny(path, "?\x00\n") {
		return "", fault.BadInput("database-url holds options or a path that ZenML cannot open (question mark, line end)", urlForm+" without options")
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("resolving the relative path in database-url: %w", err)
	}
	return path, nil
}

func (d *SQLite) checkFile() error {
	bad := func(what string, err error, next string) error {
		return &fault.Error{Kind: fault.Input, What: fmt.Sprintf("the database %q %s", d.path, what), Err: err, Next: next}
	}
	st, err := os.Stat(d.real)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return bad("does not exist", nil, "check the path in database-url; "+urlForm)
	case err != nil:
		return bad("cannot be looked at", err, "give this user the right to read it")
	case !st.Mode().IsRegular():
		return bad("is not a regular file", nil, urlForm)
	}
	// Safe beside a connection of ours only because dial asks for OFD locks: closing a file drops
	// the process's POSIX locks on it.
	f, err := os.Open(d.real)
	if err != nil {
		return bad("cannot be read", err, "give this user the right to read it")
	}
	defer f.Close()
	head := make([]byte, len(sqliteMagic))
	if _, err := io.ReadFull(f, head); err != nil || !bytes.Equal(head, sqliteMagic) {
		return bad("is not a SQLite database", nil, "check the path in database-url: the file does not begin as a SQLite file does")
	}
	return nil
}

// URL returns the database's URL in the contract's form, with an absolute, percent-encoded path.
// It holds no secret.
func (d *SQLite) URL() string { return "sqlite:///" + (&url.URL{Path: d.path}).EscapedPath() }

// StoreURL returns the URL under which ZenML opens this very file (ZENML_STORE_URL). It differs
// from URL for paths with blanks or percent signs: SQLAlchemy does not decode a path.
func (d *SQLite) StoreURL() string { return "sqlite:///" + d.path }

// Same says whether an address of ZenML's (ZENML_STORE_URL) is this file's.
func (d *SQLite) Same(storeURL string) bool { return storeURL == d.StoreURL() }

// Path returns the file's absolute path, symbolic links not followed.
func (d *SQLite) Path() string { return d.path }

// Folders returns the folders that the database's files stand in: its own and, when the path is
// a symbolic link, the real file's.
func (d *SQLite) Folders() []string {
	own, real := filepath.Dir(d.path), filepath.Dir(d.real)
	if own == real {
		return []string{own}
	}
	return []string{own, real}
}

// Size returns the bytes that the database takes: the file and its write-ahead log.
func (d *SQLite) Size(context.Context) (int64, error) {
	st, err := os.Stat(d.real)
	if err != nil {
		return 0, fmt.Errorf("measuring the database %q: %w", d.path, err)
	}
	size := st.Size()
	if wal, err := os.Stat(d.real + "-wal"); err == nil {
		size += wal.Size()
	}
	return size, nil
}

// Free returns the bytes that this user may still write below dir.
func Free(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("measuring the free space of %q: %w", dir, err)
	}
	return st.Bavail * uint64(st.Bsize), nil
}

// Check tells what stands against a backup or its way back.
func (d *SQLite) Check(context.Context) []Finding {
	var out []Finding
	for _, f := range d.leftovers() {
		out = append(out, Finding{
			Code: "stale_zenml_backup", What: fmt.Sprintf("a backup that ZenML itself left behind stands at %q", f),
			Remedy: "move it away: a failing start of ZenML would restore it over newer data", Blocks: true,
		})
	}
	return out
}

// leftovers returns backups that ZenML itself left behind. From 0.93.1 on it takes such a file
// for the backup of the next migration and restores the old data from it (facts, zenml.md 4.2).
// The name is ZenML's own: the path without its last three characters, whatever they are, and
// "-backup.db".
func (d *SQLite) leftovers() []string {
	found := []string{}
	for _, p := range slices.Compact([]string{d.path, d.real}) {
		candidate := p[:max(0, len(p)-3)] + "-backup.db"
		if _, err := os.Lstat(candidate); err == nil {
			found = append(found, candidate)
		}
	}
	return found
}

// Revision returns what alembic_version holds: the ZenML version after a clean migration, a hash
// in between, "" when there is no such table or no row.
func (d *SQLite) Revision(ctx context.Context) (string, error) {
	var revision string
	err := withConn(ctx, d.real, liveRead, func(c *sql.Conn) (err error) {
		revision, err = revisionOf(ctx, c)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("reading the database's version: %w", d.explain(err))
	}
	return revision, nil
}

func revisionOf(ctx context.Context, c *sql.Conn) (string, error) {
	var tables, rows int
	var revision sql.NullString
	err := c.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'`).Scan(&tables)
	if err != nil || tables == 0 {
		return "", err
	}
	err = c.QueryRowContext(ctx, `SELECT count(*), max(substr(version_num, 1, 200)) FROM alembic_version`).Scan(&rows, &revision)
	if err != nil {
		return "", err
	}
	if rows > 1 {
		return "", fmt.Errorf("alembic_version holds %d rows instead of one: the database's version is unknown", rows)
	}
	return revision.String, nil
}

// The ways to open a file.
const (
	liveRead  = "mode=ro"             // a database that others may use: no content is written, nothing checkpointed
	liveWrite = "mode=rw"             // may roll back what a killed writer left
	still     = "mode=ro&immutable=1" // a copy that nobody writes: leaves no -wal and -shm beside it
)

// busyMillis is how long a lock is waited for: longer than the 5 s of a Python client's default.
const busyMillis = 15000

// askForOFDLocks makes SQLite's locks belong to its own open file. With the default kind any
// other code in this process that reads and closes the database file would drop them, and a
// server could write into the middle of a backup. Where the kernel has no such locks SQLite keeps
// the default kind by itself.
var askForOFDLocks = sync.OnceFunc(func() { _, _ = sqlite.OFDLocking(true) })

func dsn(path, mode string) string {
	return fmt.Sprintf("file:%s?%s&_pragma=busy_timeout(%d)", (&url.URL{Path: path}).EscapedPath(), mode, busyMillis)
}

// withConn runs fn on the one connection to path and closes it.
func withConn(ctx context.Context, path, mode string, fn func(*sql.Conn) error) (err error) {
	askForOFDLocks()
	db, err := sql.Open("sqlite", dsn(path, mode))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return fn(c)
}

// explain words the failures of SQLite that a user can do something about.
func (d *SQLite) explain(err error) error {
	var se *sqlite.Error
	switch {
	case errors.Is(err, syscall.ENOSPC):
	case !errors.As(err, &se):
		return err
	}
	what := fmt.Sprintf("the database %q ", d.path)
	var code int
	if se != nil {
		code = se.Code() & 0xff
	}
	switch {
	case code == 13 || se == nil: // SQLITE_FULL
		return fault.Unreachable("the disk is full", err, "make room and run again")
	case code == 5 || code == 6: // SQLITE_BUSY, SQLITE_LOCKED
		return fault.Unreachable(what+"is locked by another process", err, "stop what uses it, or wait until it is idle, and run again")
	case se.Code() == 776: // SQLITE_READONLY_ROLLBACK
		return fault.Unreachable(what+"has a journal of a writer that was killed", err,
			"start the ZenML server that used it once, which brings the file in order, and run again")
	case code == 11 || code == 26: // SQLITE_CORRUPT, SQLITE_NOTADB
		return fault.Unreachable(what+"is damaged", err, "restore it from a backup that was made before the damage")
	}
	return err
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}
