package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"modernc.org/sqlite"
)

// pagesAtOnce are copied between two looks at the context.
const pagesAtOnce = 2048

// making is a backup that is not finished.
type making struct {
	db *SQLite
	folder
}

// Backup makes a new folder in dir that holds a copy of the database, its manifest, and the steps
// by which a person restores it. While it is made the folder's name ends in ".partial": a backup
// that was killed is never taken for a whole one. On an error the folder is removed.
func (d *SQLite) Backup(ctx context.Context, dir string, meta Meta) (*Manifest, error) {
	b, err := d.begin(dir, meta)
	if err != nil {
		return nil, fmt.Errorf("making a backup: %w", err)
	}
	for _, step := range b.steps() {
		if err := step(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("making a backup of %q: %w", d.path, d.explain(err)), b.remove())
		}
	}
	return &b.m, nil
}

func (d *SQLite) begin(dir string, meta Meta) (*making, error) {
	f, err := newFolder(dir, d.URL(), meta)
	return &making{d, f}, err
}

// steps are the stages of a backup in order. Killed between any two, it leaves the database
// untouched and no folder that passes for a backup.
func (b *making) steps() []func(context.Context) error {
	return []func(context.Context) error{b.copyDatabase, b.checkCopy, b.describe, b.finish}
}

// copyDatabase copies in one read transaction, with what a write-ahead log holds. When the
// database is said to be quiescent the source is fingerprinted in that same transaction.
func (b *making) copyDatabase(ctx context.Context) error {
	target := filepath.Join(b.partial, copyName)
	f, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	var source Fingerprint
	err = withConn(ctx, b.db.real, liveRead, func(c *sql.Conn) error {
		var before, after int64
		err := inRead(ctx, c, func() (err error) {
			// data_version changes when somebody else commits (https://www.sqlite.org/pragma.html).
			if err = c.QueryRowContext(ctx, "PRAGMA data_version").Scan(&before); err != nil {
				return err
			}
			if b.m.Revision, err = revisionOf(ctx, c); err != nil {
				return err
			}
			if b.meta.Quiescent {
				if source, err = fingerprintOf(ctx, c); err != nil {
					return err
				}
			}
			return copyPages(ctx, c, target)
		})
		if err != nil || !b.meta.Quiescent {
			return err
		}
		if err := c.QueryRowContext(ctx, "PRAGMA data_version").Scan(&after); err != nil {
			return err
		}
		if before != after {
			return writtenMeanwhile(nil)
		}
		return nil
	})
	b.m.setContent(source)
	return err
}

func writtenMeanwhile(lines []string) error {
	what := "somebody wrote to the database while the backup was made, though every server was said to be stopped"
	if len(lines) > 0 {
		what = "the copy differs from the database: " + strings.Join(lines, "; ")
	}
	return fault.Unreachable(what, nil, "stop every server and client that uses the database, and run again")
}

// copyPages runs SQLite's online backup inside the read transaction that c is in: the copy is
// the state that transaction sees, however many batches it takes.
func copyPages(ctx context.Context, c *sql.Conn, target string) error {
	return c.Raw(func(driverConn any) error {
		from, ok := driverConn.(interface {
			NewBackup(string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the SQLite driver offers no online backup")
		}
		copying, err := from.NewBackup(dsn(target, "mode=rw"))
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			if err = ctx.Err(); err == nil {
				more, err = copying.Step(pagesAtOnce)
			}
		}
		return errors.Join(err, copying.Finish())
	})
}

// checkCopy reads the copy back from disk: SQLite's own check, then the content.
func (b *making) checkCopy(ctx context.Context) error {
	target := filepath.Join(b.partial, copyName)
	if err := syncPath(target); err != nil {
		return err
	}
	var copied Fingerprint
	err := withConn(ctx, target, still, func(c *sql.Conn) (err error) {
		var answer string
		if err = c.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&answer); err != nil {
			return err
		}
		if answer != "ok" {
			return fault.Unreachable("SQLite's integrity check finds the database damaged", errors.New(cut(answer, 200)),
				"repair or restore the database before any upgrade")
		}
		if err = c.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&b.m.EngineVersion); err != nil {
			return err
		}
		if copied, err = fingerprintOf(ctx, c); err != nil {
			return err
		}
		b.m.Keys.Secrets, err = secretsOf(ctx, c, copied, b.meta.EncryptionKey)
		return err
	})
	if err != nil {
		return err
	}
	if b.meta.Quiescent {
		source := b.m.Fingerprint()
		if lines := source.Diff(copied); len(lines) > 0 {
			return writtenMeanwhile(lines)
		}
	}
	b.m.setContent(copied)
	st, err := os.Stat(target)
	if err != nil {
		return err
	}
	b.m.Bytes = st.Size()
	return nil
}

// describe writes the steps for a person and, last, the manifest.
func (b *making) describe(ctx context.Context) error {
	sum, err := fileDigest(ctx, filepath.Join(b.partial, copyName))
	if err != nil {
		return err
	}
	b.m.Engine, b.m.SourceURL = sqliteEngine, b.db.URL()
	return b.seal(ctx, map[string]string{stepsName: restoreSteps(&b.folder, b.db, sum)})
}
