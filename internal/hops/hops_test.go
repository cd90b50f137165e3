package hops

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// ranges are what real wheels ask of Python.
var ranges = map[string]string{
	"0.13.2": ">=3.7.1,<3.10", "0.20.5": ">=3.7.1,<3.10", "0.40.0": ">=3.7,<3.11", "0.54.0": ">=3.8,<3.12", "0.56.4": ">=3.8,<3.12", "0.58.2": ">=3.8,<3.12",
	"0.75.0": ">=3.9,<3.13", "0.80.0": ">=3.9,<3.13", "0.80.1": ">=3.9,<3.13", "0.85.0": ">=3.9,<3.13", "0.92.0": ">=3.10,<3.14", "0.93.0": ">=3.10,<3.14",
	"0.94.0": ">=3.10,<3.14", "0.95.0": ">=3.10,<3.15", "0.96.4": ">=3.10,<3.15", "0.97.0": ">=3.10,<3.15", "0.98.0": ">=3.10,<3.15", "0.99.0": ">=3.11,<3.15",
}

func plan(from, to string, used ...string) (*Path, int) {
	var all []string
	for v := range ranges {
		all = append(all, v)
	}
	asked := map[string]bool{}
	p := Plan(Question{From: from, To: to, Crossed: version.Crossed(all, from, to), Used: used, Requires: func(v string) (string, error) {
		asked[v] = true
		r, ok := ranges[v]
		if !ok {
			return "", errors.New("the index did not answer")
		}
		return r, nil
	}})
	return p, len(asked)
}

func TestStopsAndPython(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		from, to string
		used     []string
		want     []string // from to@python clients
		says     string   // in some reason
		asked    int      // versions whose range had to be known
	}{
		"one hop":                       {"0.85.0", "0.98.0", []string{"3.10", "3.11"}, []string{"0.85.0 0.98.0@3.11 together"}, "Python 3.11, which is in use, runs both", 2},
		"a Python that must change":     {"0.85.0", "0.98.0", []string{"3.9"}, []string{"0.85.0 0.98.0@3.10 together"}, "no Python in use (3.9) runs both: move to Python 3.10", 2},
		"no Python is known":            {"0.85.0", "0.98.0", nil, []string{"0.85.0 0.98.0@3.12 together"}, "Python 3.10 to 3.12 run both", 2},
		"ends without a Python":         {"0.40.0", "0.99.0", []string{"3.8"}, []string{"0.40.0 0.98.0@3.10 together", "0.98.0 0.99.0@3.11 unmeasured"}, "0.98.0 is the last", 7},
		"never touched by alembic":      {"0.20.5", "0.85.0", []string{"3.9"}, []string{"0.20.5 0.54.0@3.9 together", "0.54.0 0.85.0@3.9 together"}, "never touched by alembic", 3},
		"the same, to what takes it":    {"0.20.5", "0.54.0", []string{"3.9"}, []string{"0.20.5 0.54.0@3.9 together"}, "never measured", 2},
		"clients in any order":          {"0.97.0", "0.98.0", []string{"3.12"}, []string{"0.97.0 0.98.0@3.12 any_order"}, "hops were measured from", 2},
		"clients that miss a part":      {"0.94.0", "0.98.0", []string{"3.12"}, []string{"0.94.0 0.98.0@3.12 together"}, "hops were measured from", 2},
		"newer than what was measured":  {"0.98.0", "0.99.0", []string{"3.12"}, []string{"0.98.0 0.99.0@3.12 unmeasured"}, "measured up to 0.98.0 only", 2},
		"clients that nobody measured":  {"0.95.0", "0.96.4", []string{"3.12"}, []string{"0.95.0 0.96.4@3.12 unmeasured"}, "hops were measured", 2},
		"an old one on its own Python":  {"0.13.2", "0.98.0", []string{"3.9"}, []string{"0.13.2 0.54.0@3.9 together", "0.54.0 0.98.0@3.10 together"}, "never touched", 3},
		"a rule of both notes and skew": {"0.85.0", "0.92.0", []string{"3.11"}, []string{"0.85.0 0.92.0@3.11 together"}, "hops were measured", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, asked := plan(tc.from, tc.to, tc.used...)
			var got, reasons []string
			for _, h := range p.Hops {
				python := "none"
				if h.Python != nil {
					python = *h.Python
				}
				got = append(got, fmt.Sprintf("%s %s@%s %s", h.From, h.To, python, h.Clients))
				reasons = append(reasons, h.Reason)
			}
			if d := cmp.Diff(tc.want, got); d != "" || p.Unknown != nil {
				t.Errorf("unknown %v (-want +got):\n%s", p.Unknown, d)
			}
			if all := strings.Join(reasons, "\n"); !strings.Contains(all, tc.says) {
				t.Errorf("%q is not in:\n%s", tc.says, all)
			}
			if asked > tc.asked {
				t.Errorf("asked for %d versions, %d are enough", asked, tc.asked)
			}
		})
	}
}

func TestAStopIsNeverAFaultyRelease(t *testing.T) {
	t.Parallel()
	ranges := map[string]string{"0.70.0": ">=3.8,<3.9", "0.75.0": ">=3.8,<3.10", "0.80.0": ">=3.8,<3.10", "0.80.1": ">=3.9,<3.10", "0.85.0": ">=3.9"}
	q := Question{From: "0.70.0", To: "0.85.0", Crossed: []string{"0.75.0", "0.80.0", "0.80.1", "0.85.0"}, Used: []string{"3.8"}}
	q.Requires = func(v string) (string, error) { return ranges[v], nil }
	if p := Plan(q); len(p.Hops) != 2 || p.Hops[0].To != "0.75.0" || p.Unknown != nil {
		t.Errorf("%+v", p)
	}
	// No release in between shares a Python: that is said, not guessed.
	ranges["0.75.0"], ranges["0.80.0"] = ">=3.9", ">=3.9"
	if p := Plan(q); len(p.Hops) != 1 || p.Unknown == nil {
		t.Errorf("%+v", p)
	}
}

