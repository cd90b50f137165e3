package release

import (
	"path/filepath"
	"testing"
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
	for b.Loop() {
		for _, x := range bodies {
			Parse(x.Version, x.Text, x.URL)
		}
	}
	b.ReportMetric(float64(len(bodies)), "bodies")
}
