package database

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What would act by itself is off in a copy, in the tables of every version, and on in the original.
func TestSwitchOff(t *testing.T) {
	t.Parallel()
	d := sample(t, "DELETE")
	change(t, d,
		`CREATE TABLE schedule (name TEXT, active BOOLEAN)`, `INSERT INTO schedule VALUES ('nightly', 1), ('paused', 0), ('weekly', 1)`,
		`CREATE TABLE "trigger" (name TEXT, is_active BOOLEAN)`, `INSERT INTO "trigger" VALUES ('on push', 1)`,
		`CREATE TABLE webhook (name TEXT)`, `INSERT INTO webhook VALUES ('without a switch')`,
	)
	m := backup(t, d)
	s, err := d.Scratch(t.Context(), m.Path, t.TempDir(), ignore)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int64{3, 0} { // the second time all are off
		if n, err := s.SwitchOff(t.Context()); err != nil || n != want {
			t.Errorf("switched off %d, want %d: %v", n, want, err)
		}
	}
	on := func(d *SQLite) (out []string) {
		err := withConn(t.Context(), d.real, liveRead, func(c *sql.Conn) error {
			for table, column := range map[string]string{"schedule": "active", "trigger": "is_active"} {
				var n int
				if err := c.QueryRowContext(context.Background(), fmt.Sprintf(`SELECT count(*) FROM "%s" WHERE %s`, table, column)).Scan(&n); err != nil {
					return err
				}
				out = append(out, fmt.Sprint(n))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if diff := cmp.Diff([]string{"0", "0"}, on(s.DB.(*SQLite))); diff != "" {
		t.Errorf("still on in the copy:\n%s", diff)
	}
	if lines := m.Fingerprint().Diff(contentOf(t, d)); len(lines) > 0 {
		t.Errorf("the original was changed: %v", lines)
	}
}
