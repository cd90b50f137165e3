package checklist

import (
	"fmt"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

// Schedule puts the plan on days. Its estimates are the guide's longer ones; what they do not hold is
// told in Notes.
type Schedule struct {
	Start string   `json:"start"` // the first working day, 2006-01-02
	Days  []Entry  `json:"days"`
	Notes []string `json:"notes"`
}

// Entry is one line of the schedule. Both days belong to it.
type Entry struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	From     string `json:"from"` // 2006-01-02
	To       string `json:"to"`
	Estimate string `json:"estimate"` // the guide's
	Kind     string `json:"kind"`     // before, phase or after
}

// firstWeek is how many days the guide watches what the upgrade brought.
const firstWeek = 7

// workDays are what the guide gives the first four phases, its longer figures in whole days: a phase of
// hours has a day for itself.
var workDays = []int{1, 2, 1, 2}

// ParseStart reads a start date.
func ParseStart(text string) (time.Time, error) { return time.Parse(time.DateOnly, text) }

// Plan puts the phases on working days (Monday to Friday) from start on. Teams are told on the first
// day: the six days before production are more than the week that the guide asks for. Production is
// upgraded on a day that is followed by a working day: the guide watches the system for 24 hours.
func Plan(start time.Time, breaking bool) *Schedule {
	day := working(start)
	s := &Schedule{Start: date(day), Notes: []string{}}
	if !day.Equal(start) {
		s.Notes = append(s.Notes, fmt.Sprintf("%s is no working day: the plan begins on %s", date(start), date(day)))
	}
	s.add("notice", "Tell all teams", "before", "at least one week before", day, day)
	for n, days := range workDays {
		last := day
		for range days - 1 {
			last = working(last.AddDate(0, 0, 1))
		}
		s.add(fmt.Sprintf("phase-%d", n+1), phaseTitle(n+1), "phase", phaseOf(n+1).duration, day, last)
		day = working(last.AddDate(0, 0, 1))
	}
	if day.Weekday() == time.Friday {
		s.Notes = append(s.Notes, fmt.Sprintf("production is not upgraded on Friday %s: nobody would watch it on the day after", date(day)))
		day = working(day.AddDate(0, 0, 1))
	}
	s.add("phase-5", phaseTitle(5), "phase", phaseOf(5).duration, day, day)
	s.add("watch", "Watch the system", "after", "24 hours", day, day.AddDate(0, 0, 1))
	s.add("week", "First week", "after", "1 week", day, day.AddDate(0, 0, firstWeek))
	if breaking {
		s.Notes = append(s.Notes, "the guide gives no estimate for the time in which teams change their code: phase 4 ends when they have")
	}
	return s
}

func (s *Schedule) add(id, title, kind, estimate string, from, to time.Time) {
	s.Days = append(s.Days, Entry{ID: id, Title: title, From: date(from), To: date(to), Estimate: estimate, Kind: kind})
}

func date(t time.Time) string { return t.Format(time.DateOnly) }

// working is the first day from t on that is one of Monday to Friday.
func working(t time.Time) time.Time {
	for t.Weekday() == time.Saturday || t.Weekday() == time.Sunday {
		t = t.AddDate(0, 0, 1)
	}
	return t
}

func phaseOf(number int) part {
	for _, p := range guide {
		if p.phase == number {
			return p
		}
	}
	panic(fmt.Sprintf("the guide has no phase %d", number))
}

func phaseTitle(number int) string { return fmt.Sprintf("Phase %d %s", number, phaseOf(number).title) }

// Section shows the days, as a chart and as a table. Without a schedule it shows the guide's durations.
func (s *Schedule) Section() report.Section {
	if s == nil {
		t := report.Table{Header: []string{"Phase", "The guide's estimate"}}
		for n := range 5 {
			t.Rows = append(t.Rows, []report.Text{report.T(phaseTitle(n + 1)), report.T(phaseOf(n + 1).duration)})
		}
		return report.Section{Title: "How long it takes", Folded: true, Blocks: []report.Block{t, report.Para{Text: report.T("Give start-date for a plan with days.")}}}
	}
	section := map[string]string{"before": "Before", "phase": "Phases", "after": "After"}
	t := report.Table{Header: []string{"What", "From", "To", "The guide's estimate"}}
	var chart report.Gantt
	for _, d := range s.Days {
		t.Rows = append(t.Rows, []report.Text{report.T(d.Title), report.T(weekday(d.From)), report.T(weekday(d.To)), report.T(d.Estimate)})
		chart.Bars = append(chart.Bars, report.Bar{Section: section[d.Kind], Name: d.Title, From: d.From, To: d.To})
	}
	out := report.Section{Title: "When: from " + s.Start, Blocks: []report.Block{chart, t}}
	for _, n := range s.Notes {
		out.Blocks = append(out.Blocks, report.Para{Text: report.T("Note: " + n + ".")})
	}
	return out
}

func weekday(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format("Mon 2006-01-02")
}
