package database

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What is kept beside the copy is guarded like the copy.
func TestWhatIsBesideABackupIsGuarded(t *testing.T) {
	t.Parallel()
	d := sample(t, "DELETE")
	files := map[string][]byte{"stacks/1.yaml": []byte("a"), "components.json": []byte("[]"), "terraform/x/main.tf": []byte("b")}
	m, err := d.Backup(t.Context(), t.TempDir(), Meta{Now: time.Now(), Beside: files})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"components.json", "stacks/1.yaml", "terraform/x/main.tf"}, m.Beside); diff != "" {
		t.Error(diff)
	}
	if _, err := Verify(t.Context(), m.Path); err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(m.Path, "server", name) }
	for name, change := range map[string]struct{ do, undo func() error }{
		"a byte":  {func() error { return os.WriteFile(at("stacks/1.yaml"), []byte("b"), 0o600) }, func() error { return os.WriteFile(at("stacks/1.yaml"), []byte("a"), 0o600) }},
		"foreign": {func() error { return os.WriteFile(at("more"), nil, 0o600) }, func() error { return os.Remove(at("more")) }},
		"gone":    {func() error { return os.Remove(at("components.json")) }, func() error { return os.WriteFile(at("components.json"), []byte("[]"), 0o600) }},
		"link":    {func() error { return os.Symlink("components.json", at("link")) }, func() error { return os.Remove(at("link")) }},
	} {
		if err := change.do(); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(t.Context(), m.Path); err == nil {
			t.Errorf("%s: not seen", name)
		}
		if err := change.undo(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Verify(t.Context(), m.Path); err != nil {
		t.Errorf("all changes undone: %v", err)
	}
	for _, bad := range []string{"../out", "/abs", "a/../../b", ""} {
		if _, err := d.Backup(t.Context(), t.TempDir(), Meta{Now: time.Now(), Beside: map[string][]byte{bad: nil}}); err == nil {
			t.Errorf("the name %q is taken", bad)
		}
	}
}
