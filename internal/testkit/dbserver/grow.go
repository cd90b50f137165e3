package dbserver

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// Durable starts a server that keeps what it is told, with a server's usual settings, and returns its
// empty database "zenml". Those of New forget: they are for tests of behaviour, not of time.
func Durable(t testing.TB, kind string) mysql.Address {
	t.Helper()
	account := Account(t, kind)
	var version string
	if err := mysql.New(&account).WithServer(t.Context(), func(conn *sql.Conn) error {
		return conn.QueryRowContext(t.Context(), "SELECT VERSION()").Scan(&version)
	}); err != nil {
		t.Fatal(err)
	}
	v, err := mysql.ParseVersion(version)
	if err != nil {
		t.Fatal(err)
	}
	program, err := mysql.FindServer(t.Context(), Environ(t), v)
	if err != nil {
		t.Fatal(err)
	}
	server, err := program.Start(t.Context(), t.TempDir(), map[string]string{
		"innodb_flush_log_at_trx_commit": "1", "innodb_doublewrite": "ON", "innodb_buffer_pool_size": "134217728",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	Exec(t, server.Address, "CREATE DATABASE zenml CHARACTER SET utf8mb4")
	return server.Address.On("zenml")
}

// Grow doubles the run history of a real ZenML database so many times: 13 times make 8,192 runs of one.
// It skips the test when the tool for it is not there.
func Grow(t testing.TB, a mysql.Address, doublings int) {
	t.Helper()
	tool := filepath.Join(machine.Root(t), "..", "shared", "tools", "grow_db.py")
	if _, err := os.Stat(tool); err != nil {
		t.Skip("skipped: ../shared/tools/grow_db.py is not here")
	}
	grow := exec.CommandContext(t.Context(), "python3", tool, a.Host, strconv.Itoa(a.Port), a.User, a.Password, a.Name, strconv.Itoa(doublings))
	if out, err := grow.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
}
