package mysql

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// Program is a server program of this machine.
type Program struct {
	Path    string
	Version Version
	// Templates is a folder where an empty server's data is kept from run to run, because making it
	// takes seconds; "" makes it each time.
	Templates string

	install string // mariadb-install-db; "" for MySQL, whose server makes its own tables
	environ []string
}

// ErrNoServer says that this machine has no fitting server program.
var ErrNoServer = errors.New("this machine has no server program of that family and series")

// FindServer returns a server program whose databases read as those of a server of version want.
func FindServer(ctx context.Context, environ []string, want Version) (*Program, error) {
	var others []string
	for _, path := range find(environ, "mariadbd", "mysqld") {
		v, err := versionOf(ctx, environ, path)
		switch {
		case err != nil:
			others = append(others, fmt.Sprintf("%q does not run", path))
			continue
		case !v.SameSeries(want):
			others = append(others, fmt.Sprintf("%q is %s", path, v))
			continue
		}
		p := &Program{Path: path, Version: v, environ: environ}
		if install := find(environ, "mariadb-install-db"); v.MariaDB && len(install) > 0 {
			p.install = install[0]
		} else if v.MariaDB {
			return nil, fmt.Errorf("%w: mariadb-install-db is not there", ErrNoServer)
		}
		return p, nil
	}
	if others == nil {
		others = []string{"none was found"}
	}
	return nil, fmt.Errorf("%w (%s): %s", ErrNoServer, want, strings.Join(others, ", "))
}

// Private is a server process of ours. It dies with us.
type Private struct {
	Address Address // of its one account, on no database
	proc    *proc.Process
}

const (
	bootLimit = 90 * time.Second
	// account is the only one on a private server.
	account = "zenml_upgrade"
)

