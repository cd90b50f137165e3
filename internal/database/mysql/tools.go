package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"golang.org/x/sys/unix"
)

// Tools are the programs of one family that dump and load.
type Tools struct {
	Engine  string // mysqldump, mariadb-dump or mydumper: what the dump is written by
	Client  string // name of the program that runs statements
	Version Version

	dump, client string // paths
	environ      []string
}

// ErrNoTools says that this machine has no programs that dump and load.
var ErrNoTools = errors.New("neither mariadb-dump with mariadb nor mysqldump with mysql is on this machine")

// FindTools prefers the programs of the server's own family; those of the other one work, too.
func FindTools(ctx context.Context, environ []string, server Version) (*Tools, error) {
	var best *Tools
	for _, names := range [][2]string{{"mariadb-dump", "mariadb"}, {"mysqldump", "mysql"}} {
		dumps, clients := find(environ, names[0]), find(environ, names[1])
		if len(dumps) == 0 || len(clients) == 0 {
			continue
		}
		v, err := versionOf(ctx, environ, dumps[0])
		if err != nil {
			return nil, fmt.Errorf("asking %q for its version: %w", dumps[0], err)
		}
		// Where only one family is installed, the other's names may lead to it.
		t := &Tools{Engine: "mysqldump", Client: names[1], Version: v, dump: dumps[0], client: clients[0], environ: environ}
		if v.MariaDB {
			t.Engine = "mariadb-dump"
		}
		if best == nil || v.MariaDB == server.MariaDB && best.Version.MariaDB != server.MariaDB {
			best = t
		}
	}
	if best == nil {
		return nil, ErrNoTools
	}
	return best, nil
}

// Options are those that decide what a dump holds: one transaction's state of tables, views,
// triggers, routines and events, without locks. Bytes are written as hexadecimal numbers.
func (t *Tools) Options() []string {
	if t.Engine == Mydumper {
		return mydumperOptions
	}
	options := []string{
		"--single-transaction", "--quick", "--skip-lock-tables", "--routines", "--triggers", "--events", "--hex-blob", "--no-tablespaces",
		"--tz-utc", "--default-character-set=utf8mb4", "--skip-dump-date", "--max-allowed-packet=1073741824",
	}
	if !t.Version.MariaDB {
		options = append(options, "--set-gtid-purged=OFF")
		if t.Version.Major >= 8 {
			options = append(options, "--column-statistics=0")
		}
	}
	return options
}

// Dump writes a dump of the database to a new file; mydumper to a new folder. The program inherits
// hold: what that locks stays locked until the program has ended.
func (t *Tools) Dump(ctx context.Context, c *Client, file string, hold *os.File) error {
	args := append([]string{"--database=" + c.Name, "--outputdir=" + file}, mydumperOptions...)
	if t.Engine != Mydumper {
		args = append(t.Options(), "--result-file="+file, fmt.Sprintf("--ignore-table=%s.%s", c.Name, MarkerTable), c.Name)
	}
	return t.run(ctx, c, t.dump, args, nil, hold)
}

