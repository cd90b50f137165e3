package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// helpMySQL does the jobs of the test binary's second process that are about a server. The first
// argument is the address, the second the PATH.
func helpMySQL(ctx context.Context, job string, args []string) (bool, error) {
	if !strings.HasPrefix(args[0], "mysql:") {
		return false, nil
	}
	d, err := openMySQL(args[0], Options{Environ: []string{"PATH=" + args[1]}})
	if err != nil {
		return true, err
	}
	switch job {
	case "backup": // dir, steps to do before the kill
		b, err := d.begin(ctx, args[2], Meta{Now: time.Now(), Quiescent: true})
		if err != nil {
			return true, err
		}
		return true, runAndDie(ctx, b.steps(), args[3])
	case "restore": // backup, steps to do before the kill
		m, err := Verify(ctx, args[2])
		if err != nil {
			return true, err
		}
		r, err := d.reloading(ctx, m)
		if err != nil {
			return true, err
		}
		return true, runAndDie(ctx, r.steps(), args[3])
	case "scratch": // backup, dir, killed when it is made
		_, err := d.Scratch(ctx, args[2], args[3], ignore)
		if err != nil {
			return true, err
		}
		return true, runAndDie(ctx, nil, "0")
	case "snapshot": // storage, folder for backups
		d.options.Engine, d.options.Snapshots = EngineCommand, commandsIn(args[2], args[1])
		_, err := d.Backup(ctx, args[3], Meta{Now: time.Now(), Quiescent: true})
		return true, err
	case "revert": // storage, backup
		d.options.Snapshots = commandsIn(args[2], args[1])
		return true, d.Restore(ctx, args[3])
	case "lock":
		if _, err := d.Lock(ctx, args[2]); err != nil {
			return true, err
		}
		fmt.Println("ready")
		_, err := os.Stdin.Read(make([]byte, 1))
		return true, err
	case "session":
		return true, d.client.With(ctx, func(*sql.Conn) error {
			fmt.Println("ready")
			_, err := os.Stdin.Read(make([]byte, 1))
			return err
		})
	}
	return true, errors.New("unknown job")
}

// richServer are statements that make a database with everything a dump can lose.
var richServer = []string{
	`ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_german1_ci`,
	`CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY) DEFAULT CHARSET=utf8mb4`,
	`INSERT INTO alembic_version VALUES ('0.85.0')`,
	`CREATE TABLE pipeline_run (id CHAR(32) NOT NULL PRIMARY KEY, parent CHAR(32), name VARCHAR(255) COLLATE utf8mb4_bin NOT NULL, old VARCHAR(20) CHARACTER SET latin1,
		created DATETIME(6), at TIMESTAMP NULL, body MEDIUMTEXT, raw LONGBLOB, ok TINYINT(1), n DECIMAL(30,10), d DOUBLE, e ENUM('a)','b''c'), bits BIT(5),
		KEY later (created), KEY earlier (name), CONSTRAINT self FOREIGN KEY (parent) REFERENCES pipeline_run (id)) DEFAULT CHARSET=utf8mb4 COMMENT='it''s CHARACTER SET x'`,
	`INSERT INTO pipeline_run VALUES (REPEAT('a', 32), NULL, 'ä \\ '' " \0 \n %', 'ü', '2026-11-25 01:02:03.000004', '2026-11-25 02:30:00', REPEAT('x', 100000),
		x'00ff270a5c', 1, 1.0000000001, 0.1, 'a)', b'10101')`,
	`INSERT INTO pipeline_run (id, parent, name) VALUES (REPEAT('b', 32), REPEAT('a', 32), ''), (REPEAT('c', 32), REPEAT('c', 32), 'NULL')`,
	"CREATE TABLE `odd ``name'` (n INT AUTO_INCREMENT PRIMARY KEY, k INT)", "INSERT INTO `odd ``name'` VALUES (7, 3)",
	`CREATE VIEW run_names AS SELECT name FROM pipeline_run`, `CREATE TABLE counted (n INT)`, `INSERT INTO counted VALUES (0)`,
	`CREATE TRIGGER kept AFTER INSERT ON pipeline_run FOR EACH ROW UPDATE counted SET n = n + 1`,
	`CREATE PROCEDURE fill(IN k INT) BEGIN DECLARE i INT DEFAULT 0; WHILE i < k DO INSERT INTO counted VALUES (i); SET i = i + 1; END WHILE; END`,
	`CREATE FUNCTION twice(k INT) RETURNS INT DETERMINISTIC RETURN k * 2`, `CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM counted`,
}

