package stagingupgrade

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// rehearseAtNight rehearses with last night's backup, on a machine that knows neither the server nor
// the database: the backup and the key of its secrets are all that is needed.
func (s *site) rehearseAtNight(t *testing.T) {
	t.Helper()
	settings, err := server.ReadEnvFile(s.EnvFile)
	if err != nil {
		t.Fatal(err)
	}
	night := &site{World: s.World, repo: t.TempDir(), out: t.TempDir(), backups: s.backups, cache: s.cache}
	key := proc.Getenv(settings, "ZENML_SECRETS_STORE_ENCRYPTION_KEY")
	// The backup of the evening knows the database and no server.
	res, err := night.act(t, Inputs{Mode: string(upgrade.BackUp), DatabaseURL: s.StoreURL, BackupDir: s.backups, SecretsEncryptionKey: key})
	if err != nil || res.Outcome != upgrade.BackedUp || !res.Backup.Drill.Passed || res.Backup.Drill.Secret != "decrypted" {
		dump(t, res)
		t.Fatalf("backup of a database alone: %v", err)
	}
	m, err := database.Verify(t.Context(), res.Backup.Path)
	if err != nil {
		t.Fatal(err)
	}
	in := Inputs{
		Mode: string(upgrade.Rehearse), To: "0.98.0", BackupDir: s.backups, ArtifactRoot: s.StoresPath, OldClients: "true",
		SecretsEncryptionKey: key,
	}
	res, err = night.act(t, in)
	if err != nil || res.Outcome != upgrade.Rehearsed || res.Decision != "review" {
		dump(t, res)
		t.Fatalf("rehearsal at night: %v", err)
	}
	if d := res.Backup.Drill; res.Backup.Path != m.Path || !d.Passed || d.Secret != "decrypted" || res.From == nil || *res.From != "0.85.0" {
		t.Errorf("backup %+v, from %v", res.Backup, res.From)
	}
	if len(res.Inventory) != 1 || res.Inventory[0].Runs != 1 || res.Lost["run"].Before != 1 || res.Artifacts == nil || res.Artifacts.Same == 0 {
		t.Errorf("inventory %+v, lost %+v, artifacts %+v", res.Inventory, res.Lost["run"], res.Artifacts)
	}
	h := res.Rehearsal
	if h.Way != upgrade.Direct || len(h.Ways) != 1 || !h.Ways[0].Passed || res.PredictedDowntimeRange == nil || res.PredictedDowntimeRange[0] >= *res.PredictedDowntimeSeconds {
		t.Errorf("rehearsal %+v, range %v", h, res.PredictedDowntimeRange)
	}
	s.areTimed(t, h.Revisions)
	i := slices.IndexFunc(h.Skew, func(x upgrade.Skew) bool { return x.Call == "list_flavors(size=500)" })
	if i < 0 || h.Skew[i].Status != "failed" || !slices.ContainsFunc(h.Skew, func(x upgrade.Skew) bool { return x.Status == "passed" }) {
		t.Errorf("old clients: %+v", h.Skew)
	}
	var proof upgrade.Proof
	if text, err := os.ReadFile(m.Path + ".proof.json"); err != nil || json.Unmarshal(text, &proof) != nil || proof.To != "0.98.0" || proof.ManifestDigest != m.ManifestDigest {
		t.Errorf("proof %+v, %v", proof, err)
	}
	left, err := filepath.Glob(filepath.Join(s.backups, "rehearsals", "*", "scratch-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("copies were left: %v %v", left, err)
	}
}

// areTimed wants every revision between the versions, in order, each with its release.
func (s *site) areTimed(t *testing.T, got []upgrade.RevisionTime) {
	t.Helper()
	if len(got) < 40 || got[len(got)-1].Revision != "0.98.0" {
		t.Errorf("%d revisions: %+v", len(got), got)
	}
	for _, x := range got {
		if x.Seconds < 0 || x.Version == "" {
			t.Errorf("revision %+v", x)
		}
	}
	if i := slices.IndexFunc(got, func(x upgrade.RevisionTime) bool { return x.Revision == "9f2b8c7d6e5a" }); i < 0 || got[i].Version != "0.97.0" {
		t.Errorf("9f2b8c7d6e5a: %+v", got)
	}
}
