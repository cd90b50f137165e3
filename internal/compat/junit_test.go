package compat

import (
	"bytes"
	"encoding/xml"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// junit.xml holds every check once: failed when the upgrade broke it, skipped with the reason when it
// could not be judged, and text from outside stays text.
func TestJUnit(t *testing.T) {
	t.Parallel()
	r := emptyResult("0.85.0", "0.98.0")
	seconds, cause := 1.5, "it said </failure> & more\x1b[31m"
	for _, v := range []Verdict{OK, Fixed, BrokenByUpgrade, AlreadyBroken, Flaky, NotCompared} {
		c := Check{Name: "pipeline:" + string(v), Kind: KindPipeline, Verdict: v, Candidate: Attempt{Seconds: &seconds}}
		if v != OK {
			c.Cause = &cause
		}
		r.Checks = append(r.Checks, c)
	}
	files, err := r.Files()
	if err != nil {
		t.Fatal(err)
	}
	type note struct {
		Message string `xml:"message,attr"`
		Data    string `xml:",chardata"`
	}
	var read struct {
		Suites []struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Skipped  int `xml:"skipped,attr"`
			Cases    []struct {
				Name    string `xml:"name,attr"`
				Class   string `xml:"classname,attr"`
				Time    string `xml:"time,attr"`
				Failure *note  `xml:"failure"`
				Skipped *note  `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.NewDecoder(bytes.NewReader(files["junit.xml"])).Decode(&read); err != nil {
		t.Fatalf("%v\n%s", err, files["junit.xml"])
	}
	got := map[string]string{}
	for _, c := range read.Suites[0].Cases {
		end := "passed"
		switch {
		case c.Failure != nil:
			end = "failed: " + c.Failure.Data
		case c.Skipped != nil:
			end = "skipped: " + c.Skipped.Message
		}
		got[c.Name] = end
		if c.Class != "compat-test.pipeline" || c.Time != "1.500" {
			t.Errorf("%s: class %q, time %q", c.Name, c.Class, c.Time)
		}
	}
	want := map[string]string{
		"pipeline:ok": "passed", "pipeline:fixed": "passed", "pipeline:broken_by_upgrade": "failed: it said </failure> & more[31m",
		"pipeline:already_broken": "skipped: already_broken: it said </failure> & more[31m", "pipeline:flaky": "skipped: flaky: it said </failure> & more[31m", "pipeline:skipped": "skipped: skipped: it said </failure> & more[31m",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s\n%s", d, files["junit.xml"])
	}
	if s := read.Suites[0]; s.Tests != 6 || s.Failures != 1 || s.Skipped != 3 {
		t.Errorf("%d tests, %d failures, %d skipped", s.Tests, s.Failures, s.Skipped)
	}
}
