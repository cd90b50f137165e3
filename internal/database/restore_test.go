package database

import (
	"context"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// later is what a failed migration might leave.
var later = []string{`UPDATE alembic_version SET version_num = '0.98.0'`, `DELETE FROM pipeline_run WHERE active`, `CREATE TABLE fresh (a)`,
	`INSERT INTO pairs VALUES ('new', 1)`, `PRAGMA user_version = 9`}

func mustRestore(t *testing.T, d *SQLite, m *Manifest) {
	t.Helper()
	if err := d.Restore(t.Context(), m.Path); err != nil {
		t.Fatal(err)
	}
	if lines := m.Fingerprint().Diff(contentOf(t, d)); len(lines) > 0 {
		t.Fatalf("the restored database differs: %v", lines)
	}
}

func TestRestoreIsExact(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			d := sample(t, mode)
			if err := os.Chmod(d.real, 0o604); err != nil {
				t.Fatal(err)
			}
			if os.Geteuid() == 0 {
				if err := os.Chown(d.real, 1234, 2345); err != nil {
					t.Fatal(err)
				}
			}
			var before, after unix.Stat_t
			_ = unix.Stat(d.real, &before)
			m := backup(t, d)
			change(t, d, later...)
			mustRestore(t, d, m)
			_ = unix.Stat(d.real, &after)
			if before.Mode != after.Mode || before.Uid != after.Uid || before.Gid != after.Gid {
				t.Errorf("mode and owner were %o %d:%d, now %o %d:%d", before.Mode, before.Uid, before.Gid, after.Mode, after.Uid, after.Gid)
			}
			left := slices.DeleteFunc(names(t, filepath.Dir(d.real)), func(n string) bool {
				return n == "zenml.db" || n == "zenml.db-wal" || n == "zenml.db-shm" // content's own reading makes these
			})
			if len(left) > 0 {
				t.Errorf("left beside the database: %v", left)
			}
			var found string
			err := withConn(t.Context(), d.real, liveWrite, func(c *sql.Conn) error {
				return c.QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&found)
			})
			if err != nil || mode == "WAL" != (found == "wal") {
				t.Errorf("the journal mode is %q: %v", found, err)
			}
		})
	}
}

// A server that was killed leaves a log or a hot journal beside the file. Both would be applied
// to the restored file if they stayed.
func TestRestoreOverWhatAKilledServerLeft(t *testing.T) {
	t.Parallel()
	for name, left := range map[string][]string{
		"log":         append([]string{"PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0"}, later...),
		"hot journal": append([]string{"PRAGMA journal_mode=DELETE", "PRAGMA cache_size=1", "BEGIN"}, append(later[:4:4], "UPDATE pipeline_run SET raw = randomblob(9000)")...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := sample(t, "DELETE")
			m := backup(t, d)
			killServer(t, d, left)
			mustRestore(t, d, m)
			for _, suffix := range journalSuffixes {
				if _, err := os.Stat(d.real + suffix); err == nil {
					t.Errorf("%s is still there", suffix)
				}
			}
		})
	}
}

// killServer leaves the files of a process that was killed after these statements.
func killServer(t *testing.T, d *SQLite, statements []string) {
	t.Helper()
	_, kill := helper(t, "hold", append([]string{d.real}, statements...)...)
	kill()
	size := int64(0)
	for _, suffix := range journalSuffixes {
		if st, err := os.Stat(d.real + suffix); err == nil {
			size += st.Size()
		}
	}
	if size == 0 {
		t.Fatal("the killed server left no journal: the test proves nothing")
	}
}

