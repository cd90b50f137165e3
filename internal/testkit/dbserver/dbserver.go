// Package dbserver gives tests real MySQL and MariaDB servers: one process of each for a test
// package, a database of its own for each test.
package dbserver

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// The servers there are.
const (
	MariaDB = "mariadb"
	MySQL   = "mysql"
)

// Both lists them.
var Both = []string{MariaDB, MySQL}

// series are the versions wanted of the machine; any patch is right.
var series = map[string]mysql.Version{MariaDB: {MariaDB: true, Major: 10, Minor: 11}, MySQL: {Major: 8}}

// Series is the version of a server that tests use; any patch is right.
func Series(kind string) mysql.Version { return series[kind] }

type running struct {
	once   sync.Once
	server *mysql.Private
	dir    string
	err    error
}

var servers = map[string]*running{MariaDB: {}, MySQL: {}}

// Environ returns the environment with the tests' own MySQL on PATH.
func Environ(t testing.TB) []string {
	t.Helper()
	return append(machine.Environ(t), "PATH="+os.Getenv("PATH")+string(os.PathListSeparator)+filepath.Join(machine.Cache(t), "mysql8", "bin"))
}

// Main runs a package's tests and ends the servers that they started. Call it from TestMain.
func Main(m *testing.M) int {
	code := m.Run()
	for _, r := range servers {
		if r.server != nil {
			r.server.Kill()
		}
		if r.dir != "" {
			_ = os.RemoveAll(r.dir)
		}
	}
	return code
}

// Account returns the address of a server's administrator, on no database. It skips the test when
// the server is not on this machine.
func Account(t testing.TB, kind string) mysql.Address {
	t.Helper()
	r := servers[kind]
	environ := Environ(t)
	r.once.Do(func() { r.start(environ, machine.Cache(t), kind) })
	if errors.Is(r.err, mysql.ErrNoServer) {
		t.Skipf("skipped: no %s for tests (make setup installs it as root on Debian): %v", kind, r.err)
	}
	if r.err != nil {
		t.Fatal(r.err)
	}
	return r.server.Address
}

func (r *running) start(environ []string, cache, kind string) {
	ctx := context.Background() // the server outlives the test that asks first
	program, err := mysql.FindServer(ctx, environ, series[kind])
	if err != nil {
		r.err = err
		return
	}
	program.Templates = filepath.Join(cache, "servers")
	variables := map[string]string{"max_connections": "500", "character_set_server": "utf8mb4"}
	if kind == MySQL {
		variables["auto_generate_certs"] = "ON"
	}
	if r.dir, r.err = os.MkdirTemp("", "zenml-upgrade-"+kind+"-"); r.err == nil {
		r.server, r.err = program.Start(ctx, r.dir, variables)
	}
}

// New makes an empty database and drops it with the test.
func New(t testing.TB, kind string) mysql.Address {
	t.Helper()
	a := Account(t, kind)
	a.Name = "test_" + strings.ToLower(rand.Text()[:12])
	Exec(t, a.On(""), "CREATE DATABASE `"+a.Name+"`")
	t.Cleanup(func() { Exec(t, a.On(""), "DROP DATABASE IF EXISTS `"+a.Name+"`") })
	return a
}

// Second starts another server of a kind, which ends with the test.
func Second(t testing.TB, kind string) mysql.Address {
	t.Helper()
	p, err := mysql.FindServer(t.Context(), Environ(t), series[kind])
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	p.Templates = filepath.Join(machine.Cache(t), "servers")
	s, err := p.Start(t.Context(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s.Address
}

// Names are the databases of a server whose names are LIKE a pattern.
func Names(t testing.TB, a mysql.Address, pattern string) (names []string) {
	t.Helper()
	server, ctx := a.On(""), context.WithoutCancel(t.Context()) // also when the test is cleaned up
	err := mysql.New(&server).With(ctx, func(c *sql.Conn) error {
		rows, err := c.QueryContext(ctx, "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE ?", pattern)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n string
			if err := rows.Scan(&n); err != nil {
				return err
			}
			names = append(names, n)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Exec runs statements in one session.
func Exec(t testing.TB, a mysql.Address, statements ...string) {
	t.Helper()
	ctx := context.Background() // also when the test has ended
	err := mysql.New(&a).With(ctx, func(c *sql.Conn) error {
		for _, s := range statements {
			if _, err := c.ExecContext(ctx, s); err != nil {
				return fmt.Errorf("%.200s: %w", s, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
