package mysql_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
)

func TestMain(m *testing.M) { os.Exit(dbserver.Main(m)) }

// A private server lets in its own account only, from its first moment on.
func TestPrivateServer(t *testing.T) {
	t.Parallel()
	for _, kind := range dbserver.Both {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := dbserver.New(t, kind)
			for _, user := range []string{"root", "", "zenml_upgrade", "mysql", "mariadb.sys"} {
				b := a
				b.User, b.Password = user, ""
				if err := mysql.New(&b).WithServer(t.Context(), func(*sql.Conn) error { return nil }); err == nil {
					t.Errorf("the user %q was let in without a password", user)
				}
			}
			var scheduler string
			err := mysql.New(&a).With(t.Context(), func(c *sql.Conn) error {
				return c.QueryRowContext(context.Background(), "SELECT @@event_scheduler").Scan(&scheduler)
			})
			if err != nil || scheduler != "OFF" {
				t.Errorf("event scheduler %q, %v", scheduler, err)
			}
		})
	}
}

// A server that starts removes what it takes for its own temporary tables. It must not find those
// of another server of this machine, which may be the real one.
func TestPrivateServerLeavesOthersFilesAlone(t *testing.T) {
	t.Parallel()
	for kind, v := range map[string]mysql.Version{dbserver.MariaDB: {MariaDB: true, Major: 10, Minor: 11}, dbserver.MySQL: {Major: 8}} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			shared := t.TempDir()
			foreign := filepath.Join(shared, "#sql-temptable-1-1-1.MAI")
			if err := os.WriteFile(foreign, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			p, err := mysql.FindServer(t.Context(), append(dbserver.Environ(t), "TMPDIR="+shared), v)
			if err != nil {
				t.Skipf("skipped: %v", err)
			}
			s, err := p.Start(t.Context(), t.TempDir(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Kill()
			if _, err := os.Stat(foreign); err != nil {
				t.Errorf("another server's temporary table is gone: %v", err)
			}
		})
	}
}
