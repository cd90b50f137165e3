package database

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
)

func TestSnapshotOfADatabaseInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")
	count := func(path string) (n int) {
		t.Helper()
		err := withConn(t.Context(), path, "mode=ro", func(c *sql.Conn) error {
			return c.QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	err := withConn(t.Context(), from, "mode=rwc", func(c *sql.Conn) error {
		exec := func(ctx context.Context, statements ...string) error {
			for _, s := range statements {
				if _, err := c.ExecContext(ctx, s); err != nil {
					return err
				}
			}
			return nil
		}
		// What is committed lies in the write-ahead log alone; what is not must not come along.
		err := exec(t.Context(), "PRAGMA journal_mode=WAL", "CREATE TABLE t (n)", "INSERT INTO t VALUES (1), (2)", "BEGIN IMMEDIATE", "INSERT INTO t VALUES (3)")
		if err != nil {
			return err
		}
		if err := Snapshot(t.Context(), from, to); err != nil {
			return err
		}
		return exec(t.Context(), "COMMIT")
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := count(to); n != 2 {
		t.Errorf("the copy holds %d rows, not the 2 that were committed", n)
	}
	if n := count(from); n != 3 {
		t.Errorf("the database holds %d rows", n)
	}
	if err := Snapshot(t.Context(), from, to); err == nil {
		t.Error("a file that exists is overwritten")
	}
}
