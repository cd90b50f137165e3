package release

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// labelled returns the folder of labelled release notes beside the checkout, or skips.
func labelled(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs("../../../shared")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "releases", "labels.json")); err != nil {
		t.Skip("skipped: the labelled release notes (../shared/data/releases) are not there")
	}
	return dir
}

var overall = regexp.MustCompile(`overall recall (\S+) missed (\d+) breaking_recall (\S+) breaking_precision (\S+) other_precision (\S+)`)

// TestScore holds the classifier to labelled notes: what it finds of the explicit labels and how
// much of what it says is labelled.
func TestScore(t *testing.T) {
	t.Parallel()
	shared := labelled(t)
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("skipped: python3 is not on PATH")
	}
	for _, edition := range []string{"repository", "changelog"} {
		t.Run(edition, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(shared, "data", "releases", edition+".json")
			bodies, err := FromPath(path)
			if err != nil {
				t.Fatal(err)
			}
			findings := []Finding{}
			for _, b := range bodies {
				findings = append(findings, Parse(b.Version, b.Text, b.URL)...)
			}
			result, err := json.Marshal(map[string]any{"findings": findings})
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "result.json")
			if err := os.WriteFile(file, result, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(python, filepath.Join(shared, "tools", "score_notes.py"),
				filepath.Join(shared, "data", "releases", "labels.json"), edition, path, file).CombinedOutput()
			if err != nil {
				t.Fatalf("scoring: %v\n%s", err, out)
			}
			t.Logf("%s", out)
			m := overall.FindSubmatch(out)
			if m == nil {
				t.Fatal("the score has no overall line")
			}
			for i, least := range map[int]float64{1: 0.95, 3: 0.95, 4: 0.95, 5: 0.80} {
				if got, err := strconv.ParseFloat(string(m[i]), 64); err != nil || got < least {
					t.Errorf("figure %d is %s, want at least %v", i, m[i], least)
				}
			}
		})
	}
}
