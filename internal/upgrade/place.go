package upgrade

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
)

// checkPlace wants backup-dir for this user alone, and on a disk that is there tomorrow. A folder
// that is missing is made so; it is not made by a plan.
func (r *run) checkPlace(p *problems) {
	st, err := os.Stat(r.BackupDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		p.block("folder", err.Error(), "give a backup-dir that can be read")
	case !st.IsDir():
		p.block("folder", fmt.Sprintf("backup-dir %q is no folder", r.BackupDir), "give a folder")
	case st.Mode().Perm()&0o077 != 0:
		p.block("backup_dir_open", fmt.Sprintf("backup-dir %q is open to other users (%04o): backups hold production's data", r.BackupDir, st.Mode().Perm()),
			fmt.Sprintf("chmod 700 %q, or give a folder that does not exist yet", r.BackupDir))
	}
	if !r.HostedDisk || r.keeps() {
		return
	}
	const what = "backup-dir lies on the disk of a GitHub-hosted runner, which is gone when the job ends: so would be the way back"
	const remedy = "give backup-destination, or use a self-hosted runner"
	switch r.Mode {
	case Upgrade:
		p.block("backup_dir_on_hosted_runner", what, remedy)
	case BackUp, Plan, Rollback:
		p.review("backup_dir_on_hosted_runner", what, remedy)
	case Rehearse, Verify: // need none once they ended
	}
}

// judgeKeys says what the tried key means. A rehearsal goes on without it: what it cannot prove is told.
func (r *run) judgeKeys(k database.Keys) error {
	var p Problem
	switch k.Secrets {
	case database.SecretsKeyMissing:
		p = Problem{Code: "secrets_key_missing", What: "the database holds encrypted secrets, and the key that reads them was not given", Blocks: r.Mode == Upgrade}
	case database.SecretsKeyWrong:
		p = Problem{Code: "secrets_key_wrong", What: "the key that was given does not decrypt the secrets that the database holds", Blocks: true}
	default:
		return nil
	}
	p.Remedy = "give the server's own ZENML_SECRETS_STORE_ENCRYPTION_KEY in the env-file or as secrets-encryption-key: without it a restored server cannot read its secrets"
	r.report.Problems = append(r.report.Problems, p)
	if p.Blocks {
		return errBlocked
	}
	return nil
}
