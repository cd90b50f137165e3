package releasecheck_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/app"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/scale"
)

// measuredKey makes the test binary the program itself, which then writes its own peak of memory to
// the file that the variable names. The system's figure for a child holds its children's peak too.
const measuredKey = "ZENML_UPGRADE_TEST_PEAK"

func TestMain(m *testing.M) {
	file := os.Getenv(measuredKey)
	if file == "" {
		os.Exit(m.Run())
	}
	code := app.Main(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	status, err := os.ReadFile("/proc/self/status")
	if err == nil {
		err = os.WriteFile(file, status, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 99
	}
	os.Exit(code)
}

// measured is what one run took.
type measured struct {
	seconds float64 // wall time
	cpu     float64 // of the program and its children
	peak    float64 // MiB of the program alone
}

// checked runs release-check whole, writers included, and wants as many breakages found.
func checked(b *testing.B, cache, repo, notes string, breakages int) measured {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	out := b.TempDir()
	cmd := exec.CommandContext(b.Context(), self, "release-check", "--from", "0.85.0", "--to", "0.98.0",
		"--repository-path", repo, "--releases", notes, "--output-dir", out, "--start-date", "2026-11-30")
	cmd.Env = append(machine.Environ(b), measuredKey+"="+filepath.Join(out, "status"), "ZENML_UPGRADE_CACHE="+cache)
	begin := time.Now()
	text, err := cmd.CombinedOutput()
	m := measured{seconds: time.Since(begin).Seconds()}
	if cmd.ProcessState.ExitCode() != 1 { // the example is blocked
		b.Fatalf("%v:\n%s", err, text)
	}
	m.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	m.peak = peak(b, filepath.Join(out, "status"))
	data, err := os.ReadFile(filepath.Join(out, "result.json"))
	if err != nil {
		b.Fatal(err)
	}
	var r struct {
		Code []struct{} `json:"code"`
		Pins struct {
			Unjudged []struct{ Why string } `json:"unjudged"`
		} `json:"pins"`
	}
	if err := json.Unmarshal(data, &r); err != nil || len(r.Code) != breakages || len(r.Pins.Unjudged) != 0 {
		b.Fatalf("%d breakages, want %d; unjudged %v; %v", len(r.Code), breakages, r.Pins.Unjudged, err)
	}
	return m
}

func peak(b *testing.B, file string) float64 {
	b.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	for l := range strings.Lines(string(data)) {
		if kb, ok := strings.CutPrefix(l, "VmHWM:"); ok {
			n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 64)
			if err != nil {
				b.Fatal(err)
			}
			return n / 1024
		}
	}
	b.Fatal("the system does not tell the peak")
	return 0
}

// emptied is a cache without a kept answer; the environments, which are downloads, are the machine's.
func emptied(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	if err := os.Symlink(filepath.Join(machine.Cache(b), "envs"), filepath.Join(dir, "envs")); err != nil {
		b.Fatal(err)
	}
	return dir
}

// report gives the worst of the runs as shares of what they may take.
func report(b *testing.B, runs []measured, seconds float64) {
	b.Helper()
	var worst measured
	for _, m := range runs {
		worst.seconds, worst.cpu, worst.peak = max(worst.seconds, m.seconds), max(worst.cpu, m.cpu), max(worst.peak, m.peak)
	}
	b.ReportMetric(worst.seconds, "s")
	b.ReportMetric(worst.seconds/seconds, "of-time")
	b.ReportMetric(worst.cpu, "cpu-s")
	b.ReportMetric(worst.peak, "peak-MiB")
	b.ReportMetric(worst.peak/100, "of-memory")
	b.ReportMetric(0, "ns/op") // one run is no operation: the figures above say it
}

// The whole check. Targets on two cores: 30 s without a kept answer (downloads apart), 10 s with code
// that changed, 2 s with nothing changed, 100 MiB of the program itself.
func BenchmarkCheck(b *testing.B) {
	machine.Manager(b)
	notes := scale.Notes(b)
	for _, size := range []scale.Size{{Projects: 1}, {Projects: 20, Files: 2000, OwnPins: true}} {
		name, breakages := "example", 2
		if size.Projects > 1 {
			name, breakages = fmt.Sprintf("%d-projects-%d-files", size.Projects, size.Files), 2*size.Projects+1
		}
		repo := scale.Repository(b, "../../examples/churn", size)
		kept := emptied(b)
		b.Run(name+"/empty", func(b *testing.B) {
			var runs []measured
			for b.Loop() {
				runs = append(runs, checked(b, emptied(b), repo, notes, breakages))
			}
			report(b, runs, 30)
		})
		checked(b, kept, repo, notes, breakages) // the first run with any cache
		b.Run(name+"/changed-code", func(b *testing.B) {
			var runs []measured
			for b.Loop() {
				text := fmt.Sprintf("from zenml import step\n\n\n@step\ndef changed() -> int:\n    return %d\n", time.Now().UnixNano())
				if err := os.WriteFile(filepath.Join(repo, "services", "p00", "changed.py"), []byte(text), 0o600); err != nil {
					b.Fatal(err)
				}
				runs = append(runs, checked(b, kept, repo, notes, breakages))
			}
			report(b, runs, 10)
		})
		b.Run(name+"/unchanged", func(b *testing.B) {
			var runs []measured
			for b.Loop() {
				runs = append(runs, checked(b, kept, repo, notes, breakages))
			}
			report(b, runs, 2)
		})
	}
}

// Two thousand files more may cost five seconds.
func BenchmarkFiles(b *testing.B) {
	machine.Manager(b)
	notes, kept := scale.Notes(b), emptied(b)
	few := scale.Repository(b, "../../examples/churn", scale.Size{Projects: 1})
	many := scale.Repository(b, "../../examples/churn", scale.Size{Projects: 1, Files: 2012})
	checked(b, kept, few, notes, 2)
	var wall, cpu float64
	for b.Loop() {
		before, after := checked(b, kept, few, notes, 2), checked(b, kept, many, notes, 3)
		wall, cpu = max(wall, after.seconds-before.seconds), max(cpu, after.cpu-before.cpu)
	}
	b.ReportMetric(wall, "s-more")
	b.ReportMetric(cpu, "cpu-s-more")
	b.ReportMetric(wall/5, "of-time")
	b.ReportMetric(0, "ns/op")
}
