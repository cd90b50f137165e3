package upgrade

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
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
		"hosted and kept apart": {Options{Mode: Upgrade, BackupDir: closed, HostedDisk: true, Keeps: true}, nil},
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
