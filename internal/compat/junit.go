package compat

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

// WriteFiles writes junit.xml: one test case per check, failed when the upgrade broke it, skipped
// when it could not be judged.
func (r *Result) WriteFiles(dir string) (err error) {
	f, err := os.Create(filepath.Join(dir, "junit.xml"))
	if err != nil {
		return fmt.Errorf("writing junit.xml: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	suites := r.junit()
	if err := suites.WriteXML(f); err != nil {
		return fmt.Errorf("writing junit.xml: %w", err)
	}
	return nil
}

func (r *Result) junit() *junit.Testsuites {
	suite := junit.Testsuite{Name: fmt.Sprintf("ZenML %s to %s", *r.From, *r.To), Time: fmt.Sprintf("%.3f", r.Seconds)}
	suite.SetTimestamp(r.StartedAt)
	for _, c := range r.Checks {
		tc := junit.Testcase{Name: c.Name, Classname: "compat-test." + string(c.Kind), Status: string(c.Verdict)}
		if c.Candidate.Seconds != nil {
			tc.Time = fmt.Sprintf("%.3f", *c.Candidate.Seconds)
		}
		note := &junit.Result{Message: string(c.Verdict), Type: string(c.Verdict)}
		if c.Cause != nil {
			note.Data = *c.Cause
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