// Killed between any two steps, the database is wholly the old or wholly the new one, as a server
// would find it, and restoring again works.
func TestKilledRestore(t *testing.T) {
	t.Parallel()
	committed := append([]string{"PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0"}, later...)
	open := []string{"PRAGMA journal_mode=DELETE", "PRAGMA cache_size=1", "BEGIN", "UPDATE pipeline_run SET raw = randomblob(9000)"}
	for name, before := range map[string][]string{"log": committed, "hot journal": open} {
		for steps := range 6 {
			t.Run(name+" "+strconv.Itoa(steps), func(t *testing.T) {
				t.Parallel()
				d := sample(t, "DELETE")
				m := backup(t, d)
				killServer(t, d, before)
				old := serverSees(t, d)
				die(t, "restore", d.real, m.Path, strconv.Itoa(steps))
				got := serverSees(t, d)
				want := old
				if steps >= 4 {
					want = m.Fingerprint()
				}
				if lines := want.Diff(got); len(lines) > 0 {
					t.Fatalf("after %d steps: %v", steps, lines)
				}
				mustRestore(t, d, m)
				if left := slices.DeleteFunc(names(t, filepath.Dir(d.real)), func(n string) bool { return n == "zenml.db" }); len(left) > 0 {
					t.Errorf("left beside the database: %v", left)
				}
			})
		}
	}
}

// serverSees fingerprints what a server that starts now would find, on a copy of all its files:
// the look itself must not bring anything in order.
func serverSees(t *testing.T, d *SQLite) Fingerprint {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(d.real))); err != nil {
		t.Fatal(err)
	}
	f, err := fingerprintFile(t.Context(), filepath.Join(dir, filepath.Base(d.real)), liveWrite)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRestoreOverADamagedFile(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(*SQLite) error{
		"gone":      func(d *SQLite) error { return os.Remove(d.real) },
		"empty":     func(d *SQLite) error { return os.Truncate(d.real, 0) },
		"cut":       func(d *SQLite) error { return os.Truncate(d.real, 20_000) },
		"no header": func(d *SQLite) error { return os.WriteFile(d.real, []byte(strings.Repeat("no database", 3000)), 0o600) },
		"gone, log left": func(d *SQLite) error {
			return os.Rename(d.real, d.real+"-wal")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := sample(t, "WAL")
			m := backup(t, d)
			url := d.URL()
			if err := damage(d); err != nil {
				t.Fatal(err)
			}
			again, err := OpenForRestore(url)
			if err != nil {
				t.Fatal(err)
			}
			mustRestore(t, again, m)
			kept := slices.ContainsFunc(names(t, filepath.Dir(d.real)), func(n string) bool { return strings.Contains(n, ".unreadable-") })
			if want := name == "no header" || name == "cut" || name == "gone, log left"; kept != want {
				t.Errorf("kept aside: %v; %v", kept, names(t, filepath.Dir(d.real)))
			}
		})
	}
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	t.Run("an open database", func(t *testing.T) {
		t.Parallel()
		for _, mode := range []string{"DELETE", "WAL"} {
			d := sample(t, mode)
			m := backup(t, d)
			change(t, d, later...)
			before := contentOf(t, d)
			cmd, kill := helper(t, "hold", d.real, "SELECT 1 FROM pairs")
			err := d.Restore(t.Context(), m.Path)
			if err == nil || !strings.Contains(err.Error(), "pid "+strconv.Itoa(cmd.Process.Pid)) {
				t.Errorf("%s: got %v", mode, err)
			}
			if lines := before.Diff(contentOf(t, d)); len(lines) > 0 {
				t.Errorf("%s: a refused restore changed %v", mode, lines)
			}
			kill()
			mustRestore(t, d, m)
		}
	})
	t.Run("a damaged backup", func(t *testing.T) {
		t.Parallel()
		d := sample(t, "WAL")
		m := backup(t, d)
		before := contentOf(t, d)
		if err := os.Truncate(filepath.Join(m.Path, copyName), 4096); err != nil {
			t.Fatal(err)
		}
		if err := d.Restore(t.Context(), m.Path); err == nil {
			t.Error("a damaged backup was restored")
		}
		if lines := before.Diff(contentOf(t, d)); len(lines) > 0 {
			t.Errorf("a refused restore changed %v", lines)
		}
	})
	t.Run("a locked database", func(t *testing.T) { // by a process that only its lock betrays
		t.Parallel()
		d := sample(t, "WAL")
		r := &restoring{db: d, m: backup(t, d)}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		helper(t, "hold", d.real, "SELECT 1 FROM pairs")
		if err := r.stage(ctx); err != nil {
			t.Fatal(err)
		}
		pulled := make(chan error, 1)
		go func() { pulled <- r.hold(ctx) }()
		if err := <-pulled; err == nil {
			t.Error("the lock was taken beside a connected server")
		}
		if err := r.abandon(ctx); err != nil {
			t.Error(err)
		}
		if m := serverSees(t, d); len(r.m.Fingerprint().Diff(m)) > 0 {
			t.Error("an abandoned restore changed the database")
		}
	})
}

