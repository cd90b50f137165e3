package upgrade

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOnlyWhatDescribesIsKeptOfTerraform(t *testing.T) {
	t.Parallel()
	repo := t.TempDir()
	for _, name := range []string{
		"infra/main.tf", "infra/modules/db/db.tf.json", "infra/.terraform.lock.hcl", "infra/terraform.tfstate", "infra/terraform.tfstate.backup",
		"infra/prod.tfvars", "infra/.terraform/modules/x.tf", "other/out.tf",
	} {
		path := filepath.Join(repo, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(repo, "infra", "link.tf")); err != nil {
		t.Fatal(err)
	}
	got, err := terraform(repo, []string{"infra/"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"terraform/infra/.terraform.lock.hcl", "terraform/infra/main.tf", "terraform/infra/modules/db/db.tf.json"}
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(got))); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{"../", "/etc", "missing"} {
		if _, err := terraform(repo, []string{bad}); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
	if err := os.Truncate(filepath.Join(repo, "infra", "main.tf"), mostTerraform+1); err != nil {
		t.Fatal(err)
	}
	if _, err := terraform(repo, []string{"infra"}); err == nil {
		t.Error("an endless file is read")
	}
}
