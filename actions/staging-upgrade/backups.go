package stagingupgrade

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/vault"
)

// decodeVault reads what becomes of backups.
func (s *settings) decodeVault(in *Inputs) error {
	faults := []error{vault.CheckDestination(in.BackupDestination)}
	s.vault.Dir, s.vault.Destination = s.backupDir, in.BackupDestination
	for _, folder := range strings.FieldsFunc(in.TerraformFolders, func(r rune) bool { return r == ',' || r == '\n' }) {
		folder = filepath.ToSlash(filepath.Clean(strings.TrimSpace(folder)))
		if !filepath.IsLocal(folder) {
			faults = append(faults, fault.BadInput(fmt.Sprintf("terraform-folders: %q is no folder of the repository", folder), "give folders relative to its root"))
		}
		s.terraform = append(s.terraform, folder)
	}
	if list := strings.FieldsFunc(in.BackupRecipients, func(r rune) bool { return strings.ContainsRune(", \n\t", r) }); len(list) > 0 {
		recipients, err := age.ParseRecipients(strings.NewReader(strings.Join(list, "\n")))
		if err != nil { // not quoted: somebody may have given an identity, which is secret
			faults = append(faults, fault.BadInput("backup-recipients holds something that is no age recipient", "give what age-keygen prints as public key, age1..."))
		}
		s.vault.Recipients = recipients
	}
	identities, err := vault.ParseIdentities(in.BackupIdentity)
	faults, s.vault.Identities = append(faults, err), identities
	if in.BackupKeep != "" {
		n, err := strconv.Atoi(in.BackupKeep)
		if err != nil || n < 1 {
			faults = append(faults, fault.BadInput(fmt.Sprintf("backup-keep %q is no count", in.BackupKeep), "write it like 14, or leave it away to keep all"))
		}
		s.vault.Keep = n
	}
	if in.BackupKeepFor != "" {
		d, err := time.ParseDuration(in.BackupKeepFor)
		if err != nil || d <= 0 {
			faults = append(faults, fault.BadInput(fmt.Sprintf("backup-keep-for %q is no duration", in.BackupKeepFor), "write it like 720h, or leave it away to keep all"))
		}
		s.vault.KeepFor = d
	}
	return errors.Join(faults...)
}
