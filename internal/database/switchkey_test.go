package database

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
)

// A key is revoked in the copy and nowhere else, and it comes back.
func TestSwitchKey(t *testing.T) {
	t.Parallel()
	const id, kept = "0f7f0f80-8a8a-4c7a-9d0e-111111111111", "0f7f0f808a8a4c7a9d0e111111111111"
	rows := []string{`CREATE TABLE api_key (id CHAR(32) PRIMARY KEY, active BOOLEAN NOT NULL)`, `INSERT INTO api_key VALUES ('` + kept + `', 1), ('another', 1)`}
	check := func(t *testing.T, s *Scratch) {
		t.Helper()
		for _, on := range []bool{false, true} {
			if err := s.SwitchKey(t.Context(), id, on); err != nil {
				t.Fatal(err)
			}
			if got, other := activeKey(t, s, kept), activeKey(t, s, "another"); got != on || !other {
				t.Errorf("switched to %v: %v, the other key %v", on, got, other)
			}
		}
		if err := s.SwitchKey(t.Context(), "ffffffff-8a8a-4c7a-9d0e-111111111111", false); !errors.Is(err, ErrNoKey) {
			t.Errorf("a key that is not there: %v", err)
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		d := sample(t, "DELETE")
		change(t, d, rows...)
		s, err := d.Scratch(t.Context(), backup(t, d).Path, t.TempDir(), ignore)
		if err != nil {
			t.Fatal(err)
		}
		check(t, s)
	})
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		a := dbserver.New(t, dbserver.MySQL)
		s := &Scratch{DB: &MySQL{client: mysql.New(&a)}}
		if err := mysql.New(&a).With(t.Context(), func(c *sql.Conn) error {
			for _, r := range rows {
				if _, err := c.ExecContext(context.Background(), r); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		check(t, s)
	})
}

func activeKey(t *testing.T, s *Scratch, id string) (on bool) {
	t.Helper()
	read := func(c *sql.Conn) error {
		return c.QueryRowContext(context.Background(), "SELECT active FROM api_key WHERE id = ?", id).Scan(&on)
	}
	var err error
	if d, ok := s.DB.(*MySQL); ok {
		err = d.client.With(t.Context(), read)
	} else {
		err = withConn(t.Context(), s.DB.(*SQLite).real, liveRead, read)
	}
	if err != nil {
		t.Fatal(err)
	}
	return on
}
