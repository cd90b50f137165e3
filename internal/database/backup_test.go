package database

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

var modes = []string{"DELETE", "WAL", "TRUNCATE", "PERSIST"}

func TestBackupEqualsItsSource(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			d := sample(t, mode)
			before := contentOf(t, d)
			m := backup(t, d)
			if diff := before.Diff(m.Fingerprint()); len(diff) > 0 || m.ContentDigest != before.Digest() {
				t.Errorf("the manifest tells another content: %v", diff)
			}
			if lines := before.Diff(contentOf(t, d)); len(lines) > 0 {
				t.Errorf("the backup changed its source: %v", lines)
			}
			if m.Revision != "0.85.0" || m.Tables["pipeline_run"].Rows != 500 || m.Bytes == 0 || !strings.HasPrefix(m.Digest, "h1:") || m.EngineVersion == "" {
				t.Errorf("the manifest is not complete: %+v", m)
			}
			if diff := cmp.Diff([]string{"RESTORE.md", "manifest.json", "zenml.db"}, names(t, m.Path)); diff != "" {
				t.Error(diff)
			}
			for _, name := range append(names(t, m.Path), ".") {
				if st, _ := os.Stat(filepath.Join(m.Path, name)); st.Mode().Perm()&0o077 != 0 {
					t.Errorf("%s is open to others: %v", name, st.Mode())
				}
			}
			again, err := Verify(t.Context(), m.Path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(m, again); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What stands only in the write-ahead log of a server that still runs is in the backup.
func TestBackupHoldsTheWriteAheadLog(t *testing.T) {
	t.Parallel()
	d := sample(t, "WAL")
	_, kill := helper(t, "hold", d.real, "PRAGMA wal_autocheckpoint=0", "INSERT INTO pairs VALUES (1, 'only in the log')")
	m := backup(t, d)
	kill()
	if m.Tables["pairs"].Rows != 1 {
		t.Errorf("the backup has %d rows of what the log holds", m.Tables["pairs"].Rows)
	}
	if st, err := os.Stat(d.real + "-wal"); err != nil || st.Size() == 0 {
		t.Errorf("the test's log is empty: %v", err)
	}
}

// Beside a writer the copy is one state of the database: rows 0..n without a gap.
func TestBackupBesideAWriter(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"DELETE", "WAL"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			d := sample(t, mode)
			helper(t, "write", d.real)
			dir := t.TempDir()
			var sizes []int64
			for range 5 {
				m, err := d.Backup(t.Context(), dir, Meta{Now: time.Now()})
				if err != nil {
					t.Fatal(err)
				}
				s, err := d.Scratch(t.Context(), m.Path, t.TempDir(), ignore)
				if err != nil {
					t.Fatal(err)
				}
				rows := m.Tables["pairs"].Rows
				expect := s.DB.(*SQLite)
				had := contentOf(t, expect).Tables["pairs"]
				change(t, expect, `DELETE FROM pairs`,
					`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < `+strconv.FormatInt(rows-1, 10)+`) INSERT INTO pairs SELECT i, i FROM n`)
				if got := contentOf(t, expect).Tables["pairs"]; got != had {
					t.Errorf("the copy is not one state: %v, without gaps %v", had, got)
				}
				sizes = append(sizes, rows)
				if err := d.Drop(t.Context(), s.Mark); err != nil {
					t.Fatal(err)
				}
			}
			if sizes[0] < 11 || sizes[len(sizes)-1] <= sizes[0] {
				t.Errorf("the writer did not write: %v", sizes)
			}
		})
	}
}

