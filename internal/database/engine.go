package database

import (
	"context"
	"database/sql"
	"fmt"
)

// Engine names a database's engine and its version: "SQLite", or what the server says of itself. A
// SQLite file has no server whose version could matter.
func Engine(ctx context.Context, d Database) (string, error) {
	m, ok := d.(*MySQL)
	if !ok {
		return "SQLite", nil
	}
	var version string
	err := m.client.With(ctx, func(c *sql.Conn) error { return c.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version) })
	if err != nil {
		return "", fmt.Errorf("asking the database server's version: %w", err)
	}
	return version, nil
}
