package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/content"
)

// Snapshot is one state of a database, which others go on changing.
type Snapshot struct {
	conn *sql.Conn
	done func() error
}

// Snapshot fixes the state that is there now. End it soon: the server keeps what others replace.
func (c *Client) Snapshot(ctx context.Context) (*Snapshot, error) {
	conn, done, err := c.open(ctx, c.Name)
	if err != nil {
		return nil, err
	}
	for _, s := range []string{
		"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT",
		// Texts come as the bytes that are stored, whatever their character set.
		"SET SESSION character_set_results = NULL",
	} {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return nil, errors.Join(err, done())
		}
	}
	return &Snapshot{conn, done}, nil
}

// End lets the state go.
func (s *Snapshot) End() error { return s.done() }

// Fingerprint reads all content of the state. Memory stays bounded by the largest row. A table
// whose definition others changed meanwhile is an error.
func (s *Snapshot) Fingerprint(ctx context.Context) (content.Fingerprint, *Schema, error) {
	return fingerprint(ctx, []*Snapshot{s})
}

// readers is how many sessions read side by side: one is kept waiting by the server, more take its processors.
const readers = 2

// Fingerprint reads the content that is there now, in sessions side by side whose states were fixed one
// after the other: what others write in that moment shows in some of them only. So it is for a
// database at rest, or to be compared with a Snapshot's: where they are equal, nothing was written.
func (c *Client) Fingerprint(ctx context.Context) (f content.Fingerprint, schema *Schema, err error) {
	var all []*Snapshot
	defer func() {
		for _, s := range all {
			err = errors.Join(err, s.End())
		}
	}()
	for range readers {
		s, err := c.Snapshot(ctx)
		if err != nil {
			return content.Fingerprint{}, nil, err
		}
		all = append(all, s)
	}
	return fingerprint(ctx, all)
}

// fingerprint reads the schema in the first of the sessions and the tables in whichever is free.
func fingerprint(ctx context.Context, sessions []*Snapshot) (content.Fingerprint, *Schema, error) {
	first := sessions[0]
	schema, err := ReadSchema(ctx, first.conn)
	if err != nil {
		return content.Fingerprint{}, nil, fmt.Errorf("listing what the database holds: %w", err)
	}
	f := content.Fingerprint{Tables: map[string]content.Table{}}
	columns, err := first.columns(ctx)
	if err != nil {
		return content.Fingerprint{}, nil, fmt.Errorf("listing columns: %w", err)
	}
	if f.Schema, err = schema.digest(ctx, first.conn, columns); err != nil {
		return content.Fingerprint{}, nil, err
	}
	tables := make(chan string, len(schema.Tables))
	for _, name := range schema.Tables {
		tables <- name
	}
	close(tables)
	var mu sync.Mutex // of f
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range sessions {
		g.Go(func() error {
			for name := range tables {
				sum, err := s.table(ctx, name, columns[name])
				if err != nil {
					return fmt.Errorf("reading table %q: %w", name, err)
				}
				mu.Lock()
				sum.Into(&f)
				mu.Unlock()
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return content.Fingerprint{}, nil, err
	}
	return f, schema, nil
}

type column struct{ name, kind, charset, collation string }

// columns lists each table's columns in order. SELECT * would leave invisible ones out.
func (s *Snapshot) columns(ctx context.Context) (map[string][]column, error) {
	rows, err := s.conn.QueryContext(ctx, `SELECT table_name, column_name, LOWER(data_type), COALESCE(character_set_name, ''),
		COALESCE(collation_name, '') FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string][]column{}
	for rows.Next() {
		var table string
		var c column
		if err := rows.Scan(&table, &c.name, &c.kind, &c.charset, &c.collation); err != nil {
			return nil, err
		}
		out[table] = append(out[table], c)
	}
	return out, rows.Err()
}

// table digests a table's rows. The values come in the server's text form, which gives every two
// different values of one column different texts, but for FLOAT, which it rounds to six digits:
// as a DOUBLE such a number is told apart. What type a column has stands in the schema.
func (s *Snapshot) table(ctx context.Context, name string, columns []column) (*content.Sum, error) {
	if len(columns) == 0 {
		return nil, errors.New("it has no columns that can be read")
	}
	names, selected := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i], selected[i] = c.name, Quote(c.name)
		if c.kind == "float" {
			selected[i] += " + 0e0"
		}
	}
	sum := content.NewSum(name, names)
	err := s.each(ctx, "SELECT "+strings.Join(selected, ", ")+" FROM "+Quote(name), func(row []driver.Value) error {
		for i, v := range row {
			for _, into := range sum.Of(i) {
				if err := addValue(into, v); err != nil {
					return err
				}
			}
		}
		sum.End()
		return nil
	})
	return sum, err
}

func addValue(sum *content.Rows, v driver.Value) error {
	switch v := v.(type) {
	case nil:
		sum.Null()
	case []byte:
		sum.Bytes(v)
	case string:
		sum.Text(v)
	case int64:
		sum.Int(v)
	case float64:
		sum.Float(v)
	default:
		return fmt.Errorf("the driver gave a value of type %T, which cannot be compared", v)
	}
	return nil
}

// each hands every row of an answer over as the driver gives it, without a copy: database/sql
// would make one of each value.
func (s *Snapshot) each(ctx context.Context, query string, use func([]driver.Value) error) error {
	return s.conn.Raw(func(raw any) (err error) {
		q, ok := raw.(driver.QueryerContext)
		if !ok {
			return errors.New("the MySQL driver cannot be asked directly")
		}
		rows, err := q.QueryContext(ctx, query, nil)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		row := make([]driver.Value, len(rows.Columns()))
		for {
			switch err := rows.Next(row); {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return err
			}
			if err := use(row); err != nil {
				return err
			}
		}
	})
}
