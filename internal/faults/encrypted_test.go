package faults

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/standin"
)

const identityEnv = "ZENML_UPGRADE_BACKUP_IDENTITY"

// inTheClear lists the backups of the site that lie in the clear, by their manifests.
func inTheClear(t *testing.T, s *standin.Site) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(s.Backups, func(path string, _ os.DirEntry, err error) error {
		if filepath.Base(path) == "manifest.json" {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A backup that was encrypted is gone back to and rehearsed with, by whoever holds the key and by nobody
// else; nothing of it stays in the clear, also when the run that opened it is killed.
func TestEncryptedBackups(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{standin.SQLite, dbserver.MariaDB} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			encryptedBackups(t, kind)
		})
	}
}

func encryptedBackups(t *testing.T, kind string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	key := identityEnv + "=" + id.String()
	s := standin.NewSite(t, kind, shared)
	old := s.Content(t)
	r := s.Run(t, "upgrade", []string{"--backup-recipients", id.Recipient().String()})
	if r.Exit != 0 || len(inTheClear(t, s)) > 0 {
		t.Fatalf("the upgrade: exit %d, in the clear %v\n%s", r.Exit, inTheClear(t, s), r.Told)
	}
	file := r.Result.Backup.Path
	if err := s.Post("since", "completed"); err != nil {
		t.Fatal(err)
	}
	there := s.Content(t)

	refused := func(name, code string, environ ...string) {
		t.Helper()
		r := s.Run(t, "rollback", []string{"--accept-loss", "true"}, environ...)
		if r.Exit != 1 || r.Result.ReasonCode != code || strings.Contains(r.Told+r.Text, "AGE-SECRET") {
			t.Errorf("%s: exit %d, %s\n%s", name, r.Exit, r.Result.ReasonCode, r.Told)
		}
		if diff := there.Diff(s.Content(t)); len(diff) > 0 || s.Version() != standin.New {
			t.Errorf("%s: something was changed: %v, %s serves", name, diff, s.Version())
		}
	}
	refused("no key", "backup_not_opened")
	refused("another key", "backup_not_opened", identityEnv+"="+other.String())
	files.Flip(t, file)
	refused("an altered byte", "backup_not_whole", key)
	files.Flip(t, file)

	if r := s.Run(t, "rehearse", []string{"--backup", "newest"}); r.Exit != 2 || !strings.Contains(r.Told, "no backup-identity was given") {
		t.Errorf("a rehearsal without a key: exit %d\n%s", r.Exit, r.Told)
	}
	r = s.Run(t, "rehearse", []string{"--backup", "newest"}, key, killEnv+"=after rehearsal begin")
	if r.Exit != -1 || len(inTheClear(t, s)) == 0 {
		t.Fatalf("the rehearsal was not killed: exit %d\n%s", r.Exit, r.Told)
	}
	r = s.Run(t, "rehearse", []string{"--backup", "newest"}, key)
	if r.Exit != 0 || r.Result.Backup.Path != file {
		t.Errorf("the rehearsal: exit %d, %+v\n%s", r.Exit, r.Result.Backup, r.Told)
	}
	if left := inTheClear(t, s); len(left) > 0 {
		t.Errorf("after the rehearsals: %v", left)
	}

	r = s.Run(t, "rollback", []string{"--accept-loss", "true"}, key, killEnv+"=after restore the old data begin")
	if r.Exit != -1 {
		t.Fatalf("the rollback was not killed: exit %d\n%s", r.Exit, r.Told)
	}
	r = s.Run(t, "rollback", nil, key)
	if r.Exit != 4 || r.Result.Outcome != "rolled_back" || s.Version() != standin.Old || r.Result.Backup.Path != file {
		t.Fatalf("gone on with: exit %d, %s, %+v\n%s", r.Exit, r.Result.Outcome, r.Result.Backup, r.Told)
	}
	whole(t, s, kind, old, standin.Old)
	if left, err := filepath.Glob(filepath.Join(s.Backups, "*", "opened", "*")); err != nil || len(left) > 0 {
		t.Errorf("left in the clear: %v, %v", left, err)
	}
}

// The runner's disk is gone with backup-dir and state-dir: what is in the destination alone is rehearsed
// with and gone back to, by its name and with its key.
func TestBackupsThatAreOnlyInTheDestination(t *testing.T) {
	t.Parallel()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	s := standin.NewSite(t, standin.SQLite, shared)
	old, key := s.Content(t), identityEnv+"="+id.String()
	far := []string{"--backup-destination", filepath.Join(t.TempDir(), "far")}
	r := s.Run(t, "upgrade", append(far, "--backup-recipients", id.Recipient().String()))
	if r.Exit != 0 {
		t.Fatalf("the upgrade: exit %d\n%s", r.Exit, r.Told)
	}
	file := filepath.Base(r.Result.Backup.Path)
	name := strings.TrimSuffix(file, ".tar.gz.age")
	lose := func() {
		t.Helper()
		if err := os.RemoveAll(s.Backups); err != nil {
			t.Fatal(err)
		}
	}
	lose()
	r = s.Run(t, "rehearse", append(far, "--backup", "newest"), key)
	if r.Exit != 0 || r.Result.Outcome != "rehearsed" || r.Result.Backup.Path != filepath.Join(s.Backups, file) {
		t.Errorf("the rehearsal: exit %d, %+v\n%s", r.Exit, r.Result.Backup, r.Told)
	}
	if proofs, err := filepath.Glob(filepath.Join(s.Backups, name+".proof.json")); err != nil || len(proofs) != 1 {
		t.Errorf("the proof: %v, %v", proofs, err)
	}
	lose()
	back := slices.Concat(far, []string{"--accept-loss", "true", "--backup"})
	if r := s.Run(t, "rollback", append(back, name, "--dry-run", "true"), key); r.Exit != 2 || !strings.Contains(r.Told, "a dry run fetches none") {
		t.Errorf("a dry run: exit %d\n%s", r.Exit, r.Told)
	}
	if _, err := os.Stat(s.Backups); err == nil {
		t.Error("the dry run made a backup-dir")
	}
	if r := s.Run(t, "rollback", append(back, "20200101T000000Z-abcdefgh"), key); r.Exit != 1 || r.Result.ReasonCode != "backup_not_opened" {
		t.Errorf("no such backup: exit %d, %s\n%s", r.Exit, r.Result.ReasonCode, r.Told)
	}
	if r := s.Run(t, "rollback", append(back, name)); r.Exit != 1 || r.Result.ReasonCode != "backup_not_opened" || s.Version() != standin.New {
		t.Errorf("without the key: exit %d, %s\n%s", r.Exit, r.Result.ReasonCode, r.Told)
	}
	lose()
	r = s.Run(t, "rollback", append(back, name), key)
	if r.Exit != 4 || r.Result.Outcome != "rolled_back" || s.Version() != standin.Old || r.Result.Backup.Path != filepath.Join(s.Backups, file) {
		t.Fatalf("gone back: exit %d, %s, %+v\n%s", r.Exit, r.Result.Outcome, r.Result.Backup, r.Told)
	}
	whole(t, s, standin.SQLite, old, standin.Old)
	if left, err := filepath.Glob(filepath.Join(s.Backups, "*", "opened", "*")); err != nil || len(left) > 0 {
		t.Errorf("left in the clear: %v, %v", left, err)
	}
}
