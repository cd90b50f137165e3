package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A module whose tests do everything a test can do.
var module = map[string]string{
	"go.mod":          "module example.com/m\n\ngo 1.26.0\n",
	"ok/ok_test.go":   "package ok\nimport \"testing\"\nfunc TestOK(t *testing.T) { t.Log(\"quiet\"); t.Log(\"size: matrix: 3 of 9 cells\") }\nfunc TestAsks(t *testing.T) { t.Log(\"fake GitHub: 3 requests, 0 invalid: pulls/get pulls/list\"); t.Log(\"fake GitHub: 2 requests, 1 invalid: pulls/get issues/get\"); t.Log(\"act: ran b.yml a.yml; stand-ins for x/y, z\"); t.Log(\"act: ran b.yml; stand-ins for z\") }\nfunc TestNeeds(t *testing.T) { t.Skip(\"uv is missing\") }\n",
	"bad/a_test.go":   "package bad\nimport \"testing\"\nfunc TestTable(t *testing.T) { t.Run(\"one\", func(t *testing.T) { t.Error(\"one is wrong\") }); t.Run(\"two\", func(*testing.T) {}) }\n",
	"panic/p_test.go": "package panic\nimport \"testing\"\nfunc TestPanic(t *testing.T) { t.Log(\"before\"); panic(\"at the disco\") }\n",
	"build/b_test.go": "package build\nfunc x() int { return \"no number\" }\n",
	"none/n.go":       "package none\n",
}

func runModule(t *testing.T, args ...string) (string, int) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range module {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	code, err := run(t.Context(), dir, append([]string{"-p", "1", "-count=1"}, args...), &out)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), code
}

func TestReport(t *testing.T) {
	t.Parallel()
	out, code := runModule(t, "./...")
	if code != 1 {
		t.Errorf("exit status %d", code)
	}
	for _, want := range []string{
		"--- FAIL: example.com/m/bad TestTable/one",
		"one is wrong",
		"skip  example.com/m/ok TestNeeds: uv is missing\n",
		"at the disco",
		"cannot use \"no number\"",
		"FAIL\texample.com/m/build [build failed]",
		"no test files",
		"ok  \texample.com/m/ok\t",
		"slowest tests:",
		"3 passed, 3 failed, 1 skipped",
		"GitHub: 3 operations exercised in 5 requests; 1 requests or answers are NOT as GitHub describes them\n",
		"\nmatrix: 3 of 9 cells\n",
		"act: ran a.yml (1), b.yml (2); stand-ins for x/y, z\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(out, "quiet") {
		t.Error("the output of a test that passed is shown")
	}
	if t.Failed() {
		t.Log(out)
	}
}

// The last lines are the runner's closing lines of the packages, as it printed them.
func TestClosingLines(t *testing.T) {
	t.Parallel()
	out, code := runModule(t, "./ok", "./none")
	if code != 0 {
		t.Errorf("exit status %d:\n%s", code, out)
	}
	seconds := regexp.MustCompile(`\d+\.\d+s`)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if diff := cmp.Diff("ok  \texample.com/m/ok\tX", seconds.ReplaceAllString(lines[len(lines)-1], "X")); diff != "" {
		t.Error(diff)
	}
}
