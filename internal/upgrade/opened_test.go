package upgrade

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
	"github.com/zenml-upgrade/zenml-upgrade/internal/vault"
)

// A rollback opens an encrypted backup with the right key alone, leaves nothing of it in the clear, and
// keeps it while a journal that has not ended needs it.
func TestARollbackToAnEncryptedBackup(t *testing.T) {
	t.Parallel()
	var ids []age.Identity
	var to []age.Recipient
	for range 2 {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		ids, to = append(ids, id), append(to, id.Recipient())
	}
	first, _, _ := opened(t)
	folder := first.state.FinalBackup
	o := vault.Options{Dir: filepath.Dir(folder), OpenDir: filepath.Join(t.TempDir(), "opened"), Recipients: to[:1], Now: time.Now}
	if err := vault.New(o, first.DB.URL()).Tidy(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		ids  []age.Identity
		flip int64 // which byte of the file, counted from its end
		want string
		held bool
	}{
		{"no key", nil, 0, "backup_not_opened", false},
		{"another key", ids[1:], 0, "backup_not_opened", false},
		{"an altered byte", ids[:1], 1, "backup_not_whole", false},
		{"the key", ids[:1], 0, "loss_not_accepted", false},
		{"cut off", ids[:1], 0, "loss_not_accepted", true},
	} {
		r := &run{Options: first.Options}
		o.Identities = c.ids
		r.Mode, r.StateDir, r.BackupDir, r.Vault = Rollback, t.TempDir(), o.Dir, vault.New(o, first.DB.URL())
		flip(t, folder+".tar.gz.age", c.flip)
		if _, err := r.considerRollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		flip(t, folder+".tar.gz.age", c.flip)
		if p := problems(r.report.Problems).blocking(); len(p) != 1 || p[0].Code != c.want {
			t.Errorf("%s: %+v", c.name, p)
		}
		if c.held {
			j, err := journal.Create(r.StateDir, "run", time.Now)
			if err != nil {
				t.Fatal(err)
			}
			r.engine = engine{journal: j, now: time.Now, state: &State{RunID: "run", ByHand: true, BackTo: r.back.Path, Packed: r.opened.packed}}
			if err := r.note("it began"); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.closeOpened(); err != nil {
			t.Fatal(err)
		}
		left, err := filepath.Glob(filepath.Join(o.OpenDir, "*", "*"))
		if err != nil || (len(left) == 1) != c.held {
			t.Errorf("%s: in the clear are %v, %v", c.name, left, err)
		}
		b := r.report.Backup
		if c.want == "loss_not_accepted" && (b == nil || c.held != slices.Contains(left, b.Path) || !c.held && b.Path != folder+".tar.gz.age") {
			t.Errorf("%s: the report names %+v", c.name, b)
		}
	}
}

// flip alters one bit of a byte; 0: none.
func flip(t *testing.T, path string, fromEnd int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if fromEnd > 0 {
		b[int64(len(b))-fromEnd] ^= 1
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
