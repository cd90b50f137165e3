package report

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// Gantt is a chart of days beside a table that says the same: Markdown draws it with Mermaid, HTML as
// SVG, and text leaves it out.
type Gantt struct{ Bars []Bar }

// Bar is one line of a chart. From and To are dates such as 2026-11-30, both days of the bar; a bar
// without two dates in order is left out.
type Bar struct{ Section, Name, From, To string }

func (Gantt) block() {}

// days returns a bar's first day and the day after its last.
func (b Bar) days() (from, end time.Time, ok bool) {
	from, err := time.Parse(time.DateOnly, b.From)
	last, err2 := time.Parse(time.DateOnly, b.To)
	return from, last.AddDate(0, 0, 1), err == nil && err2 == nil && !last.Before(from)
}

// mermaidWord is how Mermaid's grammar for Gantt charts reads the start of a line as something else
// than a task, in any case of letters.
var mermaidWord = regexp.MustCompile(`(?i)^(gantt|dateformat|inclusiveenddates|topaxis|axisformat|tickinterval|includes|excludes|todaymarker|weekday|weekend|title|acctitle|accdescr|section|click|href|call|vert|\d)`)

// mermaidName encodes text as the name of a task or section. Of the characters that Mermaid's grammar
// gives a meaning (: ; # % and quotes, brackets, line ends) none is left.
func mermaidName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" .,()/+-", r) {
			return r
		}
		return ' '
	}, oneLine(s))
	s = strings.Join(strings.Fields(shorten(s, 80)), " ")
	if s == "" || mermaidWord.MatchString(s) || strings.HasPrefix(s, "-") {
		s = strings.TrimSpace("Step " + s)
	}
	return s
}

// mdGantt writes the chart in Mermaid's language. Weekends are marked; explicit ends are not moved by
// them.
func mdGantt(g Gantt) string {
	var b strings.Builder
	b.WriteString("gantt\n    dateFormat YYYY-MM-DD\n    axisFormat %d %b\n    excludes weekends")
	section, bars := "", 0
	for _, bar := range g.Bars {
		from, end, ok := bar.days()
		if !ok {
			continue
		}
		if s := mermaidName(bar.Section); s != section || bars == 0 {
			section = s
			b.WriteString("\n    section " + s)
		}
		fmt.Fprintf(&b, "\n    %s :%s, %s", mermaidName(bar.Name), from.Format(time.DateOnly), end.Format(time.DateOnly))
		bars++
	}
	if bars == 0 {
		return ""
	}
	return mdFence("mermaid", b.String())
}

// svgGantt is a chart laid out for the HTML writer, in user units.
type svgGantt struct {
	Width, Height int
	Rows          []svgBar
	Ticks         []svgTick
	Rests         []svgRest
}

type (
	svgBar struct {
		Name, Title        string
		Y, TextY, X, Width int
	}
	svgTick struct {
		Label string
		X     int
	}
	svgRest struct{ X, Width int }
)

const (
	ganttLeft, ganttRight, ganttRow, ganttTop = 300, 700, 24, 24 // where the bars begin and end, heights
	ganttMost                                 = 400              // days that are drawn
)

// layout places the bars; nil when there is none, or more days than can be drawn.
func (g Gantt) layout() *svgGantt {
	var first, last time.Time
	for _, bar := range g.Bars {
		if from, end, ok := bar.days(); ok {
			if first.IsZero() || from.Before(first) {
				first = from
			}
			if end.After(last) {
				last = end
			}
		}
	}
	days := int(last.Sub(first).Hours() / 24)
	if first.IsZero() || days < 1 || days > ganttMost {
		return nil
	}
	at := func(t time.Time) int {
		return ganttLeft + int(t.Sub(first).Hours()/24*float64(ganttRight-ganttLeft)/float64(days))
	}
	out := &svgGantt{Width: ganttRight + 20}
	for _, bar := range g.Bars {
		if from, end, ok := bar.days(); ok {
			y := ganttTop + len(out.Rows)*ganttRow
			out.Rows = append(out.Rows, svgBar{
				Name: shorten(oneLine(bar.Name), 44), Title: fmt.Sprintf("%s: %s to %s", oneLine(bar.Name), bar.From, bar.To),
				Y: y + 4, TextY: y + 17, X: at(from), Width: max(2, at(end)-at(from)),
			})
		}
	}
	out.Height = ganttTop + len(out.Rows)*ganttRow + 6
	for d := first; d.Before(last); d = d.AddDate(0, 0, 1) {
		if wd := d.Weekday(); wd == time.Saturday || wd == time.Sunday {
			out.Rests = append(out.Rests, svgRest{at(d), at(d.AddDate(0, 0, 1)) - at(d)})
		}
		if d.Equal(first) || d.Weekday() == time.Monday {
			out.Ticks = append(out.Ticks, svgTick{d.Format("02 Jan"), at(d)})
		}
	}
	return out
}
