package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
)

// Lines are told relative to the repository's root, without secrets, and none lies outside.
func TestMarks(t *testing.T) {
	t.Parallel()
	r := &probeResult{Code: []probeCode{
		{File: "a.py", Line: 3, Rule: "rule\n::error::x", Message: "gone ZENKEY_one\x1b[31m\nsecond"}, {File: "../../etc/passwd", Line: 1}, {File: "/etc/passwd", Line: 1}, {Line: 1},
	}}
	o := &outcome{result: r, secrets: newRedactor([]string{"ZENKEY_one"})}
	want := []forge.Annotation{{Path: "sub/a.py", Line: 3, Title: "zenml-upgrade: rule ::error::x", Message: "gone ***[31m\nsecond"}}
	if d := cmp.Diff(want, o.marks("sub")); d != "" {
		t.Error(d)
	}
	if o.result = nil; o.marks("sub") != nil {
		t.Error("lines of no result")
	}
}
