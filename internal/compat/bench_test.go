package compat

import (
	"bytes"
	"context"
	"database/sql"
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

// BenchmarkThousandArtifacts loads some 1,000 artifact versions of five kinds in both worlds. The goal
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
def hundred() -> Tuple[RETURNS]:
    made = [KINDS[n % 5](n) for n in range(100)]
    return (MADE)
@pipeline(enable_cache=False)
def fill():
    hundred()
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
		must(multiply(b.Context(), t.old.database(), 9))
		must(multiply(b.Context(), t.new.database(), 9)) // the copy was taken before
		t.Artifacts = Selection{-1}
		peak := watchMemory(b)
		begin := time.Now()
		must(t.loadOld(b.Context()))
		old := time.Since(begin)
		must(t.upgrade(b.Context()))
		begin = time.Now()
		t.loadNew(b.Context())
		b.ReportMetric(float64(len(t.chosen)), "artifacts")
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
		if n := len(t.res.Artifacts); same != n || n < 900 { // a copy whose id is its original's is left out
			b.Fatalf("%d of %d artifacts were found the same", same, n)
		}
	}
}

// multiply adds n copies of each row of the artifact versions, under ids and versions that are the
// same for each database: making a thousand by ZenML takes many minutes.
func multiply(ctx context.Context, path string, n int) error {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT name FROM pragma_table_info('artifact_version')")
	if err != nil {
		return err
	}
	defer rows.Close()
	var columns, values []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		columns = append(columns, name)
		switch name {
		case "id":
			name = "substr(id, 1, length(id) - 1) || ?1" // a digit of the id
		case "version":
			name = "version || '-' || ?1"
		}
		values = append(values, name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i := range n {
		// Only originals, whose version is a number, of which no other copy has the id.
		_, err := db.ExecContext(ctx, "INSERT OR IGNORE INTO artifact_version ("+strings.Join(columns, ", ")+") SELECT "+strings.Join(values, ", ")+
			" FROM artifact_version WHERE version NOT LIKE '%-%'", strconv.FormatInt(int64(i), 16))
		if err != nil {
			return err
		}
	}
	return nil
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
