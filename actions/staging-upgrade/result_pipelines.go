package stagingupgrade

import (
	"fmt"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

func (r *Result) pipelines() report.Block {
	t := report.Table{Header: []string{"Pipeline", "Runs", "Last run", "Median s", "Longest s", "Stack", "Integrations", "Schedule", "Critical", "Crosses the window"}}
	for _, p := range r.Inventory {
		last, critical := "never", ""
		if p.LastRun != nil {
			last = p.LastRun.Format("2006-01-02 15:04 MST")
		}
		if p.Critical {
			critical = "yes"
		}
		used, crosses := "unknown", "unknown"
		if p.Integrations != nil {
			used = strings.Join(p.Integrations, ", ")
		}
		if p.CrossesWindow != nil {
			crosses = map[bool]string{true: "yes", false: "no"}[*p.CrossesWindow]
		}
		t.Rows = append(t.Rows, []report.Text{report.T(p.Name), report.T(fmt.Sprint(p.Runs)), report.T(last), report.T(seconds(p.MedianSeconds)), report.T(seconds(p.LongestSecs)),
			report.T(orNone(p.Stack)), report.T(used), report.T(orNone(p.Schedule)), report.T(critical), report.T(crosses)})
	}
	return t
}

func orNone(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
