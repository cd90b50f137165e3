// Package storage stands for what keeps a managed database and makes snapshots of it when it is asked:
// shell commands as a team's would be, on real servers.
package storage

import (
	_ "embed"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
)

//go:embed snapshot.sh
var script string

// Storage is one such place.
type Storage struct {
	Dir     string            // its own folder
	Command map[string]string // the commands take, restore, drop and forget
}

// New makes one for a real database. Copies are made on the server of another address, which may be the
// same.
func New(t testing.TB, kind string, a, copies mysql.Address) *Storage {
	t.Helper()
	s := &Storage{Dir: t.TempDir()}
	tools, err := mysql.FindTools(t.Context(), dbserver.Environ(t), dbserver.Series(kind))
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	names := map[bool][2]string{true: {"mariadb-dump", "mariadb"}, false: {"mysqldump", "mysql"}}[kind == dbserver.MariaDB]
	other := url.URL{User: url.UserPassword(copies.User, copies.Password), Host: fmt.Sprintf("%s:%d", copies.Host, copies.Port)}
	s.Write(t, "snapshot.sh", script)
	s.Write(t, "settings", fmt.Sprintf("dump=%s\nclient=%s\noptions='%s'\nother=%s\n", names[0], names[1], strings.Join(tools.Options(), " "), strings.TrimPrefix(other.String(), "//")))
	for name, a := range map[string]mysql.Address{"real.cnf": a, "copies.cnf": copies} {
		s.Write(t, name, fmt.Sprintf("[client]\nuser=%s\npassword=%s\nhost=%s\nport=%d\nprotocol=tcp\n", a.User, a.Password, a.Host, a.Port))
	}
	if err := os.Mkdir(filepath.Join(s.Dir, "snapshots"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.Command = Commands(s.Dir)
	return s
}

// Commands are those of the storage in a folder.
func Commands(dir string) map[string]string {
	out := map[string]string{}
	for _, name := range []string{"take", "restore", "drop", "forget"} {
		out[name] = fmt.Sprintf("exec sh '%s/snapshot.sh' '%s'", dir, dir)
	}
	return out
}

// Config is the line of an environment's configuration that has its snapshots made here.
func (s *Storage) Config() string {
	var commands []string
	for _, name := range slices.Sorted(maps.Keys(s.Command)) {
		commands = append(commands, fmt.Sprintf("%s: %q", name, s.Command[name]))
	}
	return "    snapshot: {" + strings.Join(commands, ", ") + "}\n"
}

// Before has a command do something first; an empty text takes that away.
func (s *Storage) Before(t testing.TB, command, text string) {
	t.Helper()
	s.Write(t, "before-"+command, text)
}

// Write writes a file in its folder.
func (s *Storage) Write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Snapshots are the names of the snapshots that it holds.
func (s *Storage) Snapshots(t testing.TB) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(s.Dir, "snapshots", "*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, path := range found {
		names = append(names, strings.TrimSuffix(filepath.Base(path), ".sql"))
	}
	return names
}

// Log are the commands that ran, each with what it restored to.
func (s *Storage) Log(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, "log"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	lines := []string{}
	for line := range strings.Lines(string(text)) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

// Copies are the throw-away copies on a server.
func Copies(t testing.TB, a mysql.Address) []string {
	t.Helper()
	return dbserver.Names(t, a, `zenml\_upgrade\_copy\_%`)
}
