package database

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
)

// foreignKey is one key of a table, column by column.
type foreignKey struct {
	name, table, parent string
	columns, refers     []string
}

// Orphans looks whether these foreign keys hold: a line for each that has rows without their parent, and how
// many of the keys there are. One that is gone by now wants nothing.
func (d *MySQL) Orphans(ctx context.Context, names []string) (there int, lines []string, err error) {
	err = d.client.With(ctx, func(c *sql.Conn) error {
		keys, err := foreignKeys(ctx, c)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, k.name) }) {
				continue
			}
			there++
			var n int64
			if err := c.QueryRowContext(ctx, k.orphans()).Scan(&n); err != nil {
				return fmt.Errorf("key %q of table %q: %w", k.name, k.table, err)
			}
			if n > 0 {
				lines = append(lines, fmt.Sprintf("%d rows of table %q have no row in %q (%s)", n, k.table, k.parent, k.name))
			}
		}
		return nil
	})
	if err != nil {
		return 0, nil, fmt.Errorf("looking for rows without their parent: %w", err)
	}
	return there, lines, nil
}

func foreignKeys(ctx context.Context, c *sql.Conn) ([]*foreignKey, error) {
	rows, err := c.QueryContext(ctx, `SELECT constraint_name, table_name, referenced_table_name, column_name, referenced_column_name
		FROM information_schema.key_column_usage WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL
		ORDER BY table_name, constraint_name, ordinal_position`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []*foreignKey
	for rows.Next() {
		var k foreignKey
		var column, refers string
		if err := rows.Scan(&k.name, &k.table, &k.parent, &column, &refers); err != nil {
			return nil, err
		}
		if n := len(keys); n == 0 || keys[n-1].name != k.name || keys[n-1].table != k.table {
			keys = append(keys, &k)
		}
		last := keys[len(keys)-1]
		last.columns, last.refers = append(last.columns, column), append(last.refers, refers)
	}
	return keys, rows.Err()
}

// orphans counts the rows that the key forbids: those with a value in each column and no parent. (With an
// empty column the key asks for nothing: MATCH SIMPLE, the only kind that MySQL and MariaDB have.)
func (k *foreignKey) orphans() string {
	var on, set []string
	for i, c := range k.columns {
		on = append(on, fmt.Sprintf("p.%s = c.%s", mysql.Quote(k.refers[i]), mysql.Quote(c)))
		set = append(set, "c."+mysql.Quote(c)+" IS NOT NULL")
	}
	return fmt.Sprintf("SELECT COUNT(*) FROM %s c WHERE %s AND NOT EXISTS (SELECT 1 FROM %s p WHERE %s)",
		mysql.Quote(k.table), strings.Join(set, " AND "), mysql.Quote(k.parent), strings.Join(on, " AND "))
}
