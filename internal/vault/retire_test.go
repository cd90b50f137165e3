package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
)

func TestOnlyOldBackupsGo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	all := func() []*Record { // oldest first; d is drilled
		var out []*Record
		for i, name := range []string{"0d", "1", "2d", "3", "4"} {
			out = append(out, &Record{Name: name, Drilled: strings.HasSuffix(name, "d"), CreatedAt: now.AddDate(0, 0, i-5)})
		}
		return out
	}
	for name, c := range map[string]struct {
		o    Options
		held []string
		all  []*Record
		want []string
	}{
		"nothing asked":     {Options{}, nil, all(), nil},
		"count":             {Options{Keep: 3}, nil, all(), []string{"1", "0d"}},
		"the last good one": {Options{Keep: 1}, nil, all(), []string{"3", "1", "0d"}},
		"age":               {Options{KeepFor: 49 * time.Hour}, nil, all(), []string{"1", "0d"}},
		"age takes all":     {Options{KeepFor: time.Hour}, nil, all(), []string{"4", "3", "1", "0d"}},
		"an open journal's": {Options{Keep: 1}, []string{"/b/3", "/b/0d"}, all(), []string{"1"}},
		"none was drilled":  {Options{Keep: 1}, nil, []*Record{{Name: "a"}, {Name: "b"}}, nil},
	} {
		c.o.Dir, c.o.Now = "/b", func() time.Time { return now }
		var got []string
		for _, r := range New(c.o, "").old(c.all, c.held) {
			got = append(got, r.Name)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestTidyLeavesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	p, other := newPlace(t), newPlace(t)
	other.dir = p.dir
	foreign := other.backup(t)
	old, last := p.backup(t), p.backup(t)
	torn := map[string]bool{ // whether it goes
		base(last) + ".tar.gz.packing": true, base(last) + ".tar.gz.age": true, base(foreign) + ".tar.gz.packing": false,
		"20200101T000000Z-abcdefgh.tar.gz.age": false, "notes.tar.gz": false,
		base(old) + ".proof.json": true, base(last) + ".proof.json": false, base(foreign) + ".proof.json": false,
	}
	for name := range torn {
		if err := os.WriteFile(filepath.Join(p.dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v := p.vault(Options{Keep: 1})
	if err := errors.Join(v.Mark(last), v.Tidy(t.Context(), nil)); err != nil {
		t.Fatal(err)
	}
	want := []string{base(foreign) + "/", base(last) + "/", base(last) + ".backup.json"}
	for name, goes := range torn {
		if !goes {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	if d := cmp.Diff(want, files(t, p.dir)); d != "" {
		t.Errorf("%s (%s should be gone)", d, base(old))
	}
}

// The snapshot of a backup goes with the last of the backup, here or in the destination.
func TestRetiredBackupsAreForgotten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		packed, kept bool
		fails        bool
	}{
		"a folder": {}, "a packed one": {packed: true}, "one that is kept elsewhere": {kept: true}, "the command fails": {fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			var forgotten []string
			fails := c.fails
			o := Options{Keep: 1, Forget: func(_ context.Context, snapshot string) error {
				if fails {
					return errors.New("no answer")
				}
				forgotten = append(forgotten, snapshot)
				return nil
			}}
			if c.packed {
				o.Recipients = []age.Recipient{identity(t).Recipient()}
			}
			far := o
			far.Destination = filepath.Join(t.TempDir(), "far")
			v := p.vault(o)
			for i := range 2 {
				m := p.backup(t)
				m.Snapshot = fmt.Sprintf("snapshot-%d", i)
				err := v.Mark(m)
				if c.kept {
					err = errors.Join(err, p.vault(far).Copy(t.Context(), m))
				}
				err = errors.Join(err, v.Tidy(t.Context(), nil))
				if (err != nil) != (c.fails && i == 1) {
					t.Fatal(err)
				}
			}
			want := []string{"snapshot-0"}
			if c.kept {
				if len(forgotten) > 0 {
					t.Errorf("gone with a backup that is in the destination: %v", forgotten)
				}
				v = p.vault(far)
			}
			fails = false
			if err := v.Tidy(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, forgotten); diff != "" {
				t.Error(diff)
			}
			if err := v.Tidy(t.Context(), nil); err != nil || len(forgotten) != 1 {
				t.Errorf("%v, %v", err, forgotten)
			}
		})
	}
}

// The removal of a backup that has no record, for it was not drilled, is cut off before its snapshot is
// forgotten: the next one knows of it still.
func TestACutOffRemovalIsGoneOnWith(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	failed, last := p.backup(t), p.backup(t)
	dead, stop := context.WithCancel(t.Context())
	stop()
	var forgotten []string
	v := p.vault(Options{Keep: 1, Forget: func(ctx context.Context, snapshot string) error {
		if ctx.Err() == nil {
			forgotten = append(forgotten, snapshot)
		}
		return ctx.Err()
	}})
	r := recordOf(failed)
	r.Snapshot = "snapshot-0"
	if err := v.removeHere(dead, &r); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := errors.Join(v.Mark(last), v.Tidy(t.Context(), nil)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"snapshot-0"}, forgotten); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{base(last) + ".backup.json", base(last) + "/"}, files(t, p.dir)); d != "" {
		t.Error(d)
	}
}
