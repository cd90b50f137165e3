package report

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// words that begin something else than a task in Mermaid's grammar, or end one.
var mermaidTraps = []string{
	"title x", "section x", "Excludes x", "click x call y()", "dateFormat X", "2026-11-30", "a: b, c", "a;b", "a%%b", "%%{init: {}}%%", "---", "", " ", "end",
	"accTitle: x", "accDescr { x }", "todayMarker off", "weekday monday", "href \"javascript:alert(1)\"", "a\nsection b\n c :2026-01-01, 2026-01-02", "<script>", "```", "#quot;", "vert", "done, crit",
}

// Whatever a name is, Mermaid reads it as the name of one task or section.
func TestGanttIsOneTaskALine(t *testing.T) {
	t.Parallel()
	name := `[\p{L}\p{N} .,()/+…-]+`
	task := regexp.MustCompile(`^    ` + name + ` :2026-11-30, 2026-12-02$`)
	section := regexp.MustCompile(`^    section ` + name + `$`)
	var bars []Bar
	for _, text := range append(hostile, mermaidTraps...) {
		bars = append(bars, Bar{text, text, "2026-11-30", "2026-12-01"})
	}
	text := mdBlock(Gantt{bars})
	if path := os.Getenv("GANTT_FILE"); path != "" {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(text, "\n")
	head := []string{"```mermaid", "gantt", "    dateFormat YYYY-MM-DD", "    axisFormat %d %b", "    excludes weekends"}
	if d := cmp.Diff(head, lines[:5]); d != "" {
		t.Errorf("head (-want +got):\n%s", d)
	}
	tasks := 0
	for _, l := range lines[5 : len(lines)-1] {
		switch {
		case section.MatchString(l):
		case task.MatchString(l) && !mermaidWord.MatchString(strings.TrimSpace(l)):
			tasks++
		default:
			t.Errorf("line %q", l)
		}
	}
	if tasks != len(bars) || lines[len(lines)-1] != "```" {
		t.Errorf("%d tasks of %d, last line %q", tasks, len(bars), lines[len(lines)-1])
	}
}

func TestGanttWithoutDaysIsNothing(t *testing.T) {
	t.Parallel()
	for name, bars := range map[string][]Bar{
		"none": nil, "no dates": {{"a", "b", "soon", "later"}}, "backwards": {{"a", "b", "2026-12-02", "2026-12-01"}},
	} {
		if got := mdBlock(Gantt{bars}); got != "" {
			t.Errorf("%s: %q", name, got)
		}
		if got := (Gantt{bars}).layout(); got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	long := Gantt{[]Bar{{"a", "b", "0001-01-01", "9999-12-31"}}}
	if long.layout() != nil {
		t.Error("a chart of ten thousand years is drawn")
	}
}

// Bars stand in the order of their days, inside the chart; Saturdays and Sundays are marked.
func TestGanttLayout(t *testing.T) {
	t.Parallel()
	g := Gantt{[]Bar{{"a", "one", "2026-11-27", "2026-11-27"}, {"a", "two", "2026-11-30", "2026-12-01"}, {"b", "week", "2026-12-02", "2026-12-09"}}}.layout()
	got := ""
	for _, r := range g.Rows {
		got += fmt.Sprintf("%s %d+%d\n", r.Name, r.X, r.Width)
		if r.X < ganttLeft || r.X+r.Width > ganttRight || r.TextY > g.Height {
			t.Errorf("out of the chart: %+v", r)
		}
	}
	if d := cmp.Diff("one 300+30\ntwo 392+61\nweek 453+247\n", got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if len(g.Rests) != 4 || len(g.Ticks) != 3 || g.Ticks[1].Label != "30 Nov" {
		t.Errorf("rests %+v, ticks %+v", g.Rests, g.Ticks)
	}
}
