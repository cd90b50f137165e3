package upgrade

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheBetterWayIsProposed(t *testing.T) {
	t.Parallel()
	way := func(name string, downtime float64) *journey {
		j := &journey{Way: Way{Name: name, Passed: downtime > 0, Stops: []Stop{{Version: "0.90.0"}, {Version: "0.98.0"}}}, revisions: []RevisionTime{{Revision: name}}}
		if downtime > 0 {
			j.DowntimeSeconds = &downtime
		}
		return j
	}
	for name, tc := range map[string]struct {
		direct, hops         *journey
		way, because, remedy string
		revisions            string
	}{
		"direct alone":   {way(Direct, 20), nil, Direct, "the direct way passes; WHY", "", Direct},
		"both, as usual": {way(Direct, 20), way(ByHops, 60), Direct, "both ways pass; the direct one is expected to be down for 20s, 2 hops for 60s", "", Direct},
		"both, the hops are quicker": {way(Direct, 60), way(ByHops, 20), ByHops, "both ways pass; the direct one is expected to be down for 60s, 2 hops for 20s",
			"hop by hop it passes: run mode upgrade to each of 0.90.0, 0.98.0 in turn", ByHops},
		"hops alone":                  {way(Direct, 0), way(ByHops, 60), ByHops, "the direct way fails, hop by hop passes", "hop by hop it passes: run mode upgrade to each of 0.90.0, 0.98.0 in turn", ByHops},
		"hops fail":                   {way(Direct, 20), way(ByHops, 0), Direct, "the direct way passes, hop by hop fails", "", Direct},
		"none":                        {way(Direct, 0), way(ByHops, 0), "", "no way that was gone passes; WHY", "", Direct},
		"none, and only one was gone": {way(Direct, 0), nil, "", "no way that was gone passes; WHY", "", Direct},
	} {
		h := &Rehearsal{}
		h.propose(tc.direct, tc.hops, "WHY")
		remedy := ""
		if err := h.remedy(); err != nil {
			remedy = err.Error()
		}
		got := []string{h.Way, h.Because, remedy, h.Revisions[0].Revision}
		if d := cmp.Diff([]string{tc.way, tc.because, tc.remedy, tc.revisions}, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// A revision came with the first release whose mark follows it; what is no release that anybody
// upgrades to counts only when nothing else follows.
func TestARevisionsReleaseIsTheNextMark(t *testing.T) {
	t.Parallel()
	list := []RevisionTime{{Revision: "a"}, {Revision: "0.90.0rc0"}, {Revision: "b"}, {Revision: "0.90.0"}, {Revision: "c"}, {Revision: "0.91.0rc1"}, {Revision: "d"}}
	dated(list)
	var got []string
	for _, r := range list {
		got = append(got, r.Revision+" "+r.Version)
	}
	want := []string{"a 0.90.0", "0.90.0rc0 0.90.0", "b 0.90.0", "0.90.0 0.90.0", "c 0.91.0rc1", "0.91.0rc1 0.91.0rc1", "d "}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestThePredictionHasARange(t *testing.T) {
	t.Parallel()
	one := timing{backup: 2, loaded: 5, migrate: 10, check: 8}
	for waits, want := range map[bool]float64{true: 21, false: 31} {
		got, spread := one.predict(waits), one.spread(waits)
		if got != want || spread[0] >= got || spread[1] <= got {
			t.Errorf("waits %v: %v in %v, want %v", waits, got, *spread, want)
		}
	}
}
