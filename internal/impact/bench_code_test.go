package impact

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// BenchmarkCheck checks 2,000 files of Python against two versions of ZenML. Together with BenchmarkRead
// of internal/usage it is what such a repository adds to a run; issue 4 allows 5 s on two cores.
func BenchmarkCheck(b *testing.B) {
	m := machine.Manager(b)
	p, err := Install(b.Context(), m, "0.85.0", "0.98.0", []string{"3.11"})
	if err != nil {
		b.Skipf("skipped: ZenML 0.85.0 and 0.98.0 cannot be installed here: %v", err)
	}
	dir := b.TempDir()
	for name, text := range machine.Pipelines(2000) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	t, err := repo.Scan(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	c := Checker{Ty: m.Ty, Env: m.Env, Old: p.Old, New: p.New}
	begin := machine.CPU(b)
	for b.Loop() {
		code, err := c.Check(b.Context(), t)
		if err != nil {
			b.Fatal(err)
		}
		if len(code.Breakages) != 20 {
			b.Fatalf("%d breakages found", len(code.Breakages))
		}
	}
	b.ReportMetric((machine.CPU(b)-begin)/float64(b.N), "cpu-s/op") // of all processes
}
