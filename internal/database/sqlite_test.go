package database

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

func TestOpenWordsItsFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte("this is a text file, not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "empty.db"))
	_ = os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "dangling.db"))
	for url, want := range map[string]string{
		"mariadb://root:hunter2@localhost/zenml": `the scheme "mariadb"`,
		"postgres://x:hunter2@y/z":               "unknown scheme",
		"hunter2":                                "no scheme",
		"sqlite://":                              "names no database file",
		"sqlite:///":                             "names no database file",
		"sqlite:///:memory:":                     "names no database file",
		"sqlite:///" + dir + "/none.db":          "does not exist",
		"sqlite:///" + dir + "/no/none.db":       "cannot be found",
		"sqlite:///" + dir + "/dangling.db":      "leads nowhere",
		"sqlite:///" + dir:                       "not a regular file",
		"sqlite:///" + text:                      "not a SQLite database",
		"sqlite:///" + dir + "/empty.db":         "not a SQLite database",
		"sqlite:///" + text + "?mode=rwc":        "options",
		"sqlite:///" + dir + "/%zz":              "percent-encoded",
	} {
		_, err := Open(url, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || !fault.IsInput(err) {
			t.Errorf("%s: got %v, want an input fault with %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the fault tells the password: %v", url, err)
		}
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	d := sampleAt(t, filepath.Join(t.TempDir(), "a b%20ü#.db"), "WAL")
	again, err := OpenSQLite(d.URL())
	if err != nil {
		t.Fatal(err)
	}
	if again.Path() != d.path || strings.ContainsAny(d.URL(), " #") || d.StoreURL() != "sqlite:///"+d.path {
		t.Errorf("%q %q %q", again.Path(), d.URL(), d.StoreURL())
	}
	if m := backup(t, again); m.SourceURL != d.URL() {
		t.Errorf("the backup's source is %q", m.SourceURL)
	}
}

func TestRevision(t *testing.T) {
	t.Parallel()
	for change1, want := range map[string]string{
		`SELECT 1`:                    "0.85.0",
		`DROP TABLE alembic_version`:  "",
		`DELETE FROM alembic_version`: "",
	} {
		d := sample(t, "DELETE")
		change(t, d, change1)
		if got, err := d.Revision(t.Context()); err != nil || got != want {
			t.Errorf("%s: %q %v", change1, got, err)
		}
	}
	d := sample(t, "DELETE")
	change(t, d, `INSERT INTO alembic_version VALUES ('0.98.0')`)
	if got, err := d.Revision(t.Context()); err == nil || !strings.Contains(err.Error(), "2 rows") {
		t.Errorf("two rows gave %q, %v", got, err)
	}
}

func TestLeftoversAndSizes(t *testing.T) {
	t.Parallel()
	d := sampleAt(t, filepath.Join(t.TempDir(), "store.sqlite"), "DELETE")
	if found := d.leftovers(); len(found) != 0 {
		t.Errorf("found %v", found)
	}
	left := filepath.Join(filepath.Dir(d.path), "store.sql-backup.db") // ZenML cuts three characters
	write(t, left)
	if diff := cmp.Diff([]string{left}, d.leftovers()); diff != "" {
		t.Error(diff)
	}
	st, _ := os.Stat(d.path)
	if size, err := d.Size(t.Context()); err != nil || size != st.Size() {
		t.Errorf("%d %v", size, err)
	}
	if free, err := Free(filepath.Dir(d.path)); err != nil || free == 0 {
		t.Errorf("%d %v", free, err)
	}
}

func TestOthers(t *testing.T) {
	t.Parallel()
	for mode, statement := range map[string]string{"DELETE": "SELECT 1 FROM pairs", "WAL": "INSERT INTO pairs VALUES (1, 1)"} {
		d := sample(t, mode)
		look := func() []string {
			found, err := d.Others(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		if found := look(); len(found) != 0 {
			t.Errorf("%s: nobody is there, but: %v", mode, found)
		}
		cmd, kill := helper(t, "hold", d.real, statement)
		want := describe(cmd.Process.Pid)
		if diff := cmp.Diff([]string{want}, look()); diff != "" {
			t.Errorf("%s: %s", mode, diff)
		}
		kill()
		if found := look(); len(found) != 0 {
			t.Errorf("%s: it was killed, but: %v", mode, found)
		}
	}
}

// The lock alone betrays a process whose open files cannot be seen.
func TestLockHolder(t *testing.T) {
	t.Parallel()
	d := sample(t, "DELETE")
	if holder, err := lockHolder(d.real); err != nil || holder != "" {
		t.Errorf("%q %v", holder, err)
	}
	helper(t, "hold", d.real, "BEGIN EXCLUSIVE")
	if holder, err := lockHolder(d.real); err != nil || holder == "" {
		t.Errorf("an exclusive lock was not seen: %q %v", holder, err)
	}
}

func TestLock(t *testing.T) {
	t.Parallel()
	d := sample(t, "DELETE")
	release, err := d.Lock(t.Context(), "run 7 by ana")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lock(t.Context(), "run 8"); err == nil || !strings.Contains(err.Error(), "run 7 by ana") {
		t.Errorf("a second holder got %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	_, kill := helper(t, "lock", d.real, "a run\x1b[31m that dies")
	_, err = d.Lock(t.Context(), "run 9")
	if err == nil || !strings.Contains(err.Error(), "that dies") || strings.ContainsRune(err.Error(), '\x1b') {
		t.Errorf("another process holds it, but: %v", err)
	}
	kill()
	release, err = d.Lock(t.Context(), "run 10")
	if err != nil {
		t.Fatalf("a dead holder keeps the lock: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.real + lockSuffix); err == nil {
		t.Error("the lock file stays behind")
	}
}
