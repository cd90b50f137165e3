package releasecheck

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/facts"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// checked is the part of result.json that a pull request would want to steer.
type checked struct {
	Code []struct {
		File    string
		Line    int
		Message string
	}
	Pins struct {
		Conflicts []struct {
			File, Package, Yours string
			Fix                  *string
		}
		Resolved map[string]string
		Unjudged []struct {
			File string
			Line int
			Why  string
		}
	}
}

// program builds the real one.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "zenml-upgrade")
	_, err := proc.Run(t.Context(), proc.Command{
		Path: "/bin/sh", Args: []string{"-c", `exec go build -o "$1" .`, "sh", path}, Dir: machine.Root(t), Env: os.Environ(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// runIn runs the program as a workflow does: from the repository's own folder.
func runIn(t *testing.T, program, repo string) checked {
	t.Helper()
	out, notes := t.TempDir(), filepath.Join(t.TempDir(), "releases.json")
	if err := os.WriteFile(notes, []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir() // what was read of wheels is shared, the answers of the resolver are not: each run asks anew
	for _, name := range []string{"envs", facts.Folder} {
		shared := filepath.Join(machine.Cache(t), name)
		if err := errors.Join(os.MkdirAll(shared, 0o755), os.Symlink(shared, filepath.Join(cache, name))); err != nil {
			t.Fatal(err)
		}
	}
	_, err := proc.Run(t.Context(), proc.Command{
		Path: program, Dir: repo, Env: append(machine.Environ(t), "ZENML_UPGRADE_CACHE="+cache),
		Args: []string{"release-check", "--from", "0.85.0", "--to", "0.98.0", "--releases", notes, "--python-versions", "3.11", "--output-dir", out},
	})
	var exit *proc.ExitError
	if !errors.As(err, &exit) || exit.Code != 1 {
		t.Fatalf("got %v, want exit status 1", err)
	}
	text, err := os.ReadFile(filepath.Join(out, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "index did not") {
		t.Skip("skipped: the package index did not answer")
	}
	var c checked
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// What a repository plants for uv, pip, ty and Python neither steers the check nor runs.
func TestARepositoryCannotSteerTheCheck(t *testing.T) {
	t.Parallel()
	machine.Manager(t)
	var asked atomic.Int32
	index := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(index.Close)
	canary := filepath.Join(t.TempDir(), "canary")
	run := fmt.Sprintf("open(%q, \"a\").write(__file__)\n", canary)
	clean := map[string]string{
		"app/requirements.txt": "zenml==0.85.0\nclick==8.1.7\nrich>=13\n",
		"app/flow.py":          "from zenml.client import Client\n\nClient().list_event_sources()\n",
	}
	planted := map[string]string{
		"app/uv.toml":         fmt.Sprintf("index-url = %q\nexclude-newer = \"2020-01-01T00:00:00Z\"\noverride-dependencies = [\"click==8.3.3\"]\n", index.URL),
		"pyproject.toml":      fmt.Sprintf("[[tool.uv.index]]\nname = \"evil\"\nurl = %q\ndefault = true\n[tool.uv]\noverride-dependencies = [\"click==8.3.3\"]\n[tool.uv.sources]\nrich = { path = \"evil\" }\n[tool.ty.rules]\nall = \"ignore\"\n[tool.ty.src]\nexclude = [\"**\"]\n", index.URL),
		"uv.toml":             fmt.Sprintf("index-url = %q\nno-build = false\n", index.URL),
		"pip.conf":            fmt.Sprintf("[global]\nindex-url = %s\n", index.URL),
		"app/pip.conf":        fmt.Sprintf("[global]\nindex-url = %s\n", index.URL),
		".env":                fmt.Sprintf("UV_DEFAULT_INDEX=%s\nPIP_INDEX_URL=%s\n", index.URL, index.URL),
		"ty.toml":             "[rules]\nall = \"ignore\"\n[src]\nexclude = [\"**\"]\n",
		"app/ty.toml":         "[rules]\nall = \"ignore\"\n",
		".python-version":     "./evil/python\n",
		".venv/pyvenv.cfg":    "home = /nonexistent\n",
		".venv/bin/python":    "#!/bin/sh\necho venv >>" + canary + "\n",
		"evil/python":         "#!/bin/sh\necho version >>" + canary + "\n",
		"evil/setup.py":       run,
		"setup.py":            run,
		"app/setup.py":        run,
		"conftest.py":         run,
		"app/conftest.py":     run,
		"sitecustomize.py":    run,
		"usercustomize.py":    run,
		"click/__init__.py":   run,
		"app/pip/__main__.py": run,
		"uv.lock":             "version = 1\n[[package]]\nname = \"click\"\nversion = \"8.3.3\"\n",
		"app/poetry.lock":     "[[package]]\nname = \"click\"\nversion = \"8.3.3\"\n",
	}
	exe := program(t)
	want := runIn(t, exe, files.Dir(t, clean))
	if len(want.Code) != 1 || len(want.Pins.Conflicts) != 1 || want.Pins.Conflicts[0].Fix == nil || len(want.Pins.Unjudged) != 0 {
		t.Fatalf("without anything planted: %+v", want)
	}
	maps.Copy(planted, clean)
	dir := files.Dir(t, planted)
	for _, p := range []string{".venv/bin/python", "evil/python"} {
		if err := os.Chmod(filepath.Join(dir, p), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got := runIn(t, exe, dir)
	told := map[string]bool{}
	for _, g := range got.Pins.Unjudged {
		if strings.Contains(g.Why, "is not followed") && g.Line > 0 {
			told[fmt.Sprintf("%s:%d", g.File, g.Line)] = true
		}
	}
	for _, place := range []string{"app/uv.toml:1", "app/uv.toml:2", "pyproject.toml:1", "uv.toml:1", "pyproject.toml:8"} {
		if !told[place] {
			t.Errorf("%s is not told: %+v", place, got.Pins.Unjudged)
		}
	}
	got.Pins.Unjudged = want.Pins.Unjudged
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("what was planted changed the answer (-clean +planted):\n%s", d)
	}
	if text, err := os.ReadFile(canary); err == nil {
		t.Errorf("code of the repository ran: %s", text)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the repository's index was asked %d times", n)
	}
}
