package database

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"
)

// Table is what a table holds: its number of rows and "sha256:..." over them.
type Table struct {
	Rows        int64  `json:"rows"`
	Fingerprint string `json:"fingerprint"`
}

// Fingerprint is the content of a database, whatever the order of rows or pages on disk. Two
// fingerprints are equal exactly when schema and rows are.
type Fingerprint struct {
	Schema string           `json:"schema"` // "sha256:..." over tables, indexes, views, triggers and the header's settings
	Tables map[string]Table `json:"tables"`
}

// Digest returns "sha256:..." over schema and all tables.
func (f Fingerprint) Digest() string {
	h := sha256.New()
	writeText(h, f.Schema)
	for _, name := range slices.Sorted(maps.Keys(f.Tables)) {
		writeText(h, name)
		writeText(h, f.Tables[name].Fingerprint)
	}
	return digestText(h)
}

// Diff says in sorted lines how other differs: tables by name with their rows; empty when equal.
func (f Fingerprint) Diff(other Fingerprint) []string {
	lines := []string{}
	names := maps.Clone(f.Tables)
	if names == nil {
		names = map[string]Table{}
	}
	maps.Copy(names, other.Tables)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, inA := f.Tables[name]
		b, inB := other.Tables[name]
		switch {
		case !inA:
			lines = append(lines, fmt.Sprintf("table %q is new (%d rows)", name, b.Rows))
		case !inB:
			lines = append(lines, fmt.Sprintf("table %q is gone (had %d rows)", name, a.Rows))
		case a != b:
			lines = append(lines, fmt.Sprintf("table %q differs (%d rows, then %d)", name, a.Rows, b.Rows))
		}
	}
	if f.Schema != other.Schema {
		lines = append(lines, "the schema (tables, columns, indexes, views, triggers or header) differs")
	}
	return lines
}

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
		if f.Tables[name], err = tableOf(ctx, c, name); err != nil {
			return Fingerprint{}, fmt.Errorf("reading table %q: %w", name, err)
		}
	}
	return f, nil
}

// schemaOf returns the schema's digest and the names of all tables that hold rows themselves,
// SQLite's own (sqlite_sequence) among them. Virtual tables have no root page; their rows stand
// in tables of their own, which are listed.
func schemaOf(ctx context.Context, c *sql.Conn) (string, []string, error) {
	h := sha256.New()
	for _, setting := range []string{"user_version", "application_id", "encoding"} {
		var v string
		if err := c.QueryRowContext(ctx, "PRAGMA "+setting).Scan(&v); err != nil {
			return "", nil, err
		}
		if setting == "encoding" && v != "UTF-8" {
			// The driver hands text over as UTF-8, which is not exact for broken UTF-16.
			return "", nil, fmt.Errorf("the database's text is stored as %s, and only UTF-8 can be compared exactly", v)
		}
		writeText(h, setting)
		writeText(h, v)
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
		for _, s := range []string{kind, name, table, text, none} {
			writeText(h, s)
		}
		if kind == "table" && stored {
			tables = append(tables, name)
		}
	}
	return digestText(h), tables, rows.Err()
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

// tableOf digests a table's rows. The digests of the rows are added as numbers mod 2^256, which
// needs no order and no memory, and counts a row that stands there twice twice (combining by xor
// would cancel the two). It is proof against accident (rows lost, doubled, values swapped between
// rows), not against somebody who writes rows in order to forge a sum.
func tableOf(ctx context.Context, c *sql.Conn, table string) (Table, error) {
	columns, err := columnsOf(ctx, c, table)
	if err != nil {
		return Table{}, err
	}
	selected := make([]string, len(columns))
	for i, name := range columns {
		// The plus takes the declared type away: the driver would turn the text of a DATETIME
		// column into a time, and two texts could become one.
		selected[i] = "+" + quoteName(name)
	}
	rows, err := c.QueryContext(ctx, "SELECT "+strings.Join(selected, ", ")+" FROM "+quoteName(table)+" NOT INDEXED")
	if err != nil {
		return Table{}, err
	}
	defer rows.Close()
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	var sum [4]uint64
	var count int64
	row := sha256.New()
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return Table{}, err
		}
		row.Reset()
		for _, v := range values {
			if err := writeValue(row, v); err != nil {
				return Table{}, err
			}
		}
		add(&sum, row.Sum(nil))
		count++
	}
	if err := rows.Err(); err != nil {
		return Table{}, err
	}
	h := sha256.New()
	for _, name := range columns {
		writeText(h, name)
	}
	for _, n := range append(sum[:], uint64(count)) {
		writeNumber(h, n)
	}
	return Table{Rows: count, Fingerprint: digestText(h)}, nil
}

// add adds a digest, read as a big-endian number, to sum mod 2^256.
func add(sum *[4]uint64, digest []byte) {
	var carry uint64
	for i := 3; i >= 0; i-- {
		sum[i], carry = bits.Add64(sum[i], binary.BigEndian.Uint64(digest[8*i:]), carry)
	}
}

// writeValue writes a value so that no two different values give the same bytes: type first,
// length before what can vary.
func writeValue(h hash.Hash, v any) error {
	switch v := v.(type) {
	case nil:
		h.Write([]byte{'n'})
	case int64:
		h.Write([]byte{'i'})
		writeNumber(h, uint64(v))
	case float64:
		h.Write([]byte{'f'})
		writeNumber(h, math.Float64bits(v)) // by bits: 0 and -0 differ
	case string:
		h.Write([]byte{'t'})
		writeText(h, v)
	case []byte:
		h.Write([]byte{'b'})
		writeNumber(h, uint64(len(v)))
		h.Write(v)
	default:
		return fmt.Errorf("the driver gave a value of type %T, which cannot be compared", v)
	}
	return nil
}

func writeText(h hash.Hash, s string) {
	writeNumber(h, uint64(len(s)))
	h.Write([]byte(s))
}

func writeNumber(h hash.Hash, n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	h.Write(b[:])
}

func digestText(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
