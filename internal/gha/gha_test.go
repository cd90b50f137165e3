package gha

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// newRunner returns a runner with its files in a folder of the test, and what it is told.
func newRunner(t *testing.T) (*Runner, *bytes.Buffer, map[string]string) {
	t.Helper()
	dir := t.TempDir()
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": dir,
		"GITHUB_OUTPUT": filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"),
	}
	for _, key := range []string{"GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"} {
		if err := os.WriteFile(env[key], nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	return New(func(key string) string { return env[key] }, &log), &log, env
}

// A value cannot end itself and set another output.
func TestOutputsStayOneLine(t *testing.T) {
	t.Parallel()
	const end = "_GitHubActionsFileCommandDelimeter_"
	for name, tt := range map[string]struct{ value, want string }{
		"plain":     {"pass", "pass"},
		"lines":     {"a\n" + end + "\ndecision<<X\npass\nX", "a (end mark) decision<<X pass X"},
		"end":       {end, "(end mark)"},
		"nested":    {"_GitHubActionsFileCommandDel" + end + "imeter_", "_GitHubActionsFileCommandDel(end mark)imeter_"},
		"separator": {"a\u2028b\rc\x00d", "a b c d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _, env := newRunner(t)
			if err := r.Outputs(map[string]string{"summary": tt.value}); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(env["GITHUB_OUTPUT"])
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff("summary<<"+end+"\n"+tt.want+"\n"+end+"\n", string(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

// What cannot be written is an error, not the library's panic.
func TestOutputsFail(t *testing.T) {
	t.Parallel()
	r, _, env := newRunner(t)
	env["GITHUB_OUTPUT"] = filepath.Join(env["GITHUB_WORKSPACE"], "none", "output")
	if err := r.Outputs(map[string]string{"decision": "pass"}); err == nil {
		t.Error("outputs into no folder give no error")
	}
	env["GITHUB_OUTPUT"] = ""
	if err := r.Outputs(map[string]string{"decision": "pass"}); err == nil {
		t.Error("no GITHUB_OUTPUT gives no error")
	}
}

func TestSummaryKeepsToTheLimit(t *testing.T) {
	t.Parallel()
	r, _, env := newRunner(t)
	if got := r.SummaryRoom(); got != SummaryLimit-1 {
		t.Errorf("room is %d", got)
	}
	half := strings.Repeat("x", SummaryLimit/2)
	if err := r.Summary(half); err != nil {
		t.Fatal(err)
	}
	if err := r.Summary(half); err == nil {
		t.Error("more than the limit is written")
	}
	if err := r.Summary(half[:r.SummaryRoom()]); err != nil {
		t.Error(err)
	}
	st, err := os.Stat(env["GITHUB_STEP_SUMMARY"])
	if err != nil || st.Size() != SummaryLimit {
		t.Errorf("summary has %d bytes, %v", st.Size(), err)
	}
}

func TestAnnotationsKeepToTheLimit(t *testing.T) {
	t.Parallel()
	r, log, env := newRunner(t)
	var all []Annotation
	for i := range 15 {
		all = append(all, Annotation{Error: true, File: "a\n::set-output name=x::y.py", Line: i + 1, Title: "t:,", Message: "m%\n::error::n"})
	}
	r.Annotate(filepath.Join(env["GITHUB_WORKSPACE"], "sub"), append(all, Annotation{File: "b.py", Line: 2, Title: "w", Message: "x"}))
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 11 {
		t.Fatalf("%d commands: %q", len(lines), lines)
	}
	want := []string{"::error file=sub/a%0A%3A%3Aset-output name=x%3A%3Ay.py,line=1,title=t%3A%2C::m%25%0A::error::n", "::warning file=sub/b.py,line=2,title=w::x"}
	if d := cmp.Diff(want, []string{lines[0], lines[10]}); d != "" {
		t.Error(d)
	}
}

func TestMaskTakesEveryLine(t *testing.T) {
	t.Parallel()
	r, log, _ := newRunner(t)
	r.Mask("-----BEGIN\nabc%\n\n")
	if d := cmp.Diff("::add-mask::-----BEGIN\n::add-mask::abc%25\n", log.String()); d != "" {
		t.Error(d)
	}
}

// Outside a runner nothing happens.
func TestNoRunner(t *testing.T) {
	t.Parallel()
	r := New(func(string) string { return "" }, t.Output())
	if r != nil {
		t.Fatal("a runner without GITHUB_ACTIONS")
	}
	r.Mask("x")
	r.Annotate("", []Annotation{{}})
	r.Group("x")()
	if err := r.Outputs(map[string]string{"a": "b"}); err != nil {
		t.Error(err)
	}
	if got := r.Path("/a/b"); got != "/a/b" {
		t.Errorf("path is %q", got)
	}
}
