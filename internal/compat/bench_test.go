package compat

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// BenchmarkThousandArtifacts loads 1,000 artifact versions of five kinds in both worlds. The goal
// is 180 s for both and 4 GB for all processes together.
func BenchmarkThousandArtifacts(b *testing.B) {
	returns, made := "", ""
	for i := range 100 {
		returns += "Annotated[Any, 'filled_" + strconv.Itoa(i) + "'], "
		made += "made[" + strconv.Itoa(i) + "], " // ZenML divides only what is written as a tuple
	}
	fill := strings.NewReplacer("RETURNS", returns, "MADE", made)
	o := Options{
		From: "0.85.0", To: "0.98.0", Python: ">=3.10,<3.12", Pyenv: machine.Manager(b), Environ: os.Environ(),
		Pipelines: []config.Pipeline{{Name: "fill", Command: "python fill.py"}},
		Repo: files.Dir(b, map[string]string{
			"requirements.txt": "zenml[server]==0.85.0\nnumpy\nscikit-learn\n",
			"shapes.py":        "class Pair:\n    def __init__(self, n):\n        self.n = n\n",
			"fill.py": fill.Replace(`from typing import Any, Tuple
from typing_extensions import Annotated
import numpy
from shapes import Pair
from sklearn.linear_model import LinearRegression
from zenml import pipeline, step
KINDS = [lambda n: n, lambda n: numpy.arange(n), lambda n: {"n": n}, Pair, lambda n: LinearRegression().fit([[0.0], [1.0]], [1.0, float(n)])]
@step
def hundred(start: int) -> Tuple[RETURNS]:
    made = [KINDS[n % 5](n) for n in range(start, start + 100)]
    return (MADE)
@pipeline(enable_cache=False)
def fill():
    for start in range(0, 1000, 100):
        hundred(start, id=f"from_{start}")
fill()
`),
		}),
	}
	for b.Loop() {
		t, err := newTest(o, b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		defer t.old.stop(b.Context())
		defer t.new.stop(b.Context())
		must := func(err error) {
			if err != nil {
				b.Fatal(err)
			}
		}
		must(t.prepare(b.Context()))
		must(t.baseline(b.Context()))
		t.Artifacts = Selection{-1}
		peak := watchMemory(b)
		begin := time.Now()
		must(t.loadOld(b.Context()))
		old := time.Since(begin)
		must(t.upgrade(b.Context()))
		begin = time.Now()
		t.loadNew(b.Context())
		b.ReportMetric(old.Seconds(), "old-s")
		b.ReportMetric(time.Since(begin).Seconds(), "new-s")
		b.Logf("old %s, new %s, %d MiB", old, time.Since(begin), peak.Load()>>20)
		b.ReportMetric(float64(peak.Load())/(1<<20), "peak-MiB")
		same := 0
		for _, a := range t.res.Artifacts {
			if a.SameValue != nil && *a.SameValue {
				same++
			} else {
				b.Logf("%s: %s, %s, %q", a.label(), a.LoadOld, a.LoadNew, value(a.Cause))
			}
		}
		if same != 1000 {
			b.Fatalf("%d of 1000 artifacts were found the same", same)
		}
	}
}

// watchMemory samples the memory of this process and all below it until the benchmark ends.
func watchMemory(b *testing.B) *atomic.Int64 {
	b.Helper()
	var peak atomic.Int64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(200 * time.Millisecond); ; {
			select {
			case <-done:
				return
			case <-tick.C:
				peak.Store(max(peak.Load(), memoryBelow(os.Getpid())))
			}
		}
	}()
	b.Cleanup(func() { close(done); <-ended })
	return &peak
}

// memoryBelow is the proportional memory of a process and its descendants, in bytes.
func memoryBelow(pid int) int64 {
	dir := "/proc/" + strconv.Itoa(pid)
	var sum int64
	rollup, _ := os.ReadFile(dir + "/smaps_rollup")
	for line := range bytes.Lines(rollup) {
		if fields := strings.Fields(string(line)); len(fields) == 3 && fields[0] == "Pss:" {
			n, _ := strconv.ParseInt(fields[1], 10, 64)
			sum += n << 10
		}
	}
	tasks, _ := filepath.Glob(dir + "/task/*/children")
	for _, task := range tasks {
		children, _ := os.ReadFile(task)
		for child := range strings.FieldsSeq(string(children)) {
			n, _ := strconv.Atoi(child)
			sum += memoryBelow(n)
		}
	}
	return sum
}