func TestWhatIsKnownOfVersions(t *testing.T) {
	t.Parallel()
	p, _ := plan("0.75.0", "0.80.0", "3.11")
	if p.Fault == nil || p.Fault.RepairedBy != "0.80.1" || len(p.Conditions) != 1 {
		t.Errorf("fault %+v, conditions %q", p.Fault, p.Conditions)
	}
	// What is crossed is run by the newer server's repaired scripts.
	if p, _ := plan("0.75.0", "0.85.0", "3.11"); p.Fault != nil || len(p.Conditions) != 1 || p.Unproved {
		t.Errorf("fault %+v, conditions %q, unproved %v", p.Fault, p.Conditions, p.Unproved)
	}
	if p, _ := plan("0.80.0", "0.85.0", "3.11"); p.Fault != nil || len(p.Conditions) != 0 {
		t.Errorf("fault %+v, conditions %q", p.Fault, p.Conditions)
	}
	if p, _ := plan("0.56.4", "0.98.0", "3.11"); !p.Unproved {
		t.Error("a hop from 0.56.4 was never measured")
	}
	for _, f := range faults {
		if FaultOf(f.RepairedBy) != nil || version.Compare(f.Version, f.RepairedBy) >= 0 || f.Source == "" {
			t.Errorf("%+v", f)
		}
	}
}

func TestANewerPatchIsProposed(t *testing.T) {
	t.Parallel()
	q := Question{From: "0.95.0", To: "0.96.0", Newer: []string{"0.96.4", "0.96.5rc0", "0.97.0", "0.96.1"}, Requires: func(string) (string, error) { return ">=3.10", nil }}
	if got := strings.Join(Plan(q).Hops[0].Advice, "\n"); !strings.Contains(got, "0.96.4 is the newest patch") {
		t.Error(got)
	}
	q.To = "0.96.4"
	if got := strings.Join(Plan(q).Hops[0].Advice, "\n"); strings.Contains(got, "newest patch") {
		t.Error(got)
	}
}

func TestEveryClientRuleOnTheWayIsTold(t *testing.T) {
	t.Parallel()
	p, _ := plan("0.85.0", "0.98.0", "3.11")
	all := strings.Join(p.Hops[0].Advice, "\n")
	for _, want := range []string{"before and after 0.90.0", "before 0.93.0", "Helm: chart and image"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in:\n%s", want, all)
		}
	}
	if strings.Contains(all, "0.85.0 do not") || strings.Contains(all, "provisioning") {
		t.Errorf("a rule of a version that is not crossed:\n%s", all)
	}
}

func TestAnUnknownRangeIsUnknown(t *testing.T) {
	t.Parallel()
	p, _ := plan("0.85.0", "0.97.5", "3.11")
	if p.Unknown == nil || len(p.Hops) != 1 || p.Hops[0].Python != nil || !strings.Contains(p.Hops[0].Reason, "is not known") {
		t.Errorf("%+v", p)
	}
}

// What uv says of real releases, in its own words.
func TestRequiresOfRealReleases(t *testing.T) {
	t.Parallel()
	m := machine.Manager(t)
	for v, want := range map[string]string{"0.13.2": ">=3.7.1,<3.10", "0.85.0": ">=3.9,<3.13", "0.98.0": ">=3.10,<3.15"} {
		got, err := Requires(t.Context(), m, v)
		if err != nil {
			t.Skipf("skipped: the package index did not answer: %v", err)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", v, got, want)
		}
	}
	if got, err := Requires(t.Context(), m, "0.98.77"); err == nil {
		t.Errorf("a release that there is not runs on %s", got)
	}
}

func TestGuides(t *testing.T) {
	t.Parallel()
	for v, want := range map[string]string{"0.20.0": "0.20.0", "0.30.0": "0.30.0", "0.40.3": "0.41.0", "0.41.0": "0.41.0", "0.60.0": "0.60.0", "0.58.2": "", "0.60.1": "", "0.98.0": ""} {
		got := ""
		if g := GuideOf(v); g != nil {
			got = g.To
		}
		if got != want {
			t.Errorf("%s has the guide to %q, want %q", v, got, want)
		}
	}
	none := func(string) (string, error) { return "", errors.New("not asked") }
	for from, want := range map[string]int{"0.39.1": 2, "0.55.5": 1, "0.58.2": 1, "0.60.0": 0} {
		h := Plan(Question{From: from, To: "0.75.0", Requires: none}).Hops[0]
		n := 0
		for _, a := range h.Advice {
			if strings.Contains(a, "migration guide") && strings.Contains(a, "https://") {
				n++
			}
		}
		if n != want {
			t.Errorf("from %s: %d guides, want %d: %q", from, n, want, h.Advice)
		}
	}
}

func TestEachLine(t *testing.T) {
	t.Parallel()
	crossed := []string{"0.85.1", "0.90.0", "0.91.0", "0.91.2", "0.93.0", "0.94.0rc0", "0.94.0", "0.98.0", "0.98.1"}
	for to, want := range map[string][]string{
		"0.98.1": {"0.90.0", "0.91.2", "0.94.0", "0.98.1"}, // 0.93.0 is faulty
		"0.85.1": {"0.85.1"},
		"0.91.0": {"0.90.0", "0.91.0"},
	} {
		if d := cmp.Diff(want, EachLine(crossed, "0.85.0", to)); d != "" {
			t.Errorf("to %s (-want +got):\n%s", to, d)
		}
	}
}
