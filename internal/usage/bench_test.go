package usage

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// BenchmarkRead reads 2,000 files of Python that use ZenML. The budget of issue 4 for such a repository
// is 5 s, the type checker included (BenchmarkCheck of internal/impact); the process stays under 100 MB.
func BenchmarkRead(b *testing.B) {
	python, err := exec.LookPath("python3")
	if err != nil {
		b.Skip("skipped: python3 is not on PATH")
	}
	dir := b.TempDir()
	for name, text := range machine.Pipelines(2000) {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	t, err := repo.Scan(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	var m runtime.MemStats
	begin := machine.CPU(b)
	for b.Loop() {
		x, err := Reader{Python: python, To: "0.98.0"}.Read(b.Context(), t)
		if err != nil {
			b.Fatal(err)
		}
		if got := len(x.Python("zenml.client.Client.list_event_sources")); got != 20 || len(x.Gaps) != 0 {
			b.Fatalf("%d uses found, gaps %v", got, x.Gaps)
		}
		runtime.ReadMemStats(&m)
	}
	b.ReportMetric(float64(m.Sys)/(1<<20), "MB-of-process")
	b.ReportMetric((machine.CPU(b)-begin)/float64(b.N), "cpu-s/op") // of all processes: what other work on the machine does not change
}
