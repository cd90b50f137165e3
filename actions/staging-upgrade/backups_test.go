package stagingupgrade

import (
	"strings"
	"testing"
)

func TestAllFaultsOfTheVaultAreTold(t *testing.T) {
	t.Parallel()
	const secret = "AGE-SECRET-KEY-1GIVENBYMISTAKE"
	err := (&settings{}).decodeVault(&Inputs{BackupRecipients: secret, BackupDestination: "ftp://u:pw@there", BackupKeep: "0", BackupKeepFor: "-1h", TerraformFolders: "infra, ../other"})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{"backup-recipients", "backup-destination", "backup-keep ", "backup-keep-for", "terraform-folders"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not told: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "pw") {
		t.Errorf("a secret is told: %v", err)
	}
	s := &settings{}
	if err := s.decodeVault(&Inputs{
		BackupRecipients:  "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p,\nage1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg",
		BackupDestination: "s3://bucket?region=eu-central-1", BackupKeep: "3", BackupKeepFor: "720h",
	}); err != nil || len(s.vault.Recipients) != 2 || s.vault.Keep != 3 || s.vault.KeepFor.Hours() != 720 {
		t.Errorf("%v, %+v", err, s.vault)
	}
}
