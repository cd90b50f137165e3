package vault

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
)

// place is a database and a folder for its backups.
type place struct {
	path string // of the database's file
	db   database.Database
	dir  string
	now  time.Time
}

func newPlace(t *testing.T) *place {
	t.Helper()
	path := filepath.Join(t.TempDir(), "zenml.db")
	p := &place{path: path, dir: filepath.Join(t.TempDir(), "backups"), now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	p.exec(t, `CREATE TABLE alembic_version (version_num TEXT)`, `INSERT INTO alembic_version VALUES ('0.85.0')`, `CREATE TABLE word (w TEXT)`, `INSERT INTO word VALUES ('a row that nobody may read')`)
	var err error
	if p.db, err = database.Open("sqlite:///"+path, database.Options{}); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) exec(t *testing.T, statements ...string) {
	t.Helper()
	c, err := sql.Open("sqlite", p.path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, s := range statements {
		if _, err := c.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

// backup makes one an hour after the last.
func (p *place) backup(t *testing.T) *database.Manifest {
	t.Helper()
	p.now = p.now.Add(time.Hour)
	m, err := p.db.Backup(t.Context(), p.dir, database.Meta{ZenMLVersion: "0.85.0", Now: p.now, Beside: map[string][]byte{"stacks/1.yaml": []byte("{}")}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (p *place) vault(o Options) *Vault {
	o.Dir, o.Now = p.dir, func() time.Time { return p.now }
	return New(o, p.db.URL())
}

func identity(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// files lists what lies below a folder, those of a backup's folder left out.
func files(t *testing.T, dir string) []string {
	t.Helper()
	out := []string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if nameForm.MatchString(e.Name()) {
			out = append(out, e.Name()+"/")
			return fs.SkipDir
		}
		if !e.IsDir() {
			out = append(out, e.Name())
			if st, err := e.Info(); err != nil || st.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s is open to others", path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func base(m *database.Manifest) string { return filepath.Base(m.Path) }

func TestAnEncryptedBackupReplacesItsFolderAndIsRestored(t *testing.T) {
	t.Parallel()
	p, id := newPlace(t), identity(t)
	m, held := p.backup(t), p.backup(t)
	v := p.vault(Options{Recipients: []age.Recipient{id.Recipient(), identity(t).Recipient()}})
	if err := errors.Join(v.Mark(m), v.Tidy(t.Context(), []string{held.Path})); err != nil {
		t.Fatal(err)
	}
	packed := m.Path + ".tar.gz.age"
	if d := cmp.Diff([]string{base(m) + ".backup.json", base(m) + ".tar.gz.age", base(held) + "/"}, files(t, p.dir)); d != "" {
		t.Fatal(d)
	}
	if b, err := os.ReadFile(packed); err != nil || bytes.Contains(b, []byte("nobody may read")) || !bytes.HasPrefix(b, []byte("age-encryption.org/v1")) {
		t.Errorf("the file is not encrypted: %v", err)
	}
	for name, ids := range map[string][]age.Identity{"none": nil, "another": {identity(t)}} {
		if _, _, err := Unpack(t.Context(), packed, t.TempDir(), ids); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	open, release, err := Unpack(t.Context(), packed, t.TempDir(), []age.Identity{id})
	if err != nil {
		t.Fatal(err)
	}
	scratch, err := p.db.Scratch(t.Context(), open.Path, t.TempDir(), func(database.Mark) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if f, err := scratch.DB.Fingerprint(t.Context()); err != nil || f.Digest() != m.ContentDigest {
		t.Errorf("restored another content: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(open.Path); err == nil {
		t.Error("the unpacked backup stays in the clear")
	}
	// One byte of the file.
	b, err := os.ReadFile(packed)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(packed, b, 0o600); err != nil {
		t.Fatal(err)
	}
	into := t.TempDir()
	if _, _, err := Unpack(t.Context(), packed, into, []age.Identity{id}); err == nil {
		t.Error("an altered file is opened")
	}
	if left := files(t, into); len(left) > 0 {
		t.Errorf("left in the clear: %v", left)
	}
}

// A folder goes only when its file holds what the manifest says.
func TestAFolderThatChangedIsNotReplaced(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	m := p.backup(t)
	if err := os.WriteFile(filepath.Join(m.Path, "server", "stacks", "1.yaml"), []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.vault(Options{Recipients: []age.Recipient{identity(t).Recipient()}}).Tidy(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "does not hold") {
		t.Errorf("%v", err)
	}
	if d := cmp.Diff([]string{base(m) + "/"}, files(t, p.dir)); d != "" {
		t.Error(d)
	}
}

// keptIn tries a destination: what is there can be brought back and restored.
func keptIn(t *testing.T, address string, recipients ...age.Recipient) {
	t.Helper()
	p := newPlace(t)
	first := p.backup(t)
	v := p.vault(Options{Destination: address, Recipients: recipients, Keep: 1})
	if err := errors.Join(v.Mark(first), v.Copy(t.Context(), first), v.Tidy(t.Context(), nil)); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(first.Path + ".tar.gz"); err == nil {
		t.Errorf("%s stays beside its folder", st.Name())
	}
	d, err := openDestination(t.Context(), address, p.db.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.close() })
	found, unfinished, err := d.list(t.Context())
	if err != nil || len(found) != 1 || len(unfinished) != 0 || !found[0].Kept || !found[0].Drilled {
		t.Fatalf("%v, %v, %+v", err, unfinished, found)
	}
	back := filepath.Join(t.TempDir(), found[0].Packed.File)
	b, err := d.bucket.ReadAll(t.Context(), found[0].Packed.File)
	if err == nil {
		err = os.WriteFile(back, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(recipients) == 0 {
		m, _, err := Unpack(t.Context(), back, t.TempDir(), nil)
		if err != nil || m.ContentDigest != first.ContentDigest {
			t.Errorf("brought back: %v", err)
		}
	}
	// A killed run's upload, a file of somebody else, a newer backup that was not drilled, one that was.
	if err := errors.Join(d.bucket.WriteAll(t.Context(), "20200101T000000Z-abcdefgh.tar.gz", []byte("torn"), nil), d.bucket.WriteAll(t.Context(), "notes.txt", []byte("mine"), nil)); err != nil {
		t.Fatal(err)
	}
	second, third := p.backup(t), p.backup(t)
	if err := errors.Join(v.Copy(t.Context(), second), v.Tidy(t.Context(), nil)); err != nil {
		t.Fatal(err)
	}
	has := func(want ...*database.Manifest) {
		t.Helper()
		found, unfinished, err := d.list(t.Context())
		got, names := []string{}, []string{}
		for _, r := range found {
			got = append(got, r.Name)
		}
		for _, m := range want {
			names = append(names, base(m))
		}
		slices.Sort(got)
		slices.Sort(names)
		if diff := cmp.Diff(names, got); diff != "" || err != nil || len(unfinished) > 0 {
			t.Errorf("%s %v %v", diff, err, unfinished)
		}
	}
	has(first, second)
	if err := errors.Join(v.Mark(third), v.Copy(t.Context(), third), v.Tidy(t.Context(), nil)); err != nil {
		t.Fatal(err)
	}
	has(third)
	if there, err := d.bucket.Exists(t.Context(), "notes.txt"); err != nil || !there {
		t.Errorf("a file of somebody else is gone: %v", err)
	}
}

func TestBackupsAreKeptInAFolder(t *testing.T) {
	t.Parallel()
	keptIn(t, filepath.Join(t.TempDir(), "far"))
	keptIn(t, filepath.Join(t.TempDir(), "far"), identity(t).Recipient())
}

func TestACopyThatFailsDoesNotCount(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	m := p.backup(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.vault(Options{Destination: filepath.Join(file, "below")}).Copy(t.Context(), m); err == nil {
		t.Error("a copy to nowhere counts")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	far := filepath.Join(t.TempDir(), "far")
	if err := p.vault(Options{Destination: far}).Copy(ctx, m); err == nil {
		t.Error("a copy that was stopped counts")
	}
	if r, err := readRecord(p.dir, base(m)); err != nil || r == nil || r.Kept {
		t.Errorf("%+v, %v", r, err)
	}
	if err := p.vault(Options{Destination: far}).Copy(t.Context(), m); err != nil {
		t.Errorf("the next try: %v", err)
	}
}

// What an earlier run packed in the clear, or copied away so, does not stay so here.
func TestRecipientsThatComeLaterEncryptWhatIsThere(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	failed, copied := p.backup(t), p.backup(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.vault(Options{Destination: filepath.Join(file, "below")}).Copy(t.Context(), failed); err == nil {
		t.Error("a copy to nowhere counts")
	}
	if err := p.vault(Options{Destination: filepath.Join(t.TempDir(), "far")}).Copy(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if err := p.vault(Options{Recipients: []age.Recipient{identity(t).Recipient()}}).Tidy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	want := []string{base(failed) + ".backup.json", base(failed) + ".tar.gz.age", base(copied) + ".backup.json", base(copied) + ".tar.gz.age"}
	slices.Sort(want)
	if d := cmp.Diff(want, files(t, p.dir)); d != "" {
		t.Error(d)
	}
}

// A place that gives back something else than was copied there does not keep a backup.
func TestACopyThatReadsBackAnotherDoesNotCount(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	m := p.backup(t)
	r, err := p.vault(Options{}).packed(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	d, err := openDestination(t.Context(), filepath.Join(t.TempDir(), "far"), p.db.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.close() })
	file := filepath.Join(p.dir, r.Packed.File)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.put(t.Context(), file, r); err == nil || !strings.Contains(err.Error(), "not what was copied") {
		t.Errorf("%v", err)
	}
	found, unfinished, err := d.list(t.Context())
	if err != nil || len(found) != 0 || len(unfinished) != 1 {
		t.Errorf("%v, %v, %v", found, unfinished, err)
	}
}
