package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// acts are the tables whose rows make a server act by itself, with the columns that switch a row
// on: they have several names through the versions (ZenML's table definitions, 0.55 to 0.98).
var acts = map[string][]string{
	"schedule": {"active"}, "trigger": {"active", "is_active"}, "event_source": {"is_active"}, "webhook": {"active"},
}

// SwitchOff switches schedules and triggers off in the copy, all or none, and returns how many
// were on. It is a throw-away copy's alone: no other database has this method. The copy no longer
// equals its backup then, so it comes after the proof.
func (s *Scratch) SwitchOff(ctx context.Context) (int64, error) {
	if d, ok := s.DB.(*MySQL); ok {
		return d.switchOff(ctx)
	}
	return s.DB.(*SQLite).switchOff(ctx)
}

func (d *SQLite) switchOff(ctx context.Context) (rows int64, err error) {
	err = withConn(ctx, d.real, liveWrite, func(c *sql.Conn) (err error) {
		rows, err = switchOff(ctx, c, "BEGIN IMMEDIATE", `SELECT count(*) FROM pragma_table_info(?) WHERE name = ?`, quoteName)
		return err
	})
	return rows, err
}

// switchOff is the same for every kind of database but for how a transaction begins, how a column of
// a table is counted (table and column are bound) and how a name is quoted.
func switchOff(ctx context.Context, c *sql.Conn, begin, count string, quote func(string) string) (int64, error) {
	if _, err := c.ExecContext(ctx, begin); err != nil {
		return 0, err
	}
	rows, err := switchRows(ctx, c, count, quote)
	if err != nil {
		_, undone := c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return 0, errors.Join(err, undone)
	}
	_, err = c.ExecContext(ctx, "COMMIT")
	return rows, err
}

func switchRows(ctx context.Context, c *sql.Conn, count string, quote func(string) string) (rows int64, err error) {
	for table, switches := range acts {
		for _, column := range switches {
			var there int
			if err := c.QueryRowContext(ctx, count, table, column).Scan(&there); err != nil {
				return 0, fmt.Errorf("table %q: %w", table, err)
			}
			if there == 0 {
				continue
			}
			name := quote(column)
			res, err := c.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET %s = 0 WHERE %s <> 0", quote(table), name, name))
			if err != nil {
				return 0, fmt.Errorf("table %q: %w", table, err)
			}
			n, err := res.RowsAffected()
			if err != nil {
				return 0, err
			}
			rows += n
		}
	}
	return rows, nil
}
