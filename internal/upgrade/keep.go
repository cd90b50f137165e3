package upgrade

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
)

func (r *run) keeps() bool { return r.Vault != nil && r.Vault.Keeps() && r.Backup == "" }

// keep brings a backup to the destination. Nothing is moved before it is there: the final backup, too,
// although the server is down meanwhile, for a runner that is lost takes its disk along.
func (r *run) keep(ctx context.Context, m *database.Manifest) error {
	began := r.Now()
	if err := r.Vault.Copy(ctx, m); err != nil {
		r.report.Problems = append(r.report.Problems, Problem{
			Code: "backup_not_kept", Blocks: true, What: fmt.Sprintf("the backup %q could not be kept in backup-destination: %v", m.Path, err),
			Remedy: "mend the destination or its credentials and run again; the backup itself is whole, in backup-dir",
		})
		return fmt.Errorf("keeping the backup: %w", err)
	}
	r.timing.keep = r.Now().Sub(began).Seconds()
	return nil
}

// tidy encrypts and removes backups after a run that ended well. What an open journal needs stays as it
// is. A fault here takes nothing from what the run proved: it is told, and the next run does it again.
func (r *run) tidy(ctx context.Context) {
	o := r.report.Outcome
	if r.Vault == nil || o == Frozen || o == RollbackFailed || o == Interrupted {
		return
	}
	held, err := heldBy(r.StateDir)
	if err == nil {
		err = r.Vault.Tidy(ctx, held)
	}
	if err != nil {
		r.report.Problems = append(r.report.Problems, Problem{
			Code: "backups_not_tidied", What: fmt.Sprintf("backups could not be encrypted, or old ones not removed: %v", err),
			Remedy: "mend it; the next run does it again. Until then unencrypted folders may lie in backup-dir",
		})
	}
	// The report names the backup as it is found now.
	if b := r.report.Backup; b != nil {
		b.Path = foundAt(b.Path)
	}
}

// foundAt is where a backup lies: as the folder that it was, or packed.
func foundAt(path string) string {
	for _, end := range []string{"", ".tar.gz.age", ".tar.gz"} {
		if _, err := os.Stat(path + end); err == nil {
			return path + end
		}
	}
	return path
}

// heldBy lists the backups that runs name which have not ended.
func heldBy(stateDir string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(stateDir, "*", journal.FileName))
	if err != nil {
		return nil, err
	}
	var held []string
	for _, path := range paths {
		rec, err := journal.Read(path)
		if err != nil {
			return nil, fmt.Errorf("reading which backups the journal %q needs: %w", path, err)
		}
		if rec.Finished() {
			continue
		}
		for _, e := range rec.Entries {
			var s State
			if len(e.State) > 0 && json.Unmarshal(e.State, &s) == nil {
				held = append(held, s.BackupPath, s.FinalBackup, s.BackTo)
			}
		}
	}
	return held, nil
}
