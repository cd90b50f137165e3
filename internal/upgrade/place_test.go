package upgrade

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
)

func TestWhereBackupsMayLie(t *testing.T) {
	t.Parallel()
	closed, open := filepath.Join(t.TempDir(), "closed"), filepath.Join(t.TempDir(), "open")
	for dir, mode := range map[string]os.FileMode{closed: 0o700, open: 0o750} {
		if err := os.Mkdir(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	hosted := func(block bool) problems { return problems{{Code: "backup_dir_on_hosted_runner", Blocks: block}} }
	for name, c := range map[string]struct {
		o    Options
		want problems
	}{
		"closed":                {Options{Mode: Upgrade, BackupDir: closed}, nil},
		"missing":               {Options{Mode: Upgrade, BackupDir: closed + "/new"}, nil},
		"open":                  {Options{Mode: BackUp, BackupDir: open}, problems{{Code: "backup_dir_open", Blocks: true}}},
		"hosted, upgrade":       {Options{Mode: Upgrade, BackupDir: closed, HostedDisk: true}, hosted(true)},
		"hosted, backup":        {Options{Mode: BackUp, BackupDir: closed, HostedDisk: true}, hosted(false)},
		"hosted, rehearse":      {Options{Mode: Rehearse, BackupDir: closed, HostedDisk: true}, nil},
		"hosted and kept apart": {Options{Mode: Upgrade, BackupDir: closed, HostedDisk: true, Vault: keeper{}}, nil},
	} {
		r := &run{Options: c.o}
		var got problems
		r.checkPlace(&got)
		for i := range got {
			got[i].What, got[i].Remedy = "", ""
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestAMissingKeyStopsAnUpgradeOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mode   Mode
		key    database.SecretsKey
		blocks bool
		told   int
	}{
		{Rehearse, database.SecretsKeyMissing, false, 1},
		{BackUp, database.SecretsKeyMissing, false, 1},
		{Upgrade, database.SecretsKeyMissing, true, 1},
		{Rehearse, database.SecretsKeyWrong, true, 1},
		{Upgrade, database.SecretsNone, false, 0},
		{Upgrade, database.SecretsDecrypted, false, 0},
		{Upgrade, database.SecretsPlain, false, 0},
		{Upgrade, database.SecretsExternal, false, 0},
	} {
		r := &run{Options: Options{Mode: c.mode}}
		err := r.judgeKeys(database.Keys{Secrets: c.key})
		if errors.Is(err, errBlocked) != c.blocks || len(r.report.Problems) != c.told {
			t.Errorf("%s, %s: %v, %+v", c.mode, c.key, err, r.report.Problems)
		}
	}
}

// keeper is a vault with a destination, which may fail.
type keeper struct{ fails error }

func (keeper) Keeps() bool                                      { return true }
func (keeper) Mark(*database.Manifest) error                    { return nil }
func (k keeper) Copy(context.Context, *database.Manifest) error { return k.fails }
func (keeper) Tidy(context.Context, []string) error             { return nil }
func (keeper) NewestHere() (string, error)                      { return "", nil }
func (keeper) Fetch(context.Context, string) error              { return nil }
func (keeper) SweepOpened([]string) error                       { return nil }
func (keeper) Open(ctx context.Context, path string) (*database.Manifest, func() error, error) {
	m, err := database.Verify(ctx, path)
	return m, func() error { return nil }, err
}

func TestABackupThatIsNotKeptStopsTheRun(t *testing.T) {
	t.Parallel()
	r := &run{Options: Options{Mode: Upgrade, Vault: keeper{errors.New("no room")}, Now: time.Now}}
	if err := r.keep(t.Context(), &database.Manifest{}); err == nil || len(r.report.Problems) != 1 || r.report.Problems[0].Code != "backup_not_kept" || !r.report.Problems[0].Blocks {
		t.Errorf("%v, %+v", err, r.report.Problems)
	}
}

func TestAnOpenJournalHoldsItsBackups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for run, ended := range map[string]bool{"20261125T100000.000Z": true, "20261125T110000.000Z": false} {
		j, err := journal.Create(dir, run, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		events := []journal.Event{journal.Begin, journal.Done}
		if ended {
			events = append(events, journal.End)
		}
		for _, event := range events {
			if err := j.Append(journal.Entry{Step: "backup", Event: event}, State{RunID: run, BackupPath: "/b/" + run}); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	held, err := heldBy(dir)
	if err != nil || !slices.Contains(held, "/b/20261125T110000.000Z") || slices.Contains(held, "/b/20261125T100000.000Z") {
		t.Errorf("%v, %v", held, err)
	}
}