// laterServer is what a failed migration and a person might leave.
var laterServer = []string{
	`UPDATE alembic_version SET version_num = '0.98.0'`, `DELETE FROM pipeline_run WHERE id LIKE 'b%'`, `CREATE TABLE fresh (a INT, b INT)`, `DROP VIEW run_names`,
	"CREATE TABLE fresher (a INT, FOREIGN KEY (a) REFERENCES `odd ``name'` (n))", `CREATE VIEW fresh_view AS SELECT a FROM fresh`, `DROP TRIGGER kept`,
	`CREATE PROCEDURE fresh_one() SELECT 1`, `ALTER TABLE pipeline_run MODIFY ok TINYINT(4)`, `ALTER DATABASE CHARACTER SET utf8mb4`,
	`CREATE EVENT fresh_event ON SCHEDULE EVERY 1 DAY DO SELECT 1`,
}

func sampleServer(t *testing.T, kind string, scratchURL string) (*MySQL, mysql.Address) {
	t.Helper()
	a := dbserver.New(t, kind)
	dbserver.Exec(t, a, richServer...)
	return openSample(t, a.StoreURL(), scratchURL), a
}

func openSample(t *testing.T, url, scratchURL string) *MySQL {
	t.Helper()
	d, err := openMySQL(url, Options{Environ: dbserver.Environ(t), CacheDir: machine.Cache(t), ScratchURL: scratchURL})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func backupServer(t *testing.T, d *MySQL) *Manifest {
	t.Helper()
	m, err := d.Backup(t.Context(), filepath.Join(t.TempDir(), "backups"), Meta{ZenMLVersion: "0.85.0", Quiescent: true, Now: time.Now(), Holder: "run 1"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func onBoth(t *testing.T, test func(t *testing.T, kind string)) {
	t.Helper()
	for _, kind := range dbserver.Both {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, kind)
		})
	}
}

func pathOn(t *testing.T) string {
	t.Helper()
	environ := dbserver.Environ(t)
	return strings.TrimPrefix(environ[len(environ)-1], "PATH=")
}

func TestServerRestoreIsExact(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		d, a := sampleServer(t, kind, "")
		dbserver.Exec(t, a, "CREATE TABLE secret (id CHAR(32), name TEXT, `values` BLOB)", "INSERT INTO secret VALUES ('1', 'a', '"+sealedSecret+"')")
		before := contentOf(t, d)
		m := backupServer(t, d)
		if m.Keys.Secrets != SecretsKeyMissing {
			t.Errorf("the keys: %+v", m.Keys)
		}
		if diff := before.Diff(m.Fingerprint()); len(diff) > 0 {
			t.Errorf("the manifest tells another content: %v", diff)
		}
		want := map[string]int{"views": 1, "triggers": 1, "routines": 2, "events": 1}
		if diff := cmp.Diff(want, m.Server.Objects); diff != "" || m.Revision != "0.85.0" || m.Server.Collation != "latin1_german1_ci" || len(m.Server.Grants) == 0 || m.Tables["pipeline_run"].Rows != 3 {
			t.Errorf("the manifest is not complete: %s %+v", diff, m.Server)
		}
		if diff := cmp.Diff([]string{"RESTORE.md", "dump.sql", "manifest.json", "restore.sh"}, names(t, m.Path)); diff != "" {
			t.Error(diff)
		}
		for _, name := range append(names(t, m.Path), ".") {
			if st, _ := os.Stat(filepath.Join(m.Path, name)); st.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s is open to others: %v", name, st.Mode())
			}
		}
		if found, err := BackupsOf(filepath.Dir(m.Path), d.URL()); err != nil || len(found) != 1 {
			t.Errorf("%v %v", found, err)
		}
		for name, damage := range map[string][]string{"after a migration": laterServer, "over an equal one": nil, "over nothing": {"DROP DATABASE `" + a.Name + "`"}} {
			dbserver.Exec(t, a, damage...)
			if err := d.Restore(t.Context(), m.Path); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if lines := before.Diff(contentOf(t, d)); len(lines) > 0 {
				t.Errorf("%s: the restored database differs: %v", name, lines)
			}
			if rev, err := d.Revision(t.Context()); err != nil || rev != "0.85.0" {
				t.Errorf("%s: %q %v", name, rev, err)
			}
		}
		f, _ := os.OpenFile(filepath.Join(m.Path, dumpName), os.O_WRONLY|os.O_APPEND, 0)
		_, _ = f.WriteString(" ")
		_ = f.Close()
		if err := d.Restore(t.Context(), m.Path); err == nil {
			t.Error("a damaged backup was restored")
		}
		if lines := before.Diff(contentOf(t, d)); len(lines) > 0 {
			t.Errorf("a refused restore changed %v", lines)
		}
	})
}