func TestRestoreFollowsALink(t *testing.T) {
	t.Parallel()
	d := sample(t, "WAL")
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(d.real, link); err != nil {
		t.Fatal(err)
	}
	linked, err := OpenSQLite("sqlite:///" + link)
	if err != nil {
		t.Fatal(err)
	}
	m := backup(t, linked)
	change(t, d, later...)
	mustRestore(t, linked, m)
	if to, err := os.Readlink(link); err != nil || to != d.real {
		t.Errorf("the link is now %q, %v", to, err)
	}
	if lines := m.Fingerprint().Diff(contentOf(t, d)); len(lines) > 0 {
		t.Errorf("the real file was not restored: %v", lines)
	}
	if diff := cmp.Diff([]string{filepath.Dir(link), filepath.Dir(d.real)}, linked.Folders()); diff != "" {
		t.Error(diff)
	}
}

func TestScratch(t *testing.T) {
	t.Parallel()
	d := sample(t, "WAL")
	m := backup(t, d)
	dir := t.TempDir()
	s, err := d.Scratch(t.Context(), m.Path, dir, ignore)
	if err != nil {
		t.Fatal(err)
	}
	if lines := m.Fingerprint().Diff(contentOf(t, s.DB)); len(lines) > 0 || filepath.Dir(s.Mark.Dir) != dir {
		t.Errorf("%v %+v", lines, s)
	}
	change(t, s.DB.(*SQLite), later...)
	if lines := m.Fingerprint().Diff(contentOf(t, d)); len(lines) > 0 {
		t.Errorf("work on the copy changed the database: %v", lines)
	}
	marker := filepath.Join(s.Mark.Dir, markerName)
	body, _ := os.ReadFile(marker)
	for _, other := range [][]byte{nil, []byte("another token")} {
		_ = os.WriteFile(marker, other, 0o600)
		if err := d.Drop(t.Context(), s.Mark); err == nil {
			t.Fatal("a folder with another marker was removed")
		}
	}
	_ = os.WriteFile(marker, body, 0o600)
	for range 2 { // a second time there is nothing left to do
		if err := d.Drop(t.Context(), s.Mark); err != nil {
			t.Fatal(err)
		}
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	_ = os.Truncate(filepath.Join(m.Path, copyName), 4096)
	if _, err := d.Scratch(t.Context(), m.Path, dir, ignore); err == nil || len(names(t, dir)) > 0 {
		t.Errorf("a damaged backup gave a copy: %v", err)
	}
}

// The steps for a person are run as they are written.
func TestRestoreStepsByHand(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("needs bash")
	}
	d := sampleAt(t, filepath.Join(t.TempDir(), "it's $HOME `x` a%20b.db"), "WAL")
	m := backup(t, d)
	killServer(t, d, append([]string{"PRAGMA wal_autocheckpoint=0"}, later...))
	text, err := os.ReadFile(filepath.Join(m.Path, stepsName))
	if err != nil {
		t.Fatal(err)
	}
	script := "set -eu\n"
	for line := range strings.Lines(string(text)) {
		if code, ok := strings.CutPrefix(line, "       "); ok && !strings.HasPrefix(code, "fuser") {
			script += code
		}
	}
	cmd := exec.Command(bash, "-c", script)
	cmd.Dir = m.Path
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "zenml.db: OK") {
		t.Fatalf("%v: %s\n%s", err, out, script)
	}
	if lines := m.Fingerprint().Diff(contentOf(t, d)); len(lines) > 0 {
		t.Errorf("restored by hand, the database differs: %v", lines)
	}
}
