package database

import (
	"context"
	"database/sql"
	"fmt"
	"os"
)

// Snapshot copies an SQLite database that a server may be using into the new file to: the state of
// one moment, with what a write-ahead log holds. It is for throw-away databases: nothing is proved
// of the copy as Backup does.
func Snapshot(ctx context.Context, from, to string) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("making the copy of a database: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("making the copy of a database: %w", err)
	}
	err = withConn(ctx, from, liveRead, func(c *sql.Conn) error {
		return inRead(ctx, c, func() error { return copyPages(ctx, c, to) })
	})
	if err != nil {
		return fmt.Errorf("copying a database: %w", err)
	}
	return nil
}
