package compat

import (
	"bytes"
	"fmt"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

// Files returns junit.xml: one test case per check, failed when the upgrade broke it, skipped when
// it could not be judged.
func (r *Result) Files() (map[string][]byte, error) {
	var b bytes.Buffer
	if err := r.junit().WriteXML(&b); err != nil {
		return nil, fmt.Errorf("encoding junit.xml: %w", err)
	}
	return map[string][]byte{"junit.xml": b.Bytes()}, nil
}

func (r *Result) junit() *junit.Testsuites {
	suite := junit.Testsuite{Name: fmt.Sprintf("ZenML %s to %s", *r.From, *r.To), Time: fmt.Sprintf("%.3f", r.Seconds)}
	suite.SetTimestamp(r.StartedAt)
	for _, c := range r.Checks {
		tc := junit.Testcase{Name: report.Clean(c.Name), Classname: "compat-test." + string(c.Kind), Status: string(c.Verdict)}
		if c.Candidate.Seconds != nil {
			tc.Time = fmt.Sprintf("%.3f", *c.Candidate.Seconds)
		}
		note := &junit.Result{Message: string(c.Verdict), Type: string(c.Verdict)}
		if c.Cause != nil { // without control characters, which no XML may hold
			note.Data = report.Clean(*c.Cause)
			note.Message += ": " + report.Line(*c.Cause, 200) // all that some readers show
		}
		switch c.Verdict {
		case BrokenByUpgrade:
			tc.Failure = note
		case AlreadyBroken, Flaky, NotCompared:
			tc.Skipped = note
		case OK, Fixed:
		}
		suite.AddTestcase(tc)
	}
	all := &junit.Testsuites{Name: "compat-test", Time: suite.Time}
	all.AddSuite(suite)
	return all
}
