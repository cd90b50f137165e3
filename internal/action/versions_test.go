package action

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

func TestVersions(t *testing.T) {
	t.Parallel()
	all := []string{"0.99.0rc1", "0.98.0", "0.97.0", "0.85.0"}
	for _, c := range []struct {
		from, to string
		want     []string
	}{
		{"0.85.0", "0.98.0", nil},
		{"", "0.98.0", nil},
		{"0.85.0", "", nil},
		{"0.85.0", "v0.98", []string{"to: ZenML v0.98 is not on the package index; give a released version, such as 0.98.0"}},
		{"0.98.0", "0.85.0", []string{"from 0.98.0 is not below to 0.85.0; give a newer to; ZenML cannot be downgraded"}},
		{"0.98.0", "0.98.0", []string{"from 0.98.0 is not below to 0.98.0; give a newer to; ZenML cannot be downgraded"}},
		{"0.56.0", "0.56.1", []string{
			"from: ZenML 0.56.0 was withdrawn for failing migrations; give the release after it",
			"to: ZenML 0.56.1 was withdrawn for failing migrations; give the release after it",
		}},
		{"latest", "", []string{`from: "latest" is not a version such as 0.98.0; give a released version of ZenML`}},
		{"0.97.5", "9.9.9", []string{
			"from: ZenML 0.97.5 is not on the package index; give a released version, such as 0.97.0",
			"to: ZenML 9.9.9 is not on the package index; give a released version, such as 0.98.0",
		}},
	} {
		var got []string
		for _, e := range append(fault.List(Versions(c.from, c.to)), fault.List(Released(all, c.from, c.to))...) {
			got = append(got, e.Error())
			if !fault.IsInput(e) {
				t.Errorf("not an input fault: %v", e)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s to %s: %s", c.from, c.to, diff)
		}
	}
}
