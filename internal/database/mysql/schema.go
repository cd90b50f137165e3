package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/content"
)

// MarkerTable is this tool's own table. It says that a database is a throw-away copy, or that a
// restore of it has not ended. It belongs to no content.
const MarkerTable = "zenml_upgrade_marker"

// Schema is what a database consists of, beside its rows.
type Schema struct {
	Charset, Collation string
	Tables             []string // base tables and sequences, without MarkerTable
	Views              []string
	Triggers           []string
	Routines           []Routine
	Events             []string
}

// Routine is a stored procedure or function, or a package of MariaDB's.
type Routine struct{ Kind, Name string }

var (
	// autoIncrement is the next number of a table: it changes with every row and is no schema.
	autoIncrement = regexp.MustCompile(` AUTO_INCREMENT=\d+`)
	// columnCharset follows a column's type. MySQL 8 writes it or leaves it out by how the column was
	// once declared, which no dump keeps (measured on 8.0.15); what it is stands in the columns' own list.
	columnCharset = regexp.MustCompile("(?m)^(  `(?:[^`]|``)+` \\w+(?:\\((?:'(?:[^']|'')*'|[^')])*\\))?)(?: CHARACTER SET \\w+)?(?: COLLATE \\w+)?")
)

// ReadSchema lists a database's objects by name.
func ReadSchema(ctx context.Context, c *sql.Conn) (*Schema, error) {
	s := &Schema{}
	err := c.QueryRowContext(ctx, `SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = DATABASE()`).
		Scan(&s.Charset, &s.Collation)
	if err != nil {
		return nil, fmt.Errorf("reading the database's character set: %w", err)
	}
	tables, err := pairs(ctx, c, `SELECT table_type, table_name FROM information_schema.tables WHERE table_schema = DATABASE()`)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		switch kind, name := t[0], t[1]; kind {
		case "BASE TABLE", "SEQUENCE":
			if name != MarkerTable {
				s.Tables = append(s.Tables, name)
			}
		case "VIEW":
			s.Views = append(s.Views, name)
		default:
			return nil, fmt.Errorf("the table %q is of the kind %q, which no dump restores exactly", name, kind)
		}
	}
	routines, err := pairs(ctx, c, `SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = DATABASE()`)
	if err != nil {
		return nil, err
	}
	for _, r := range routines {
		s.Routines = append(s.Routines, Routine{r[0], r[1]})
	}
	for _, list := range []struct {
		into  *[]string
		query string
	}{
		{&s.Triggers, `SELECT '', trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()`},
		{&s.Events, `SELECT '', event_name FROM information_schema.events WHERE event_schema = DATABASE()`},
	} {
		found, err := pairs(ctx, c, list.query)
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			*list.into = append(*list.into, p[1])
		}
	}
	return s, nil
}

// pairs reads two columns of text, sorted by bytes: the server's order depends on collations.
func pairs(ctx context.Context, c *sql.Conn, query string) ([][2]string, error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out [][2]string
	for rows.Next() {
		var p [2]string
		if err := rows.Scan(&p[0], &p[1]); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0]+"\x00"+a[1], b[0]+"\x00"+b[1]) })
	return out, rows.Err()
}

// digest returns the schema's digest: the server's own text of every object, and the columns'
// character sets.
func (s *Schema) digest(ctx context.Context, c *sql.Conn, columns map[string][]column) (string, error) {
	t := content.NewTexts()
	t.Add(s.Charset, s.Collation)
	for _, name := range s.Tables {
		for _, col := range columns[name] {
			t.Add(name, col.name, col.charset, col.collation)
		}
	}
	add := func(kind, name string) error {
		texts, err := show(ctx, c, kind, name)
		if err != nil {
			return fmt.Errorf("reading the %s %q: %w", strings.ToLower(kind), name, err)
		}
		t.Add(append([]string{kind, name}, texts...)...)
		return nil
	}
	var err error
	for _, list := range []struct {
		kind  string
		names []string
	}{{"TABLE", s.Tables}, {"VIEW", s.Views}, {"TRIGGER", s.Triggers}, {"EVENT", s.Events}} {
		for _, name := range list.names {
			err = errors.Join(err, add(list.kind, name))
		}
	}
	for _, r := range s.Routines {
		err = errors.Join(err, add(r.Kind, r.Name))
	}
	return t.Digest(), err
}

// show returns what SHOW CREATE says: statement, sql_mode, character sets. What says when an
// object was made is left out.
func show(ctx context.Context, c *sql.Conn, kind, name string) ([]string, error) {
	rows, err := c.QueryContext(ctx, "SHOW CREATE "+kind+" "+Quote(name))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, targets := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	if !rows.Next() {
		return nil, errors.Join(errors.New("the server does not show it"), rows.Err())
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, err
	}
	var out []string
	for i, v := range values {
		switch {
		case columns[i] == "Created":
		case !v.Valid:
			return nil, fmt.Errorf("this user may not see its text (%s)", columns[i])
		case kind == "TABLE":
			out = append(out, columnCharset.ReplaceAllString(autoIncrement.ReplaceAllString(v.String, ""), "$1"))
		default:
			out = append(out, v.String)
		}
	}
	return out, rows.Err()
}

// Quote quotes a name for a statement.
func Quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