// A backup that was asked for as quiescent does not pass when somebody writes.
func TestQuiescentBackupRefusesAWriter(t *testing.T) {
	t.Parallel()
	d := sample(t, "WAL")
	helper(t, "write", d.real)
	dir := t.TempDir()
	// A writer that the machine keeps waiting does not write: then a backup is right to succeed.
	var err error
	for tries := 0; err == nil && tries < 100; tries++ {
		var m *Manifest
		if m, err = d.Backup(t.Context(), dir, Meta{Now: time.Now(), Quiescent: true}); err == nil {
			err = os.RemoveAll(m.Path)
		}
	}
	if err == nil || !strings.Contains(err.Error(), "somebody wrote") {
		t.Errorf("got %v", err)
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestVerifyFindsEveryDamage(t *testing.T) {
	t.Parallel()
	d := sample(t, "WAL")
	whole := backup(t, d).Path
	damages := map[string]func(folder string) error{
		"copy cut":       func(f string) error { return os.Truncate(filepath.Join(f, copyName), 8192) },
		"copy empty":     func(f string) error { return os.Truncate(filepath.Join(f, copyName), 0) },
		"copy gone":      func(f string) error { return os.Remove(filepath.Join(f, copyName)) },
		"manifest gone":  func(f string) error { return os.Remove(filepath.Join(f, manifestName)) },
		"manifest empty": func(f string) error { return os.Truncate(filepath.Join(f, manifestName), 0) },
		"steps gone":     func(f string) error { return os.Remove(filepath.Join(f, stepsName)) },
		"foreign file":   func(f string) error { return os.WriteFile(filepath.Join(f, "zenml.db-wal"), nil, 0o600) },
		"foreign folder": func(f string) error { return os.Mkdir(filepath.Join(f, "x"), 0o700) },
		"link for a file": func(f string) error {
			if err := os.Rename(filepath.Join(f, copyName), f+"-moved"); err != nil {
				return err
			}
			return os.Symlink(f+"-moved", filepath.Join(f, copyName))
		},
		"never finished": func(f string) error { return os.Rename(f, f+partialSuffix) },
	}
	for name, damage := range damages {
		folder := filepath.Join(t.TempDir(), "b")
		if err := os.CopyFS(folder, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(t.Context(), folder); err != nil {
			t.Fatalf("an undamaged copy: %v", err)
		}
		if err := damage(folder); err != nil {
			t.Fatal(err)
		}
		if name == "never finished" {
			folder += partialSuffix
		}
		if _, err := Verify(t.Context(), folder); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, file := range []string{copyName, stepsName, manifestName} {
		folder := filepath.Join(t.TempDir(), "b")
		if err := os.CopyFS(folder, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		body, _ := os.ReadFile(filepath.Join(folder, file))
		for i := 0; i < len(body); i += 1 + len(body)/60 {
			body[i] ^= 1
			_ = os.WriteFile(filepath.Join(folder, file), body, 0o600)
			if _, err := Verify(t.Context(), folder); err == nil {
				t.Errorf("%s: byte %d changed, and it was accepted", file, i)
			}
			body[i] ^= 1
		}
	}
}

// Killed between any two steps a backup leaves the database as it was and no folder that passes
// for a backup.
func TestKilledBackup(t *testing.T) {
	t.Parallel()
	for steps := range 4 {
		d := sample(t, "WAL")
		before, dir := contentOf(t, d), t.TempDir()
		die(t, "backup", d.real, dir, strconv.Itoa(steps))
		left := names(t, dir)
		if len(left) != 1 || !strings.HasSuffix(left[0], partialSuffix) {
			t.Fatalf("after %d steps: %v", steps, left)
		}
		if found, err := BackupsOf(dir, d.URL()); err != nil || len(found) != 0 {
			t.Errorf("after %d steps an unfinished backup is offered: %v %v", steps, found, err)
		}
		if _, err := Verify(t.Context(), filepath.Join(dir, left[0])); err == nil {
			t.Errorf("after %d steps an unfinished backup is trusted", steps)
		}
		if lines := before.Diff(contentOf(t, d)); len(lines) > 0 {
			t.Errorf("after %d steps the database is another: %v", steps, lines)
		}
	}
}

// A removal that is cut off leaves nothing that counts as a backup, and the next sweep removes it.
func TestRemovedBackup(t *testing.T) {
	t.Parallel()
	d := sample(t, "DELETE")
	dir := t.TempDir()
	for _, cutOff := range []bool{false, true} {
		m, err := d.Backup(t.Context(), dir, Meta{Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		stuck := filepath.Join(m.Path, "stuck")
		if cutOff { // a mount point cannot be removed
			if err := os.Mkdir(stuck, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mount("tmpfs", stuck, "tmpfs", 0, "size=1m"); err != nil {
				t.Skipf("skipped: no right to mount a disk: %v", err)
			}
		}
		err = RemoveFolder(m.Path, d.URL())
		if (err != nil) != cutOff {
			t.Errorf("cut off: %v, got %v", cutOff, err)
		}
		if found, err := BackupsOf(dir, d.URL()); err != nil || len(found) > 0 {
			t.Errorf("still counts: %v, %v", found, err)
		}
		if cutOff {
			left, _ := filepath.Glob(filepath.Join(dir, "*.partial", "stuck"))
			if len(left) != 1 {
				t.Fatalf("left: %v", left)
			}
			if err := unix.Unmount(left[0], unix.MNT_DETACH); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Sweep(t.Context(), dir); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	}
}

func TestBackupOnAFullDisk(t *testing.T) {
	t.Parallel()
	d := sample(t, "DELETE")
	t.Run("file size limit", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{helperEnv + "=" + strings.Join([]string{"backup-limited", d.real, dir, "100000"}, "\n")}
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "making a backup") {
			t.Errorf("got %v: %s", err, out)
		}
		if left := names(t, dir); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	t.Run("full file system", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=128k"); err != nil {
			t.Skipf("needs the right to mount a small file system: %v", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(dir, 0) })
		_, err := d.Backup(context.Background(), dir, Meta{Now: time.Now()})
		if err == nil || !strings.Contains(err.Error(), "the disk is full") {
			t.Errorf("got %v", err)
		}
		if left := names(t, dir); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestBackupOfADamagedDatabase(t *testing.T) {
	t.Parallel()
	d := sample(t, "DELETE")
	body, _ := os.ReadFile(d.real)
	for i := 3 * 4096; i < 5*4096; i++ {
		body[i] = 0xff
	}
	_ = os.WriteFile(d.real, body, 0o600)
	dir := t.TempDir()
	if _, err := d.Backup(t.Context(), dir, Meta{Now: time.Now()}); err == nil {
		t.Error("a damaged database was backed up without a word")
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCancelledBackup(t *testing.T) {
	t.Parallel()
	d, dir := sample(t, "WAL"), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Backup(ctx, dir, Meta{Now: time.Now()}); err == nil {
		t.Error("a cancelled backup succeeded")
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBackupsNewestFirst(t *testing.T) {
	t.Parallel()
	d, other, dir := sample(t, "DELETE"), sample(t, "DELETE"), t.TempDir()
	if found, err := BackupsOf(filepath.Join(dir, "none"), d.URL()); err != nil || len(found) != 0 {
		t.Fatalf("%v %v", found, err)
	}
	now := time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)
	var want []string
	for i, db := range []*SQLite{d, d, other, d} {
		m, err := db.Backup(t.Context(), dir, Meta{Now: now.Add(time.Duration(i) * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if db == d {
			want = slices.Insert(want, 0, m.Path)
		}
	}
	_ = os.Mkdir(filepath.Join(dir, "20990101T000000Z-x"+partialSuffix), 0o700)
	_ = os.Mkdir(filepath.Join(dir, "20990101T000000Z-y"), 0o700)
	found, err := BackupsOf(dir, d.URL())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range found {
		got = append(got, m.Path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The manifest is read by others than this tool, too: its keys are a promise, and no value of a
// row stands in it.
func TestManifestKeys(t *testing.T) {
	t.Parallel()
	d := sample(t, "DELETE")
	change(t, d, `INSERT INTO pairs VALUES ('a secret value', 1)`)
	body, err := os.ReadFile(filepath.Join(backup(t, d).Path, manifestName))
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(body, &keys); err != nil {
		t.Fatal(err)
	}
	want := []string{"beside", "bytes", "content_digest", "created_at", "digest", "engine", "engine_version", "format", "holder", "keys", "manifest_digest", "options", "quiescent",
		"revision", "schema", "server", "source_url", "tables", "tool_version", "zenml_version"}
	var got []string
	for k := range keys {
		got = append(got, k)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(string(body), "secret value") {
		t.Error("a value of a row stands in the manifest")
	}
}
