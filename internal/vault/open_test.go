package vault

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

func TestTheNewestBackupIsOfOneDatabase(t *testing.T) {
	t.Parallel()
	one, two := newPlace(t), newPlace(t)
	two.dir = one.dir
	if _, err := (&Options{Dir: one.dir}).Newest(t.Context(), ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(one.dir, "20991128T020000Z-aaaaaaaa.partial"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := (&Options{Dir: one.dir}).Newest(t.Context(), ""); !fault.IsInput(err) || !strings.Contains(err.Error(), "no complete backup") {
		t.Errorf("none: %v", err)
	}
	one.backup(t)
	newest := one.backup(t)
	if path, err := (&Options{Dir: one.dir}).Newest(t.Context(), ""); err != nil || path != newest.Path {
		t.Errorf("of the only database: %q, %v", path, err)
	}
	if err := one.vault(Options{Recipients: []age.Recipient{identity(t).Recipient()}}).Tidy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if path, err := (&Options{Dir: one.dir}).Newest(t.Context(), ""); err != nil || path != newest.Path+".tar.gz.age" {
		t.Errorf("packed: %q, %v", path, err)
	}
	two.now = one.now
	other := two.backup(t)
	if _, err := (&Options{Dir: one.dir}).Newest(t.Context(), ""); !fault.IsInput(err) || !strings.Contains(err.Error(), "several databases") {
		t.Errorf("of two databases: %v", err)
	}
	for source, want := range map[string]string{newest.SourceURL: newest.Path + ".tar.gz.age", other.SourceURL: other.Path} {
		if path, err := (&Options{Dir: one.dir}).Newest(t.Context(), source); err != nil || path != want {
			t.Errorf("of %s: %q, %v", source, path, err)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	p, id := newPlace(t), identity(t)
	m, second := p.backup(t), p.backup(t)
	o := Options{Recipients: []age.Recipient{id.Recipient()}, Identities: []age.Identity{id}, OpenDir: filepath.Join(t.TempDir(), "opened")}
	v := p.vault(o)
	if err := v.Tidy(t.Context(), []string{second.Path}); err != nil {
		t.Fatal(err)
	}
	file := m.Path + ".tar.gz.age"
	for path, want := range map[string]string{m.Path: o.OpenDir, file: o.OpenDir, second.Path: p.dir} {
		got, release, err := v.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(got.Path, want) || filepath.Base(got.Path) != strings.TrimSuffix(filepath.Base(path), ".tar.gz.age") {
			t.Errorf("%s was opened at %s", path, got.Path)
		}
		if st, err := os.Stat(filepath.Dir(got.Path)); err != nil || st.Mode().Perm() != 0o700 {
			t.Errorf("%v, %v", st.Mode(), err)
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := database.Verify(t.Context(), second.Path); err != nil {
		t.Errorf("a folder was removed: %v", err)
	}
	for name, c := range map[string]struct {
		ids  []age.Identity
		want string
	}{"none": {nil, "no backup-identity was given"}, "another": {[]age.Identity{identity(t)}, "backup-identity does not open"}} {
		v.Identities = c.ids
		if _, _, err := v.Open(t.Context(), file); !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	v.Identities = o.Identities
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(name, want string) {
		t.Helper()
		if _, _, err := v.Open(t.Context(), file); err == nil || fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, at := range []int{30, 120, len(whole) / 2, len(whole) - 1} { // of the header, and of what it holds
		altered := bytes.Clone(whole)
		altered[at] ^= 1
		if err := os.WriteFile(file, altered, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := v.Open(t.Context(), file); err == nil {
			t.Errorf("byte %d was altered, and it was opened", at)
		}
	}
	if err := os.WriteFile(file, whole[:len(whole)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	refused("cut off", "cannot be trusted")
	if err := v.Tidy(t.Context(), nil); err != nil { // packs the second one, which then stands in for the first
		t.Fatal(err)
	}
	if err := os.Rename(second.Path+".tar.gz.age", file); err != nil {
		t.Fatal(err)
	}
	refused("another backup in its place", "another backup than the record")
	if left, err := os.ReadDir(o.OpenDir); err != nil || len(left) > 0 {
		t.Errorf("left in the clear: %v, %v", left, err)
	}
}

// What a killed run left goes, but neither what a living one uses nor what a journal needs.
func TestSweepOpened(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	m := p.backup(t)
	v := p.vault(Options{Recipients: []age.Recipient{identity(t).Recipient()}, OpenDir: filepath.Join(t.TempDir(), "opened")})
	id := identity(t)
	v.Recipients, v.Identities = []age.Recipient{id.Recipient()}, []age.Identity{id}
	if err := errors.Join(v.SweepOpened(nil), v.Tidy(t.Context(), nil)); err != nil {
		t.Fatal(err)
	}
	used, release, err := v.Open(t.Context(), m.Path)
	if err != nil {
		t.Fatal(err)
	}
	needed, dead := filepath.Join(v.OpenDir, "unpacked-1", "needed"), filepath.Join(v.OpenDir, "unpacked-2", "dead")
	if err := errors.Join(os.MkdirAll(needed, 0o700), os.MkdirAll(dead, 0o700), v.SweepOpened([]string{needed})); err != nil {
		t.Fatal(err)
	}
	for path, stays := range map[string]bool{used.Path: true, needed: true, filepath.Dir(dead): false} {
		if _, err := os.Stat(path); (err == nil) != stays {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := errors.Join(release(), v.SweepOpened(nil)); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(v.OpenDir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestParseIdentities(t *testing.T) {
	t.Parallel()
	id := identity(t)
	ids, err := ParseIdentities("# created: 2026-11-26\n# public key: " + id.Recipient().String() + "\n" + id.String() + "\n")
	if err != nil || len(ids) != 1 {
		t.Errorf("%d, %v", len(ids), err)
	}
	if ids, err := ParseIdentities(" \n"); err != nil || ids != nil {
		t.Errorf("none: %v, %v", ids, err)
	}
	broken := id.String()[:70]
	if _, err := ParseIdentities(broken); !fault.IsInput(err) || strings.Contains(err.Error(), broken[20:40]) {
		t.Errorf("broken: %v", err)
	}
}
