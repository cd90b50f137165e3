package mysql_test

import (
	"context"
	"database/sql"
	"os"
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
