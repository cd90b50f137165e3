package release

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// All 126 labelled release bodies are parsed and classified; issue 4 gives it 50 ms.
func BenchmarkNotes(b *testing.B) {
	var bodies []Body
	for _, edition := range []string{"repository", "changelog"} {
		more, err := FromPath(filepath.Join(labelled(b), "data", "releases", edition+".json"))
		if err != nil {
			b.Fatal(err)
		}
		bodies = append(bodies, more...)
	}
	versions := map[string]int{} // a version stands in both editions: each body counts
	var crossed []string
	for i := range bodies {
		versions[bodies[i].Version]++
		bodies[i].Version += fmt.Sprintf(".post%d", versions[bodies[i].Version])
		crossed = append(crossed, bodies[i].Version)
	}
	for b.Loop() {
		Assess(bodies, crossed, time.Now())
	}
	b.ReportMetric(float64(len(bodies)), "bodies")
}
