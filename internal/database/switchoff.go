package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
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
		if _, err = c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
			return err
		}
		if rows, err = switchOff(ctx, c); err != nil {
			_, undone := c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
			return errors.Join(err, undone)
		}
		_, err = c.ExecContext(ctx, "COMMIT")
		return err
	})
	return rows, err
}

func switchOff(ctx context.Context, c *sql.Conn) (rows int64, err error) {
	for table, switches := range acts {
		var there int
		if err := c.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?`, table).Scan(&there); err != nil {
			return 0, err
		}
		if there == 0 {
			continue
		}
		columns, err := columnsOf(ctx, c, table)
		if err != nil {
			return 0, fmt.Errorf("table %q: %w", table, err)
		}
		for _, column := range switches {
			if !slices.Contains(columns, column) {
				continue
			}
			name := quoteName(column)
			res, err := c.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET %s = 0 WHERE %s <> 0", quoteName(table), name, name))
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
