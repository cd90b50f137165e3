package compat

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

// The HTML report holds the ends of the logs of what did not pass, the ten slowest checks, slowest
// first, and both directions of the skew.
func TestDocument(t *testing.T) {
	t.Parallel()
	r := emptyResult("0.85.0", "0.98.0")
	for i := range 12 {
		seconds := float64(i)
		r.Checks = append(r.Checks, Check{
			Name: fmt.Sprintf("pipeline:p%d", i), Required: true, Verdict: OK,
			Baseline: Attempt{Status: Passed, Seconds: &seconds, tail: "quiet"}, Candidate: Attempt{Status: Passed, Seconds: &seconds},
		})
	}
	log := "logs/p3-new.log"
	r.Checks[3].Verdict, r.Checks[3].Candidate.tail, r.Checks[3].Candidate.Log = BrokenByUpgrade, "<b>the last words</b>", &log
	r.Checks[3].Baseline.tail = "what it said before"
	file, line := "run.py", 7
	r.Deprecated = []Deprecated{{Check: "pipeline:p1", Message: "old way", File: &file, Line: &line}}
	r.Skew = []Skew{{Client: "0.85.0", Server: "0.98.0", Call: "list_flavors()", Status: Failed}, {Client: "0.98.0", Server: "0.85.0", Call: "list_flavors()", Status: Passed}}
	var b bytes.Buffer
	if err := report.HTML(&b, r.Document()); err != nil {
		t.Fatal(err)
	}
	html := b.String()
	for _, want := range []string{"&lt;b&gt;the last words&lt;/b&gt;", "what it said before", log, "run.py:7", "client 0.98.0 on server 0.85.0", "The slowest ten"} {
		if !strings.Contains(html, want) {
			t.Errorf("the report does not show %q", want)
		}
	}
	if strings.Contains(html, "quiet") {
		t.Error("the report shows the log of a check that passed")
	}
	slow := r.slowest()
	if len(slow.Rows) != 10 || slow.Rows[0][0][0].Code != "pipeline:p11" || slow.Rows[9][0][0].Code != "pipeline:p2" {
		t.Errorf("the slowest are %v", slow.Rows)
	}
}
