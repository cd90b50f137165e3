package impact

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// The package client's own cache is warm; no answer of ours is kept from one round to the next.
func benchmarkPins(b *testing.B, texts map[string]string, pythons []string, conflicts int, limit time.Duration) {
	b.Helper()
	m := machine.Manager(b)
	tr, err := repo.Scan(files.Dir(b, texts))
	if err != nil {
		b.Fatal(err)
	}
	defer tr.Close()
	sets, _, _ := repo.Sets(tr)
	var asked []Asked
	for _, s := range sets {
		asked = append(asked, Asked{Set: s, Pythons: pythons})
	}
	check := func(dir string) *Pins {
		x := &pyenv.Index{Manager: m, Dir: dir, Now: time.Now}
		return CheckPins(b.Context(), x, tr, asked, "0.85.0", "0.98.0")
	}
	if p := check(b.TempDir()); len(p.Unjudged) > 0 {
		b.Skipf("skipped: %v", p.Unjudged)
	}
	before := childSeconds(b)
	for b.Loop() {
		if p := check(b.TempDir()); len(p.Conflicts) != conflicts {
			b.Fatalf("%d conflicts, want %d: %+v", len(p.Conflicts), conflicts, p.Conflicts)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(limit), "of-limit")
	b.ReportMetric((childSeconds(b)-before)/float64(b.N), "uv-cpu-s/op") // says more on a busy machine
}

// childSeconds is the processor time of all children so far.
func childSeconds(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// A conflict verdict, with its smallest change tried, in 5 s.
func BenchmarkConflictVerdict(b *testing.B) {
	benchmarkPins(b, map[string]string{"requirements.txt": "zenml[server]==0.85.0\nclick==8.1.7\nrequests==2.32.3\n"}, []string{"3.11"}, 1, 5*time.Second)
}

// Twenty projects, three kinds of requirements between them, on three Pythons.
func BenchmarkPinsOfTwentyProjects(b *testing.B) {
	texts := map[string]string{}
	for i := range 20 {
		texts[fmt.Sprintf("p%02d/requirements.txt", i)] = "zenml==0.85.0\n" + strings.Repeat("click==8.1.7\n", i%3/2) + strings.Repeat("rich\n", i%2)
	}
	benchmarkPins(b, texts, []string{"3.10", "3.11", "3.12"}, 18, 10*time.Second)
}

// Twenty projects of which no two ask for the same.
func BenchmarkPinsOfTwentyUnlikeProjects(b *testing.B) {
	texts := map[string]string{}
	for i := range 20 {
		texts[fmt.Sprintf("p%02d/requirements.txt", i)] = fmt.Sprintf("zenml==0.85.0\nclick==8.1.7\nrequests>=2.%d\n", i)
	}
	benchmarkPins(b, texts, []string{"3.10", "3.11", "3.12"}, 60, 30*time.Second)
}
