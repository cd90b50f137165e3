package upgrade

import (
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
)

func TestTheCutOverLiesInTheWindow(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 28, 22, 0, 0, 0, time.UTC)
	w := &Window{Start: start, Length: 2 * time.Hour}
	for name, tc := range map[string]struct {
		window    *Window
		mode      Mode
		at        time.Duration // after the window's start
		predicted float64
		want      string // in the fault; "" for none
	}{
		"no window":        {nil, Upgrade, -time.Hour, 60, ""},
		"before":           {w, Upgrade, -time.Second, 0, "opens at 2026-11-28 22:00 UTC"},
		"at its start":     {w, Upgrade, 0, 60, ""},
		"what fits":        {w, Upgrade, 119 * time.Minute, 60, ""},
		"what does not":    {w, Upgrade, 119 * time.Minute, 61, "does not fit"},
		"at its end":       {w, Upgrade, 2 * time.Hour, 0, "ended at 2026-11-29 00:00 UTC"},
		"a plan before it": {w, Plan, -24 * time.Hour, 0, ""},
		"a plan after it":  {w, Plan, 3 * time.Hour, 0, "ended"},
	} {
		r := &run{Options: Options{Mode: tc.mode, Window: tc.window, Now: func() time.Time { return start.Add(tc.at) }}}
		err := r.inWindow(tc.predicted)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
		var told string
		if still := r.gatesStillOpen(t.Context(), tc.predicted); still != nil {
			told = still.Error()
		}
		if (told == "") != (err == nil) || !strings.Contains(told, tc.want) {
			t.Errorf("%s: asked again %q, want %q", name, told, tc.want)
		}
		want := gate.Open
		if err != nil {
			want = gate.Closed
		}
		if g := r.report.Gates; tc.window == nil && len(g) > 0 || tc.window != nil && (len(g) != 1 || g[0].Name != "window" || g[0].Verdict != want || !strings.Contains(g[0].Got, tc.want)) {
			t.Errorf("%s: gates %+v", name, g)
		}
	}
}
