package version

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompareOrdersAsTheIndexDoes(t *testing.T) {
	t.Parallel()
	sorted := []string{"no version", "0.55.5", "0.75.0", "0.80.0", "0.85.0", "0.90.0rc0", "0.90.0", "0.96.4", "0.98.0", "0.100.0", "1.0.0"}
	for i, a := range sorted {
		for j, b := range sorted {
			if got := Compare(a, b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("Compare(%q, %q) = %d", a, b, got)
			}
		}
	}
}

func TestCrossedLeavesOutTheStartAndPrereleases(t *testing.T) {
	t.Parallel()
	all := []string{"0.98.0", "0.97.0", "0.90.0rc0", "0.90.0", "0.85.0", "0.84.0", "0.90.0"}
	if diff := cmp.Diff([]string{"0.90.0", "0.97.0"}, Crossed(all, "0.85.0", "0.97.0")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"0.90.0rc0"}, Crossed(all, "0.85.0", "0.90.0rc0")); diff != "" {
		t.Error(diff)
	}
}

func TestValidAndYanked(t *testing.T) {
	t.Parallel()
	for v, ok := range map[string]bool{"0.98.0": true, "0.90.0rc0": true, "": false, "latest": false, "0.98.x": false} {
		if (Valid(v) == nil) != ok {
			t.Errorf("Valid(%q): %v", v, Valid(v))
		}
	}
	for v, yanked := range map[string]bool{"0.56.0": true, "0.56.1": true, "0.56.2": false} {
		if Yanked(v) != yanked {
			t.Errorf("Yanked(%q) is not %v", v, yanked)
		}
	}
}