// Load runs a dump's statements in the database. It stops at the first that fails.
func (t *Tools) Load(ctx context.Context, c *Client, file string) error {
	if t.Engine == Mydumper {
		return t.run(ctx, c, t.client, []string{"--database=" + c.Name, "--directory=" + file, "--threads=4", "--enable-binlog"}, nil)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return t.run(ctx, c, t.client, []string{
		"--batch", "--binary-mode", "--default-character-set=utf8mb4", "--max-allowed-packet=1073741824", c.Name,
	}, f)
}

func (t *Tools) run(ctx context.Context, c *Client, path string, args []string, stdin *os.File, files ...*os.File) error {
	settings, err := t.settingsFile(ctx, c)
	if err != nil {
		return err
	}
	defer settings.Close()
	command := proc.Command{
		// The file of stored log-ins would be read whatever the options say.
		Path: path, Args: append([]string{"--defaults-file=/proc/self/fd/3"}, args...), Files: append([]*os.File{settings}, files...), Env: proc.BaseEnv(t.environ, "MYSQL_TEST_LOGIN_FILE="+os.DevNull), Dir: os.TempDir(), Secrets: c.Secrets(),
	}
	if stdin != nil {
		command.Stdin = stdin // a nil *os.File in an interface would not be nil
	}
	res, err := proc.Run(ctx, command)
	var exit *proc.ExitError
	if err == nil && t.Engine == Mydumper && strings.Contains(string(res.Stderr), "CRITICAL") { // it may end with 0 all the same
		exit = &proc.ExitError{Name: filepath.Base(path), Tail: string(res.Stderr)}
		err = exit
	}
	if errors.As(err, &exit) {
		exit.Tail = errorLines(exit.Tail)
	}
	if exit != nil && (strings.Contains(exit.Tail, "errno 28") || strings.Contains(exit.Tail, "No space left")) {
		return fault.Unreachable("the disk is full", err, "make room and run again")
	}
	return err
}

// errorLines leaves out what a client shows of the statement that failed: it may hold anything.
func errorLines(tail string) string {
	var kept []string
	for line := range strings.Lines(tail) {
		if strings.HasPrefix(line, "ERROR") || strings.HasPrefix(line, "mysqldump:") || strings.HasPrefix(line, "mariadb-dump:") || strings.Contains(line, "CRITICAL") {
			kept = append(kept, cut(strings.TrimSpace(line)))
		}
	}
	return strings.Join(kept, "; ")
}

// Exact says whether a dump of this server's database by these programs can be loaded so that all
// is as before.
func (t *Tools) Exact(ctx context.Context, c *Client, server Version) error {
	var query, what, next string
	switch {
	case t.Engine == Mydumper:
		query = `SELECT (SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = DATABASE())
			+ (SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = DATABASE())
			+ (SELECT COUNT(*) FROM information_schema.events WHERE event_schema = DATABASE())`
		what, next = "triggers, routines and events, whose sql_mode mydumper 0.10 does not keep", "use the backup-engine dump"
	case t.Version.MariaDB != server.MariaDB:
		query = `SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND generation_expression <> ''`
		what = fmt.Sprintf("generated columns, which %s does not dump so that %s reads them", t.Version, server)
		next = "install the dump program of the server's own family"
	default:
		return nil
	}
	var n int
	err := c.With(ctx, func(conn *sql.Conn) error { return conn.QueryRowContext(ctx, query).Scan(&n) })
	if err == nil && n > 0 {
		err = fault.Unreachable(fmt.Sprintf("the database has %d %s", n, what), nil, next)
	}
	return err
}

// settingsFile holds where and as whom to connect. It has no name anywhere, for an argument list is
// seen by everybody, and a file with a password in it would stay when this process is killed.
func (t *Tools) settingsFile(ctx context.Context, c *Client) (*os.File, error) {
	lines, err := t.settings(ctx, c)
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("client.cnf", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making the settings of a database client: %w", err)
	}
	f := os.NewFile(uintptr(fd), "client.cnf")
	// What others may write, a client does not read.
	if err = f.Chmod(0o600); err == nil {
		_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// settings speak TLS exactly when our own sessions do: the families' words for "if the server
// offers it" differ.
func (t *Tools) settings(ctx context.Context, c *Client) ([]string, error) {
	lines := []string{"[client]", "user=" + option(c.User), "password=" + option(c.Password), "host=" + option(c.Host), fmt.Sprintf("port=%d", c.Port), "protocol=tcp"}
	encrypted, err := c.encrypted(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case t.Version.MariaDB && !encrypted:
		lines = append(lines, "skip-ssl")
	case t.Version.MariaDB && (c.SSLMode == VerifyCA || c.SSLMode == VerifyIdentity): // it has no way to leave the name out
		lines = append(lines, "ssl", "ssl-verify-server-cert")
	case t.Version.MariaDB:
		lines = append(lines, "ssl", "skip-ssl-verify-server-cert")
	case !encrypted:
		lines = append(lines, "ssl-mode="+Disabled)
	case c.SSLMode == Preferred:
		lines = append(lines, "ssl-mode="+Required)
	default:
		lines = append(lines, "ssl-mode="+c.SSLMode)
	}
	for key, file := range map[string]string{"ssl-ca": c.CA, "ssl-cert": c.Cert, "ssl-key": c.Key} {
		if file != "" && encrypted {
			lines = append(lines, key+"="+option(file))
		}
	}
	return lines, nil
}

// option quotes a value for an option file.
func option(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + `"`
}
