package checklist

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	for start, tc := range map[string]struct {
		want  string // id from/to, days of November and December 2026 without the year
		notes int
	}{
		// A Monday: nine days to the production window.
		"2026-11-30": {"notice 11-30/11-30 phase-1 11-30/11-30 phase-2 12-01/12-02 phase-3 12-03/12-03 phase-4 12-04/12-07 phase-5 12-08/12-08 watch 12-08/12-09 week 12-08/12-15", 0},
		// A Saturday and a Sunday begin on the Monday after.
		"2026-11-28": {"notice 11-30/11-30 phase-1 11-30/11-30 phase-2 12-01/12-02 phase-3 12-03/12-03 phase-4 12-04/12-07 phase-5 12-08/12-08 watch 12-08/12-09 week 12-08/12-15", 1},
		"2026-11-29": {"notice 11-30/11-30 phase-1 11-30/11-30 phase-2 12-01/12-02 phase-3 12-03/12-03 phase-4 12-04/12-07 phase-5 12-08/12-08 watch 12-08/12-09 week 12-08/12-15", 1},
		// From a Thursday on, production would fall on a Friday.
		"2026-12-03": {"notice 12-03/12-03 phase-1 12-03/12-03 phase-2 12-04/12-07 phase-3 12-08/12-08 phase-4 12-09/12-10 phase-5 12-14/12-14 watch 12-14/12-15 week 12-14/12-21", 1},
		"2026-12-04": {"notice 12-04/12-04 phase-1 12-04/12-04 phase-2 12-07/12-08 phase-3 12-09/12-09 phase-4 12-10/12-11 phase-5 12-14/12-14 watch 12-14/12-15 week 12-14/12-21", 0},
	} {
		t.Run(start, func(t *testing.T) {
			t.Parallel()
			at, err := ParseStart(start)
			if err != nil {
				t.Fatal(err)
			}
			s := Plan(at, false)
			var got []string
			for _, d := range s.Days {
				got = append(got, d.ID+" "+d.From[5:]+"/"+d.To[5:])
			}
			if d := cmp.Diff(tc.want, strings.Join(got, " ")); d != "" {
				t.Errorf("days (-want +got):\n%s", d)
			}
			if len(s.Notes) != tc.notes {
				t.Errorf("notes %q", s.Notes)
			}
		})
	}
}

// Whatever the start: no work on a weekend, a week of notice, phases in order and apart.
func TestPlanHoldsFromEveryDay(t *testing.T) {
	t.Parallel()
	for i := range 400 {
		start := time.Date(2027, 12, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i)
		s := Plan(start, true)
		if len(s.Days) != 8 || len(s.Notes) == 0 {
			t.Fatalf("%s: %+v", start, s)
		}
		day := func(text string) time.Time {
			d, err := ParseStart(text)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		last := time.Time{}
		for _, d := range s.Days {
			for _, edge := range []time.Time{day(d.From), day(d.To)} {
				if !working(edge).Equal(edge) {
					t.Errorf("from %s: %s has an edge on a weekend: %s", start, d.ID, edge)
				}
			}
			if d.Kind == "phase" {
				if !day(d.From).After(last) || day(d.To).Before(day(d.From)) {
					t.Errorf("from %s: %s begins on %s", start, d.ID, d.From)
				}
				last = day(d.To)
			}
		}
		if notice := last.Sub(day(s.Days[0].From)); notice < 7*24*time.Hour {
			t.Errorf("from %s: told %s before", start, notice)
		}
	}
}

func TestSectionOfTheSchedule(t *testing.T) {
	t.Parallel()
	at, err := ParseStart("2026-11-28")
	if err != nil {
		t.Fatal(err)
	}
	for want, s := range map[string]*Schedule{
		"    Phase 5 Production upgrade :2026-12-08, 2026-12-09\n":                           Plan(at, true),
		"| Phase 2 Code and compatibility testing | Tue 2026-12-01 | Wed 2026-12-02 | 1-2 d": Plan(at, true),
		"2026-11-28 is no working day: the plan begins on 2026-11-30":                        Plan(at, true),
		"Phase 5 Production upgrade | 2-4 hours |":                                           nil,
	} {
		var b strings.Builder
		if err := report.Markdown(&b, report.Document{Sections: []report.Section{s.Section()}}, 0); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in:\n%s", want, b.String())
		}
	}
}
