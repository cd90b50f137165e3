package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"golang.org/x/sys/unix"
)

// The test binary is also the other process: a server that holds the file, a backup or restore
// that is killed.
const helperEnv = "DATABASE_TEST_HELPER"

func TestMain(m *testing.M) {
	job := os.Getenv(helperEnv)
	if job == "" {
		os.Exit(dbserver.Main(m))
	}
	args := strings.Split(job, "\n")
	if err := help(args[0], args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func help(job string, args []string) error {
	ctx := context.Background()
	if done, err := helpMySQL(ctx, job, args); done {
		return err
	}
	d, err := OpenForRestore((&SQLite{path: args[0]}).URL())
	if err != nil {
		return err
	}
	switch job {
	case "hold": // has the file open as an idle server has, after writing rows for real
		return withConn(ctx, d.real, liveWrite, func(c *sql.Conn) error {
			for _, statement := range args[1:] {
				if _, err := c.ExecContext(ctx, statement); err != nil {
					return err
				}
			}
			fmt.Println("ready")
			_, err := os.Stdin.Read(make([]byte, 1))
			return err
		})
	case "write": // writes until it is killed
		return withConn(ctx, d.real, liveWrite, func(c *sql.Conn) error {
			for n := 0; ; n++ {
				if _, err := c.ExecContext(ctx, `INSERT INTO pairs VALUES (?, ?)`, n, n); err != nil {
					return err
				}
				if n == 10 {
					fmt.Println("ready")
				}
			}
		})
	case "backup": // dir, steps to do before the kill
		b, err := d.begin(args[1], Meta{Now: time.Now(), Quiescent: true})
		if err != nil {
			return err
		}
		return runAndDie(ctx, b.steps(), args[2])
	case "backup-limited": // dir, bytes that a file may take
		limit, _ := strconv.ParseUint(args[2], 10, 64)
		signal.Ignore(syscall.SIGXFSZ)
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return err
		}
		_, err = d.Backup(ctx, args[1], Meta{Now: time.Now()})
		return err
	case "restore": // backup, steps to do before the kill
		m, err := Verify(ctx, args[1])
		if err != nil {
			return err
		}
		return runAndDie(ctx, (&restoring{db: d, m: m}).steps(), args[2])
	case "lock":
		if _, err := d.Lock(ctx, args[1]); err != nil {
			return err
		}
		fmt.Println("ready")
		_, err := os.Stdin.Read(make([]byte, 1))
		return err
	}
	return errors.New("unknown job")
}

func runAndDie(ctx context.Context, steps []func(context.Context) error, count string) error {
	n, _ := strconv.Atoi(count)
	for _, step := range steps[:n] {
		if err := step(ctx); err != nil {
			return err
		}
	}
	_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	select {}
}

// helper starts a job; kill ends it by SIGKILL and waits.
func helper(t *testing.T, job string, args ...string) (cmd *exec.Cmd, kill func()) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = []string{helperEnv + "=" + strings.Join(append([]string{job}, args...), "\n")}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	kill = func() {
		if !ended {
			ended = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			_ = stdin.Close()
		}
	}
	t.Cleanup(kill)
	if _, err := stdout.Read(make([]byte, 6)); err != nil {
		t.Fatalf("the helper %q did not get ready: %v", job, err)
	}
	return cmd, kill
}

// die runs a job that kills itself.
func die(t *testing.T, job string, args ...string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{helperEnv + "=" + strings.Join(append([]string{job}, args...), "\n")}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the helper %q was not killed: %v %s", job, err, out)
	}
}

// zenmlLike are statements that make a database as ZenML's: typed columns, indexes, alembic.
var zenmlLike = []string{
	`CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)`,
	`INSERT INTO alembic_version VALUES ('0.85.0')`,
	`CREATE TABLE pipeline_run (id CHAR(32) NOT NULL PRIMARY KEY, name VARCHAR NOT NULL, created DATETIME, "order" FLOAT, config TEXT, raw BLOB, active BOOLEAN)`,
	`CREATE INDEX ix_run_name ON pipeline_run (name)`,
	`CREATE VIEW run_names AS SELECT name FROM pipeline_run`,
	`CREATE TABLE pairs (a, b)`,
	`CREATE TRIGGER kept AFTER DELETE ON pairs WHEN old.a = -1 BEGIN SELECT RAISE(ABORT, 'kept'); END`,
	`CREATE TABLE counted (n INTEGER PRIMARY KEY AUTOINCREMENT, "a ""quoted"" name" TEXT)`,
	`INSERT INTO counted ("a ""quoted"" name") VALUES ('x')`,
	`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
		INSERT INTO pipeline_run SELECT printf('%032x', i), 'run ' || i, '2026-11-25 00:00:00.' || i, i / 7.0, json_array(i), randomblob(300), i % 2 FROM n`,
}

// sample makes a database in a folder of its own.
func sample(t *testing.T, journalMode string) *SQLite {
	t.Helper()
	return sampleAt(t, filepath.Join(t.TempDir(), "zenml.db"), journalMode)
}

func sampleAt(t *testing.T, path, journalMode string) *SQLite {
	t.Helper()
	d := &SQLite{path: path, real: path}
	if err := os.WriteFile(path, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	change(t, d, append([]string{"PRAGMA journal_mode=" + journalMode}, zenmlLike...)...)
	opened, err := OpenSQLite(d.URL())
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func change(t *testing.T, d *SQLite, statements ...string) {
	t.Helper()
	err := withConn(t.Context(), d.real, liveWrite, func(c *sql.Conn) error {
		for _, s := range statements {
			if _, err := c.ExecContext(t.Context(), s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func contentOf(t *testing.T, d Reader) Fingerprint {
	t.Helper()
	f, err := d.Fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func backup(t *testing.T, d *SQLite) *Manifest {
	t.Helper()
	m, err := d.Backup(t.Context(), filepath.Join(t.TempDir(), "backups"),
		Meta{ZenMLVersion: "0.85.0", Quiescent: true, Now: time.Now(), Holder: "run 1"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// write makes an empty file, which SQLite takes for an empty database.
func write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// ignore is for tests that keep no journal.
func ignore(Mark) error { return nil }
