package fault

import "testing"

func TestNear(t *testing.T) {
	t.Parallel()
	known := []string{"driver", "kind", "python-versions", "path"}
	for word, want := range map[string]string{
		"drvier": "driver", "kinds": "kind", "python-version": "python-versions", "pyton_versions": "python-versions",
		"paths": "path", "x": "", "": "", "window": "", "driverdriverdriver": "",
	} {
		if got := Near(word, known); got != want {
			t.Errorf("near %q is %q, want %q", word, got, want)
		}
	}
}
