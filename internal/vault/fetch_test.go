package vault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// fetchedFrom tries a destination when backup-dir is lost with the machine it was on.
func fetchedFrom(t *testing.T, address string) {
	t.Helper()
	p, other, id := newPlace(t), newPlace(t), identity(t)
	sent := Options{Destination: address, Recipients: []age.Recipient{id.Recipient()}}
	v := p.vault(sent)
	first, second := p.backup(t), p.backup(t)
	if err := errors.Join(v.Mark(first), v.Copy(t.Context(), first), v.Copy(t.Context(), second)); err != nil {
		t.Fatal(err)
	}
	foreign := other.backup(t)
	if err := other.vault(Options{Destination: address}).Copy(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	lost := Options{Dir: filepath.Join(t.TempDir(), "anew"), Destination: address, Identities: []age.Identity{id}, OpenDir: filepath.Join(t.TempDir(), "opened")}
	if path, err := lost.Newest(t.Context(), p.db.URL()); err != nil || path != filepath.Join(lost.Dir, base(second)+".tar.gz.age") {
		t.Errorf("the newest: %q, %v", path, err)
	}
	if _, err := lost.Newest(t.Context(), ""); !fault.IsInput(err) || !strings.Contains(err.Error(), "backup-destination holds backups of several databases") {
		t.Errorf("of two databases: %v", err)
	}
	// What a killed run left in its place is written anew.
	if err := errors.Join(os.MkdirAll(lost.Dir, 0o700), os.WriteFile(filepath.Join(lost.Dir, base(first)+packingEnd), make([]byte, 1<<20), 0o600)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is there
		if err := lost.Fetch(t.Context(), filepath.Join(lost.Dir, base(first))); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{base(first) + ".backup.json", base(first) + ".tar.gz.age"}, files(t, lost.Dir)); d != "" {
			t.Error(d)
		}
	}
	if r, err := readRecord(lost.Dir, base(first)); err != nil || r == nil || !r.Drilled || !r.Kept {
		t.Errorf("the record: %+v, %v", r, err)
	}
	m, release, err := lost.Open(t.Context(), filepath.Join(lost.Dir, base(first)))
	if err != nil || m.ContentDigest != first.ContentDigest {
		t.Fatalf("opened: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if err := lost.Fetch(t.Context(), filepath.Join(lost.Dir, base(foreign)+".tar.gz")); err != nil { // also of another database: who asks for it says so
		t.Error(err)
	}
	refusesToFetch(t, p, lost, base(second))
}

// refusesToFetch alters the file of a backup in the destination, and asks for one that is not there.
func refusesToFetch(t *testing.T, p *place, lost Options, name string) {
	t.Helper()
	before := files(t, lost.Dir)
	d, err := openDestination(t.Context(), lost.Destination, p.db.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.close() })
	file := name + ".tar.gz.age"
	b, err := d.bucket.ReadAll(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	for what, text := range map[string][]byte{"an altered byte": b, "cut off": b[:100], "longer": append(b, 1)} {
		if err := d.bucket.WriteAll(t.Context(), file, text, nil); err != nil {
			t.Fatal(err)
		}
		if err := lost.Fetch(t.Context(), name); err == nil || fault.IsInput(err) || !strings.Contains(err.Error(), "cannot be trusted") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := d.bucket.Delete(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if err := lost.Fetch(t.Context(), name); err == nil || fault.IsInput(err) || !strings.Contains(err.Error(), "could not be fetched") {
		t.Errorf("a record without its file: %v", err)
	}
	if err := lost.Fetch(t.Context(), "20200101T000000Z-abcdefgh"); !fault.IsInput(err) || !strings.Contains(err.Error(), "neither in backup-dir nor") {
		t.Errorf("not there: %v", err)
	}
	if d := cmp.Diff(before, files(t, lost.Dir)); d != "" {
		t.Errorf("a refused one left something: %s", d)
	}
}

func TestBackupsAreFetchedFromAFolder(t *testing.T) {
	t.Parallel()
	fetchedFrom(t, filepath.Join(t.TempDir(), "far"))
}

func TestBackupsAreFetchedFromS3(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "tester")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "only-for-tests")
	fetchedFrom(t, s3Server(t))
}

// A destination that is not there is told, and not made by looking for it.
func TestFetchingFromNowhere(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir(), Destination: filepath.Join(t.TempDir(), "mistyped")}
	for _, err := range []error{o.Fetch(t.Context(), "20200101T000000Z-abcdefgh"), func() error { _, err := o.Newest(t.Context(), ""); return err }()} {
		if err == nil || fault.IsInput(err) || !strings.Contains(err.Error(), "mistyped") {
			t.Errorf("%v", err)
		}
	}
	if _, err := os.Stat(o.Destination); err == nil {
		t.Error("it was made")
	}
}

// A full disk here is nothing to mend in the destination: one without room for the backup, and one without
// room for its record.
func TestFetchingToAFullDisk(t *testing.T) {
	t.Parallel()
	for _, bytes := range []int{1 << 16, 0} {
		p, far := newPlace(t), filepath.Join(t.TempDir(), "far")
		p.exec(t, fmt.Sprintf("INSERT INTO word VALUES (randomblob(%d))", bytes))
		m := p.backup(t)
		if err := p.vault(Options{Destination: far}).Copy(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		small := t.TempDir()
		if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=4k,mode=0700"); err != nil {
			t.Skipf("skipped: no right to mount a small disk: %v", err)
		}
		t.Cleanup(func() {
			if err := unix.Unmount(small, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
		o := Options{Dir: small, Destination: far}
		if err := o.Fetch(t.Context(), base(m)); !fault.NoRoom(err) || !strings.Contains(err.Error(), "make room on the disk of backup-dir") {
			t.Errorf("%d bytes: %v", bytes, err)
		}
		if left := files(t, small); len(left) > 0 {
			t.Errorf("%d bytes: left: %v", bytes, left)
		}
	}
}