// Killed after any step, the database never passes for a whole one that it is not, and restoring
// again works.
func TestKilledServerRestore(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		d, a := sampleServer(t, kind, "")
		before, m, path := contentOf(t, d), backupServer(t, d), pathOn(t)
		for steps := range 6 {
			dbserver.Exec(t, a, `UPDATE alembic_version SET version_num = '0.98.0'`, `DROP TABLE IF EXISTS fresh`, `CREATE TABLE fresh (a INT)`)
			die(t, "restore", a.StoreURL(), path, m.Path, strconv.Itoa(steps))
			rev, err := d.Revision(t.Context())
			switch whole := steps < 2 || steps == 5; {
			case whole && err != nil && steps != 1: // ensure only; the mark is the second step
				t.Errorf("after %d steps: %v", steps, err)
			case steps > 1 && steps < 5 && err == nil:
				t.Errorf("after %d steps a half restored database passes for one of %q", steps, rev)
			}
			if err := d.Restore(t.Context(), m.Path); err != nil {
				t.Fatalf("after %d steps: %v", steps, err)
			}
			if lines := before.Diff(contentOf(t, d)); len(lines) > 0 {
				t.Errorf("after %d steps: %v", steps, lines)
			}
		}
	})
}

func TestKilledServerBackup(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		d, a := sampleServer(t, kind, "")
		before := contentOf(t, d)
		for steps := range 3 {
			dir := t.TempDir()
			die(t, "backup", a.StoreURL(), pathOn(t), dir, strconv.Itoa(steps))
			left := names(t, dir)
			if len(left) != 1 || !strings.HasSuffix(left[0], partialSuffix) {
				t.Fatalf("after %d steps: %v", steps, left)
			}
			if _, err := Verify(t.Context(), filepath.Join(dir, left[0])); err == nil {
				t.Errorf("after %d steps an unfinished backup is trusted", steps)
			}
		}
		if lines := before.Diff(contentOf(t, d)); len(lines) > 0 {
			t.Errorf("the database is another: %v", lines)
		}
	})
}

// A database that is written to gives no quiescent backup, and else one of a quiet moment.
func TestServerBackupBesideAWriter(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		d, a := sampleServer(t, kind, "")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		writer := mysql.New(&a)
		go func() {
			ended <- writer.With(ctx, func(c *sql.Conn) error {
				for n := 0; ; n++ {
					if _, err := c.ExecContext(ctx, "INSERT INTO counted VALUES (?)", n); err != nil {
						return err
					}
				}
			})
		}()
		dir := t.TempDir()
		for _, quiescent := range []bool{true, false} {
			_, err := d.Backup(t.Context(), dir, Meta{Now: time.Now(), Quiescent: quiescent})
			if err == nil || !errors.Is(err, errChanged) || quiescent != strings.Contains(err.Error(), "every server was said to be stopped") {
				t.Errorf("quiescent %v: %v", quiescent, err)
			}
		}
		if left := names(t, dir); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		m := backupServer(t, openSample(t, dbserverOther(t, kind), "")) // a quiet one on the same server
		if err := d.Restore(t.Context(), m.Path); err == nil || !strings.Contains(err.Error(), "is in use: session") {
			t.Errorf("restored beside a writer: %v", err)
		}
		stop()
		if err := <-ended; err == nil {
			t.Error("the writer ended by itself")
		}
		if others, err := d.Others(t.Context()); err != nil || len(others) > 0 {
			t.Errorf("the writer has gone, but: %v %v", others, err)
		}
	})
}

func dbserverOther(t *testing.T, kind string) string {
	t.Helper()
	a := dbserver.New(t, kind)
	dbserver.Exec(t, a, "CREATE TABLE t (a INT)")
	return a.StoreURL()
}

