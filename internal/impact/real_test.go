package impact

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

func pair(t *testing.T, m *pyenv.Manager) *Pair {
	t.Helper()
	p, err := Install(t.Context(), m, "0.85.0", "0.98.0", []string{"3.11"})
	if err != nil {
		t.Skipf("skipped: ZenML 0.85.0 and 0.98.0 cannot be installed here: %v", err)
	}
	return p
}

func tree(t *testing.T, texts map[string]string) *repo.Tree {
	t.Helper()
	return scan(t, files.Dir(t, texts))
}

func scan(t *testing.T, dir string) *repo.Tree {
	t.Helper()
	tr, err := repo.Scan(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	return tr
}

func check(t *testing.T, tr *repo.Tree) (*Code, error) {
	t.Helper()
	m := machine.Manager(t)
	p := pair(t, m)
	c := Checker{Ty: m.Ty, Env: m.Env, Old: p.Old, New: p.New}
	return c.Check(t.Context(), tr)
}

func places(list []Breakage) []string {
	out := []string{}
	for _, b := range list {
		names := Names(b.Message)
		out = append(out, fmt.Sprintf("%s:%d %s", b.File, b.Line, names[len(names)-1]))
	}
	return out
}

func TestExampleHasExactlyItsTwoRemovedCalls(t *testing.T) {
	t.Parallel()
	code, err := check(t, scan(t, "../../examples/churn"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"scripts/audit_runs.py:11 list_event_sources", "scripts/audit_runs.py:13 list_trigger_executions"}
	if d := cmp.Diff(want, places(code.Breakages)); d != "" {
		t.Errorf("breakages (-want +got):\n%s", d)
	}
	if len(code.Gaps) != 0 || code.Files < 10 {
		t.Errorf("files %d, gaps %v", code.Files, code.Gaps)
	}
}

const broken = "from zenml.client import Client\n\n\ndef f(c: Client) -> None:\n    c.list_event_sources()%s\n"

// What a repository does to quieten its own checker must not quieten ours.
func TestRepositoryCannotHideABreakage(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"ty.toml":       {"a.py": strings.Replace(broken, "%s", "", 1), "ty.toml": "[rules]\nall = \"ignore\"\n[src]\nexclude = [\"**\"]\n"},
		"pyproject":     {"a.py": strings.Replace(broken, "%s", "", 1), "pyproject.toml": "[tool.ty.rules]\nall = \"ignore\"\n"},
		"ty comment":    {"a.py": strings.Replace(broken, "%s", "  # ty: ignore", 1)},
		"both comments": {"a.py": strings.Replace(broken, "%s", "  # type: ignore # ty:ignore[unresolved-attribute]", 1)},
		"type comment":  {"a.py": strings.Replace(broken, "%s", "  # type: ignore", 1)},
		"gitignore":     {"a.py": strings.Replace(broken, "%s", "", 1), ".gitignore": "*.py\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, err := check(t, tree(t, files))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]string{"a.py:5 list_event_sources"}, places(code.Breakages)); d != "" {
				t.Errorf("breakages (-want +got):\n%s", d)
			}
		})
	}
}

func TestModuleThatHidesZenMLIsNoAnswer(t *testing.T) {
	t.Parallel()
	_, err := check(t, tree(t, map[string]string{"zenml/__init__.py": "", "zenml/client.py": "class Client: zenml_upgrade_canary: int\n", "a.py": "x = 1\n"}))
	if err == nil || !strings.Contains(err.Error(), "did not see the installed ZenML") {
		t.Errorf("got %v, want an error that says ZenML was not seen", err)
	}
}

func TestCheckerThatFailsIsNoAnswer(t *testing.T) {
	t.Parallel()
	m := machine.Manager(t)
	p := pair(t, m)
	c := Checker{Ty: "/bin/true", Env: m.Env, Old: p.Old, New: p.New}
	if _, err := c.Check(t.Context(), tree(t, map[string]string{"a.py": "x = 1\n"})); err == nil {
		t.Error("a checker that says nothing was believed")
	}
}

func TestBreakageThroughOwnModuleAndInNotebook(t *testing.T) {
	t.Parallel()
	code, err := check(t, tree(t, map[string]string{
		"src/lib/__init__.py": "from zenml.client import Client\n\n\ndef client() -> Client:\n    return Client()\n",
		"a.py":                "from lib import client\n\nclient().list_event_sources(); client().list_event_sources()\n",
		"n.ipynb":             "{\"cells\":[{\"cell_type\":\"code\",\"execution_count\":null,\"metadata\":{},\"outputs\":[],\"source\":[\"from zenml.client import Client\\n\",\n\"Client().list_event_sources()\"]}],\"metadata\":{},\"nbformat\":4,\"nbformat_minor\":5}\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a.py:3 list_event_sources", "n.ipynb:2 list_event_sources"}
	if d := cmp.Diff(want, places(code.Breakages)); d != "" {
		t.Errorf("breakages (-want +got):\n%s", d)
	}
}