// Start makes a data folder below dir, which must be 0700, and starts a server on it. It listens
// on a port of the loopback address and a socket in the data folder, from the first moment on with
// one account of a random password. Nothing is made durable: what is on it can be made again.
// variables are set over the server's defaults.
func (p *Program) Start(ctx context.Context, dir string, variables map[string]string) (*Private, error) {
	data := filepath.Join(dir, "data")
	if err := p.makeData(ctx, data); err != nil {
		return nil, fmt.Errorf("making the tables of a private database server: %w", err)
	}
	var err error
	for range 3 { // between our look and the server's, the port may be taken
		var s *Private
		if s, err = p.boot(ctx, dir, data, variables); err == nil {
			return s, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("starting a private database server: %w", err)
}

// makeData makes the data folder of an empty server. What is kept as a template has no account that
// could be used before firstStatements, and no key.
func (p *Program) makeData(ctx context.Context, data string) error {
	if p.Templates == "" {
		return p.initialize(ctx, data)
	}
	st, err := os.Stat(p.Path)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(fmt.Appendf(nil, "%s %s %d %d", p.Path, p.Version.Text, st.Size(), st.ModTime().UnixNano()))
	template := filepath.Join(p.Templates, fmt.Sprintf("%x", digest[:8]))
	if _, err := os.Stat(template); errors.Is(err, fs.ErrNotExist) {
		if err := p.makeTemplate(ctx, template); err != nil {
			return err
		}
	}
	if err := os.CopyFS(data, os.DirFS(template)); err != nil {
		return err
	}
	return os.Chmod(data, 0o700)
}

func (p *Program) makeTemplate(ctx context.Context, template string) error {
	if err := os.MkdirAll(p.Templates, 0o700); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(p.Templates, "making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	made := filepath.Join(temp, "data")
	if err := p.initialize(ctx, made); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(made, "auto.cnf")); err != nil && !errors.Is(err, fs.ErrNotExist) { // MySQL's: who the server is
		return err
	}
	if err := os.Rename(made, template); err != nil && !errors.Is(err, fs.ErrExist) { // another run was first
		return err
	}
	return nil
}

func (p *Program) initialize(ctx context.Context, data string) error {
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	c := proc.Command{Path: p.Path, Args: append([]string{"--no-defaults", "--initialize-insecure", "--datadir=" + data}, withoutKeys...)}
	if p.install != "" {
		c = proc.Command{Path: p.install, Args: []string{"--no-defaults", "--datadir=" + data, "--auth-root-authentication-method=normal", "--skip-test-db"}}
	}
	c.Args = append(c.Args, asRoot()...)
	env, err := p.env(data + "-tmp")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data + "-tmp")
	c.Env, c.Dir, c.Timeout = env, data, bootLimit
	_, err = proc.Run(ctx, c)
	return err
}

// env is a server's environment. It gets a folder of its own for temporary files: a server that
// starts removes every temporary table's file in that folder, and in a shared one it would take
// them from a running server, which MariaDB does not survive (seen on 10.11.19).
func (p *Program) env(tmp string) ([]string, error) {
	err := os.Mkdir(tmp, 0o700)
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	return proc.BaseEnv(p.environ, "TMPDIR="+tmp), err
}

// withoutKeys keeps a MySQL server that only this machine reaches from making certificates.
var withoutKeys = []string{"--auto-generate-certs=OFF", "--sha256-password-auto-generate-rsa-keys=OFF"}

// asRoot tells a server that it shall run as root when we do: its folder is ours, and its files
// belong to nobody else.
func asRoot() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

func (p *Program) boot(ctx context.Context, dir, data string, variables map[string]string) (*Private, error) {
	port, err := proc.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	a := Address{User: account, Password: rand.Text(), Host: "127.0.0.1", Port: port, SSLMode: Preferred}
	first := filepath.Join(dir, "first.sql")
	if err := os.WriteFile(first, []byte(p.firstStatements(a.Password)), 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(first) // it holds the password
	tmp := filepath.Join(dir, "tmp")
	env, err := p.env(tmp)
	if err != nil {
		return nil, err
	}
	args := []string{
		"--no-defaults", "--tmpdir=" + tmp, "--datadir=" + data, "--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", port), "--init-file=" + first,
		// Relative to the data folder: the path of a socket may have 107 bytes only.
		"--socket=server.sock", "--pid-file=" + filepath.Join(data, "server.pid"), "--skip-name-resolve", "--skip-log-bin", "--event-scheduler=OFF",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-buffer-pool-size=268435456", "--max-allowed-packet=1073741824",
		"--performance-schema=OFF", "--secure-file-priv=" + data,
	}
	if !p.Version.MariaDB {
		args = append(append(args, "--mysqlx=OFF", "--default-authentication-plugin=mysql_native_password"), withoutKeys...)
	}
	for _, key := range slices.Sorted(maps.Keys(variables)) {
		args = append(args, "--"+strings.ReplaceAll(key, "_", "-")+"="+variables[key])
	}
	process, err := proc.Start(context.WithoutCancel(ctx), proc.Command{
		Path: p.Path, Args: append(args, asRoot()...), Dir: data, Env: env, Secrets: a.Secrets(),
	}, nil)
	if err != nil {
		return nil, err
	}
	s := &Private{Address: a, proc: process}
	if err := s.awaitReady(ctx); err != nil {
		s.Kill()
		return nil, fmt.Errorf("%w: %s", err, lastLine(s.proc.Tail()))
	}
	return s, nil
}

// firstStatements leave one account, which may do everything. They run before anything listens.
func (p *Program) firstStatements(password string) string {
	statements := []string{
		fmt.Sprintf("CREATE USER IF NOT EXISTS '%s'@'127.0.0.1' IDENTIFIED BY '%s'", account, password),
		fmt.Sprintf("ALTER USER '%s'@'127.0.0.1' IDENTIFIED BY '%s'", account, password),
		fmt.Sprintf("GRANT ALL PRIVILEGES ON *.* TO '%s'@'127.0.0.1' WITH GRANT OPTION", account),
		"DROP USER IF EXISTS 'root'@'localhost', 'root'@'127.0.0.1', 'root'@'::1', ''@'localhost'",
	}
	return strings.Join(statements, ";\n") + ";\n"
}

func (s *Private) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootLimit)
	defer cancel()
	client := New(&s.Address)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := client.WithServer(ctx, func(*sql.Conn) error { return nil })
		if err == nil {
			return nil
		}
		select {
		case <-s.proc.Done():
			return errors.New("it ended")
		case <-ctx.Done():
			return fmt.Errorf("it did not answer: %w", err)
		case <-tick.C:
		}
	}
}

// Kill ends the process at once: nothing on it is worth an orderly end.
func (s *Private) Kill() { s.proc.Kill() }

// Pid is the process's.
func (s *Private) Pid() int { return s.proc.Pid }

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, l := range slices.Backward(lines) {
		if strings.Contains(l, "ERROR") {
			return cut(l)
		}
	}
	return cut(lines[len(lines)-1])
}
