package database

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
)

func TestServerBackupByMydumper(t *testing.T) {
	t.Parallel()
	if _, err := mysql.FindMydumper(t.Context(), dbserver.Environ(t)); err != nil {
		t.Skipf("skipped: %v", err)
	}
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		d, a := sampleServer(t, kind, "")
		d.options.Engine = EngineMydumper
		dir := t.TempDir()
		if _, err := d.Backup(t.Context(), dir, Meta{Now: time.Now()}); err == nil || !strings.Contains(err.Error(), "4 triggers, routines and events") {
			t.Errorf("what it does not keep: %v", err)
		}
		dbserver.Exec(t, a, "DROP TRIGGER kept", "DROP PROCEDURE fill", "DROP FUNCTION twice", "DROP EVENT nightly")
		// It fails on such a name, and must not do so in silence.
		if _, err := d.Backup(t.Context(), dir, Meta{Now: time.Now()}); err == nil || !strings.Contains(err.Error(), "mydumper") || len(names(t, dir)) > 0 {
			t.Errorf("a table that it does not dump: %v", err)
		}
		dbserver.Exec(t, a, "DROP TABLE `odd ``name'`")
		before, m := contentOf(t, d), backupServer(t, d)
		if m.Engine != "mydumper" || !strings.HasPrefix(m.EngineVersion, "mydumper 0.10") || m.Bytes == 0 {
			t.Errorf("%+v", m)
		}
		damage := []string{"DROP TABLE counted", "CREATE TABLE fresh (a INT)", "DROP VIEW run_names", "UPDATE pipeline_run SET body = 'x'", "ALTER DATABASE CHARACTER SET utf8mb4"}
		dbserver.Exec(t, a, damage...)
		if err := d.Restore(t.Context(), m.Path); err != nil {
			t.Fatal(err)
		}
		if lines := before.Diff(contentOf(t, d)); len(lines) > 0 {
			t.Errorf("the restored database differs: %v", lines)
		}
		s, err := d.Scratch(t.Context(), m.Path, t.TempDir(), ignore)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Drop(t.Context(), s.Mark); err != nil {
			t.Error(err)
		}
		dbserver.Exec(t, a, damage...)
		settings := filepath.Join(t.TempDir(), "client.cnf")
		if err := os.WriteFile(settings, fmt.Appendf(nil, "[client]\nhost=127.0.0.1\nport=%d\nuser=%s\npassword=%s\n", a.Port, a.User, a.Password), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "sh", filepath.Join(m.Path, scriptName), settings).CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "restored\n") {
			t.Fatalf("%v: %s", err, out)
		}
		if lines := before.Diff(contentOf(t, d)); len(lines) > 0 {
			t.Errorf("restored by hand, the database differs: %v", lines)
		}
		for _, change := range []func(string) error{
			func(f string) error { return os.Remove(filepath.Join(f, "metadata")) },
			func(f string) error { return os.WriteFile(filepath.Join(f, "x.y.sql"), nil, 0o600) },
			func(f string) error { return os.Mkdir(filepath.Join(f, "folder"), 0o700) },
		} {
			folder := filepath.Join(t.TempDir(), "b")
			if err := os.CopyFS(folder, os.DirFS(m.Path)); err != nil {
				t.Fatal(err)
			}
			if _, err := Verify(t.Context(), folder); err != nil {
				t.Fatalf("an undamaged copy: %v", err)
			}
			if err := change(filepath.Join(folder, dumpFolder)); err != nil {
				t.Fatal(err)
			}
			if _, err := Verify(t.Context(), folder); err == nil {
				t.Error("a changed dump was accepted")
			}
		}
	})
}