func TestServerScratchOnAPrivateServer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		d, a := sampleServer(t, kind, "")
		dbserver.Exec(t, a, "CREATE TABLE schedule (name TEXT, active BOOL)", "INSERT INTO schedule VALUES ('nightly', 1), ('paused', 0), ('weekly', 1)",
			"CREATE TABLE `trigger` (is_active BOOL)", "INSERT INTO `trigger` VALUES (1)", "CREATE TABLE webhook (name TEXT)")
		m, dir := backupServer(t, d), t.TempDir()
		var told Mark
		s, err := d.Scratch(t.Context(), m.Path, dir, func(k Mark) error { told = k; return nil })
		if err != nil {
			t.Fatal(err)
		}
		c := s.DB.(*MySQL)
		if told != s.Mark || c.client.Port == a.Port || c.client.Password == "" {
			t.Errorf("%+v %+v", told, s.Mark)
		}
		dbserver.Exec(t, c.client.On(c.client.Name), "DELETE FROM counted")
		if lines := m.Fingerprint().Diff(contentOf(t, d)); len(lines) > 0 {
			t.Errorf("work on the copy changed the database: %v", lines)
		}
		var off int
		_ = c.client.With(t.Context(), func(conn *sql.Conn) error {
			return conn.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.events WHERE event_schema = DATABASE() AND status = 'DISABLED'").Scan(&off)
		})
		if off != 1 {
			t.Error("the copy's event is not switched off")
		}
		for _, want := range []int64{3, 0} { // the second time all are off
			if n, err := s.SwitchOff(t.Context()); err != nil || n != want {
				t.Errorf("switched off %d, want %d: %v", n, want, err)
			}
		}
		if lines := m.Fingerprint().Diff(contentOf(t, d)); len(lines) > 0 {
			t.Errorf("the original was changed: %v", lines)
		}
		pid := d.privates[s.Mark.Dir].Pid()
		for range 2 {
			if err := d.Drop(t.Context(), s.Mark); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := os.Stat("/proc/" + strconv.Itoa(pid)); err == nil || len(names(t, dir)) > 0 {
			t.Errorf("the private server is still there: %v", names(t, dir))
		}
		die(t, "scratch", a.StoreURL(), pathOn(t), m.Path, dir)
		left := names(t, dir)
		if len(left) != 1 {
			t.Fatalf("left: %v", left)
		}
		token, _ := os.ReadFile(filepath.Join(dir, left[0], markerName))
		if err := d.Drop(t.Context(), Mark{Dir: filepath.Join(dir, left[0]), Token: string(token)}); err != nil || len(names(t, dir)) > 0 {
			t.Errorf("what a killed run left cannot be dropped: %v", err)
		}
	})
}

func TestServerBackupOnAFullDisk(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		d, _ := sampleServer(t, kind, "")
		dir := t.TempDir()
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
			t.Skipf("skipped: needs the right to mount a small file system: %v", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(dir, 0) })
		_, err := d.Backup(t.Context(), dir, Meta{Now: time.Now()})
		if err == nil || !strings.Contains(err.Error(), "the disk is full") || strings.Contains(err.Error(), "INSERT") {
			t.Errorf("got %v", err)
		}
		if left := names(t, dir); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

// A server that dies in the middle leaves no backup behind, half or whole.
func TestServerDiesDuringABackup(t *testing.T) {
	t.Parallel()
	p, err := mysql.FindServer(t.Context(), dbserver.Environ(t), mysql.Version{MariaDB: true, Major: 10, Minor: 11})
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	p.Templates = filepath.Join(machine.Cache(t), "servers")
	server, err := p.Start(t.Context(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	a := server.Address.On("zenml")
	dbserver.Exec(t, server.Address, "CREATE DATABASE zenml")
	dbserver.Exec(t, a, append(slices.Clone(richServer), "INSERT INTO counted WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT a.i FROM n a, n b")...)
	dir := t.TempDir()
	go func() {
		for {
			if begun, _ := filepath.Glob(filepath.Join(dir, "*"+partialSuffix, dumpName)); len(begun) > 0 || t.Context().Err() != nil {
				server.Kill()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if _, err := openSample(t, a.StoreURL(), "").Backup(t.Context(), dir, Meta{Now: time.Now()}); err == nil || strings.Contains(err.Error(), a.Password) {
		t.Errorf("got %v", err)
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// MariaDB's dump program writes generated columns in a way that MySQL does not read.
func TestServerWithGeneratedColumns(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		d, a := sampleServer(t, kind, "")
		dbserver.Exec(t, a, "CREATE TABLE twice (k INT, k2 INT AS (k * 2) STORED)", "INSERT INTO twice (k) VALUES (3)")
		m, err := d.Backup(t.Context(), t.TempDir(), Meta{Now: time.Now(), Quiescent: true})
		if kind == dbserver.MySQL && err != nil {
			if !strings.Contains(err.Error(), "generated columns") {
				t.Error(err)
			}
			return // no mysqldump of MySQL's on this machine
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Restore(t.Context(), m.Path); err != nil {
			t.Error(err)
		}
	})
}
