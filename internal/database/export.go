package database

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
)

// WrittenSuffix ends the name of the file, beside a backup, with what was written since.
const WrittenSuffix = ".written.jsonl"

// ProofSuffix ends the name of the file, beside a backup, that says that a rehearsal on it passed.
const ProofSuffix = ".proof.json"

// hidden are the columns whose values are secrets, or open something. They are whole in the backup of
// what was there.
var hidden = []string{"values", "key", "previous_key", "password", "activation_token", "token", "secret", "encrypted_payload"}

// exporting writes rows as JSON lines: {"table": ..., "row": {column: value}}. Bytes that are no text
// stand as base64.
type exporting struct {
	conn  *sql.Conn
	quote func(string) string
	out   *bufio.Writer
	rows  int64
}

// export writes the tables' rows that were made or changed since, as far as they say so, to a new file
// at path, which a killed run leaves under a name that sweep knows. An older file is replaced.
func export(ctx context.Context, path, url string, tables []string, since time.Time, in within, quote func(string) string) (int64, error) {
	partial := path + partialEnd(url)
	if err := os.Remove(partial); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	f, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	e := &exporting{quote: quote, out: bufio.NewWriter(f)}
	err = in(func(c *sql.Conn) error {
		e.conn = c
		for _, t := range tables {
			if err := e.table(ctx, t, since); err != nil {
				return fmt.Errorf("table %q: %w", t, err)
			}
		}
		return nil
	})
	if err = errors.Join(err, e.out.Flush(), f.Sync(), f.Close()); err == nil {
		err = os.Rename(partial, path)
	}
	if err != nil {
		return 0, errors.Join(err, ignoreMissing(os.Remove(partial)))
	}
	return e.rows, syncPath(filepath.Dir(path))
}

func (e *exporting) table(ctx context.Context, name string, since time.Time) error {
	columns, err := e.columns(ctx, name)
	if err != nil {
		return err
	}
	query, args := fmt.Sprintf("SELECT * FROM %s", e.quote(name)), []any{} //nolint:gosec // a quoted name of the database's own
	var newer []string
	for _, c := range []string{"created", "updated"} {
		if slices.Contains(columns, c) {
			newer = append(newer, fmt.Sprintf("%[1]s IS NULL OR %[1]s >= ?", e.quote(c)))
			args = append(args, since.UTC().Format("2006-01-02 15:04:05"))
		}
	}
	if len(newer) > 0 {
		query += " WHERE " + strings.Join(newer, " OR ")
	}
	rows, err := e.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := e.row(rows, name, columns); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (e *exporting) columns(ctx context.Context, table string) ([]string, error) {
	rows, err := e.conn.QueryContext(ctx, fmt.Sprintf("SELECT * FROM %s WHERE 1 = 0", e.quote(table)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	return columns, errors.Join(err, rows.Err())
}

func (e *exporting) row(rows *sql.Rows, table string, columns []string) error {
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	row := map[string]any{}
	for i, c := range columns {
		b, isBytes := values[i].([]byte)
		switch {
		case slices.Contains(hidden, strings.ToLower(c)):
			row[c] = "(left out)"
		case isBytes && utf8.Valid(b):
			row[c] = string(b)
		case isBytes:
			row[c] = map[string]string{"base64": base64.StdEncoding.EncodeToString(b)}
		default:
			row[c] = values[i]
		}
	}
	line, err := json.Marshal(map[string]any{"table": table, "row": row})
	if err != nil {
		return err
	}
	e.rows++
	_, err = e.out.Write(append(line, '\n'))
	return err
}

// Export writes the rows of tables that were made or changed since a time to the file path.
func (d *SQLite) Export(ctx context.Context, path string, tables []string, since time.Time) (int64, error) {
	return export(ctx, path, d.URL(), tables, since, d.reading(ctx), quoteName)
}

// Export writes the rows of tables that were made or changed since a time to the file path.
func (d *MySQL) Export(ctx context.Context, path string, tables []string, since time.Time) (int64, error) {
	return export(ctx, path, d.URL(), tables, since, d.reading(ctx), mysql.Quote)
}
