package database

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/content"
)

// Table is what a table holds.
type Table = content.Table

// Fingerprint is what a database holds.
type Fingerprint = content.Fingerprint

// Fingerprint reads all content in one read transaction. Memory stays bounded by the largest row.
func (d *SQLite) Fingerprint(ctx context.Context) (Fingerprint, error) {
	f, err := fingerprintFile(ctx, d.real, liveRead)
	if err != nil {
		return Fingerprint{}, fmt.Errorf("fingerprinting the database: %w", d.explain(err))
	}
	return f, nil
}

func fingerprintFile(ctx context.Context, path, mode string) (f Fingerprint, err error) {
	err = withConn(ctx, path, mode, func(c *sql.Conn) error {
		return inRead(ctx, c, func() error {
			f, err = fingerprintOf(ctx, c)
			return err
		})
	})
	return f, err
}

// inRead runs fn in a transaction that sees one state of the database.
func inRead(ctx context.Context, c *sql.Conn, fn func() error) error {
	if _, err := c.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	// Ended whatever the context says; there is nothing to lose in a transaction that only read.
	defer func() { _, _ = c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") }()
	return fn()
}

func fingerprintOf(ctx context.Context, c *sql.Conn) (Fingerprint, error) {
	schema, tables, err := schemaOf(ctx, c)
	if err != nil {
		return Fingerprint{}, fmt.Errorf("reading the schema: %w", err)
	}
	f := Fingerprint{Schema: schema, Tables: map[string]Table{}}
	for _, name := range tables {
		if err = tableOf(ctx, c, name, &f); err != nil {
			return Fingerprint{}, fmt.Errorf("reading table %q: %w", name, err)
		}
	}
	return f, nil
}

// schemaOf returns the schema's digest and the names of all tables that hold rows themselves,
// SQLite's own (sqlite_sequence) among them. Virtual tables have no root page; their rows stand
// in tables of their own, which are listed.
func schemaOf(ctx context.Context, c *sql.Conn) (string, []string, error) {
	t := content.NewTexts()
	for _, setting := range []string{"user_version", "application_id", "encoding"} {
		var v string
		if err := c.QueryRowContext(ctx, "PRAGMA "+setting).Scan(&v); err != nil {
			return "", nil, err
		}
		if setting == "encoding" && v != "UTF-8" {
			// The driver hands text over as UTF-8, which is not exact for broken UTF-16.
			return "", nil, fmt.Errorf("the database's text is stored as %s, and only UTF-8 can be compared exactly", v)
		}
		t.Add(setting, v)
	}
	rows, err := c.QueryContext(ctx, `SELECT type, name, tbl_name, coalesce(sql, ''), sql IS NULL, rootpage > 0
		FROM sqlite_master ORDER BY type COLLATE BINARY, name COLLATE BINARY`)
	if err != nil {
		return "", nil, err
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var kind, name, table, text, none string
		var stored bool
		if err := rows.Scan(&kind, &name, &table, &text, &none, &stored); err != nil {
			return "", nil, err
		}
		t.Add(kind, name, table, text, none)
		if kind == "table" && stored {
			tables = append(tables, name)
		}
	}
	return t.Digest(), tables, rows.Err()
}

func columnsOf(ctx context.Context, c *sql.Conn, table string) ([]string, error) {
	rows, err := c.QueryContext(ctx, `SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if len(names) == 0 && rows.Err() == nil {
		return nil, fmt.Errorf("it has no columns that can be read")
	}
	return names, rows.Err()
}

// tableOf digests a table's rows into f.
func tableOf(ctx context.Context, c *sql.Conn, table string, f *Fingerprint) error {
	columns, err := columnsOf(ctx, c, table)
	if err != nil {
		return err
	}
	selected := make([]string, len(columns))
	for i, name := range columns {
		// The plus takes the declared type away: the driver would turn the text of a DATETIME
		// column into a time, and two texts could become one.
		selected[i] = "+" + quoteName(name)
	}
	//nolint:gosec // names cannot be bound as values; each is quoted as SQLite asks
	rows, err := c.QueryContext(ctx, "SELECT "+strings.Join(selected, ", ")+" FROM "+quoteName(table)+" NOT INDEXED")
	if err != nil {
		return err
	}
	defer rows.Close()
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	sum := content.NewSum(table, columns)
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		for i, v := range values {
			for _, s := range sum.Of(i) {
				if err := addValue(s, v); err != nil {
					return err
				}
			}
		}
		sum.End()
	}
	sum.Into(f)
	return rows.Err()
}

func addValue(sum *content.Rows, v any) error {
	switch v := v.(type) {
	case nil:
		sum.Null()
	case int64:
		sum.Int(v)
	case float64:
		sum.Float(v)
	case string:
		sum.Text(v)
	case []byte:
		sum.Bytes(v)
	default:
		return fmt.Errorf("the driver gave a value of type %T, which cannot be compared", v)
	}
	return nil
}

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
