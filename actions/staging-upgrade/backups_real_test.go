package stagingupgrade

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/vault"
)

// refusesWhatIsNotKept wants a backup that cannot be copied away to end the run before anything else.
func (s *site) refusesWhatIsNotKept(t *testing.T) {
	t.Helper()
	in := s.inputs(upgrade.BackUp)
	in.BackupDestination = filepath.Join(s.EnvFile, "below a file")
	res, err := s.act(t, in)
	if err != nil || res.Outcome != upgrade.Refused || res.Decision != "block" ||
		!slices.ContainsFunc(res.Problems, func(p upgrade.Problem) bool { return p.Code == "backup_not_kept" && p.Blocks }) {
		dump(t, res)
		t.Errorf("a backup that was not kept: %v", err)
	}
	if res.Backup == nil || res.Backup.Drill == nil || !res.Backup.Drill.Passed {
		t.Error("the backup itself was not proved")
	}
}

// keeping are the inputs of an upgrade whose backups are encrypted and copied away.
func (s *site) keeping(t *testing.T) (Inputs, *age.X25519Identity) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	in := s.inputs(upgrade.Upgrade)
	in.BackupRecipients, in.BackupDestination = id.Recipient().String(), filepath.Join(t.TempDir(), "far")
	return in, id
}

// isKept wants no backup in the clear, and both of the upgrade in the destination.
func (s *site) isKept(t *testing.T, res *Result, destination string, id *age.X25519Identity) {
	t.Helper()
	if folders, err := database.BackupsOf(s.backups, dbURL(t, s.StoreURL)); err != nil || len(folders) != 0 {
		t.Errorf("%d backups lie in the clear: %v", len(folders), err)
	}
	far, err := filepath.Glob(filepath.Join(destination, "*", "*.tar.gz.age"))
	if err != nil || len(far) != 3 { // a final one each for the rollback that was proved and for the upgrade
		t.Errorf("in the destination: %v, %v", far, err)
	}
	m, release, err := vault.Unpack(t.Context(), res.Backup.Path, t.TempDir(), []age.Identity{id})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = release() }()
	if m.Keys.Secrets != database.SecretsDecrypted || !m.Keys.JWT || m.ContentDigest != res.Content.Before || !slices.Contains(m.Beside, "components.json") {
		t.Errorf("the manifest: %+v, %v", m.Keys, m.Beside)
	}
	for _, name := range m.Beside {
		if b, err := os.ReadFile(filepath.Join(m.Path, "server", filepath.FromSlash(name))); err != nil || strings.Contains(string(b), s.SecretWord) {
			t.Errorf("%s holds a secret, or cannot be read: %v", name, err)
		}
	}
}

func dbURL(t *testing.T, storeURL string) string {
	t.Helper()
	db, err := database.Open(storeURL, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return db.URL()
}
