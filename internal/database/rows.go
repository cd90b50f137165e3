package database

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
)

// Run is one pipeline run as its row tells it.
type Run struct {
	ID         string    // a UUID, without dashes
	Name       string    // of the run
	Status     string    // as the API tells it, "" when the row has none
	Pipeline   string    // its name, "" for a run of none
	Start, End time.Time // UTC, zero when the row has none
}

// runsQuery is the same on all engines: ZenML 0.58 to 0.98 have these columns.
const runsQuery = `SELECT r.id, r.name, COALESCE(r.status, ''), COALESCE(p.name, ''), COALESCE(CAST(r.start_time AS CHAR), ''), COALESCE(CAST(r.end_time AS CHAR), '')
FROM pipeline_run r LEFT JOIN pipeline p ON p.id = r.pipeline_id`

func runs(ctx context.Context, take func(Run), in within) error {
	err := in(func(c *sql.Conn) (err error) {
		rows, err := c.QueryContext(ctx, runsQuery)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r Run
			var start, end string
			if err := rows.Scan(&r.ID, &r.Name, &r.Status, &r.Pipeline, &start, &end); err != nil {
				return err
			}
			if r.Start, err = stamp(start); err != nil {
				return err
			}
			if r.End, err = stamp(end); err != nil {
				return err
			}
			take(r)
		}
		return rows.Err()
	})
	if err != nil {
		return fmt.Errorf("reading the pipeline runs in the database: %w", err)
	}
	return nil
}

// stamp reads a time as both engines write it: without a zone, in UTC.
func stamp(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse("2006-01-02 15:04:05.999999", text)
}

// within has a connection used that reads one state, as SQLite and the servers have it.
type within = func(use func(*sql.Conn) error) error

func (d *SQLite) reading(ctx context.Context) within {
	return func(use func(*sql.Conn) error) error {
		return withConn(ctx, d.real, liveRead, func(c *sql.Conn) error { return inRead(ctx, c, func() error { return use(c) }) })
	}
}

func (d *MySQL) reading(ctx context.Context) within {
	return func(use func(*sql.Conn) error) error { return d.client.With(ctx, use) }
}

// Runs gives every pipeline run to take, in no order, one row at a time.
func (d *SQLite) Runs(ctx context.Context, take func(Run)) error {
	return runs(ctx, take, d.reading(ctx))
}

// Runs gives every pipeline run to take, in no order, one row at a time.
func (d *MySQL) Runs(ctx context.Context, take func(Run)) error {
	return runs(ctx, take, d.reading(ctx))
}

// IDs gives the ids of all rows of one of ZenML's tables, in no order.
func (d *SQLite) IDs(ctx context.Context, table string) ([]uuid.UUID, error) {
	return ids(ctx, "SELECT id FROM "+quoteName(table), d.reading(ctx))
}

// IDs gives the ids of all rows of one of ZenML's tables, in no order.
func (d *MySQL) IDs(ctx context.Context, table string) ([]uuid.UUID, error) {
	return ids(ctx, "SELECT id FROM "+mysql.Quote(table), d.reading(ctx))
}

func ids(ctx context.Context, query string, in within) (out []uuid.UUID, err error) {
	err = in(func(c *sql.Conn) error {
		rows, err := c.QueryContext(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id uuid.UUID
			if err := rows.Scan(&id); err != nil {
				return err
			}
			out = append(out, id)
		}
		return rows.Err()
	})
	return out, err
}
