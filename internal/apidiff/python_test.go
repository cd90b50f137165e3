package apidiff

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// wheel is an environment with a package zenml of these files.
func wheel(t *testing.T, content map[string]string) *pyenv.Env {
	t.Helper()
	all, record := map[string]string{}, ""
	for name, text := range content {
		all["lib/python3.11/site-packages/zenml/"+name] = text
		record += "zenml/" + name + ",sha256=" + strings.ReplaceAll(text, "\n", "") + ",1\n"
	}
	all["lib/python3.11/site-packages/zenml-1.dist-info/RECORD"] = record
	return &pyenv.Env{Dir: files.Dir(t, all)}
}

// griffe returns an interpreter that has it, or skips.
func griffe(t *testing.T) string {
	t.Helper()
	python, err := machine.Manager(t).GriffePython()
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	return python
}

// Aliases are followed, moved and inherited members are no losses, private names and tests are out.
func TestPythonComparison(t *testing.T) {
	t.Parallel()
	older := wheel(t, map[string]string{
		"__init__.py":       "from zenml.steps import step\nfrom zenml.deep.things import Kept, Gone\n",
		"steps/__init__.py": "from zenml.steps.decorator import step\n", "steps/decorator.py": "def step(f, old=None): ...\n",
		"deep/__init__.py": "", "deep/things.py": "class Base: ...\nclass Kept(Base):\n    def moves_up(self): ...\n    def leaves(self): ...\n    def _private(self): ...\nclass Gone: ...\ndef moved(): ...\n",
		"user.py": "from zenml.deep.things import Kept\n", "tests/__init__.py": "def helper(): ...\n",
	})
	newer := wheel(t, map[string]string{
		"__init__.py":       "from zenml.steps import step\nfrom zenml.deep.things import Kept\n",
		"steps/__init__.py": "from zenml.steps.decorator import step\n", "steps/decorator.py": "def step(f): ...\n",
		"deep/__init__.py": "", "deep/things.py": "class Base:\n    def moves_up(self): ...\nclass Kept(Base): ...\n", "deep/other.py": "def moved(): ...\n",
		"user.py": "", "tests/__init__.py": "",
	})
	c := Comparer{Griffe: griffe(t), Dir: t.TempDir(), Env: proc.BaseEnv(os.Environ()), Old: older, New: newer}
	want := []PythonChange{
		{Path: "zenml.deep.things.Gone", Kind: "object_removed", Names: []string{"zenml.Gone", "zenml.deep.things.Gone"}},
		{Path: "zenml.deep.things.Kept.leaves", Kind: "object_removed", Names: []string{"zenml.Kept.leaves", "zenml.deep.things.Kept.leaves"}},
		{Path: "zenml.deep.things.moved", Kind: "object_removed", Names: []string{"zenml.deep.things.moved"}, MovedTo: "zenml.deep.other.moved"},
		{Path: "zenml.steps.decorator.step", Kind: "parameter_removed", Parameter: "old", Names: []string{"zenml.step", "zenml.steps.decorator.step", "zenml.steps.step"}},
	}
	got, err := c.Python(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	c.Griffe = "/bin/false" // what is kept needs no interpreter
	if again, err := c.Python(t.Context()); err != nil || len(again) != len(want) {
		t.Errorf("%d changes of what is kept, %v", len(again), err)
	}
}

// The two versions of the example, by their real packages.
func TestRealVersions(t *testing.T) {
	t.Parallel()
	m := machine.Manager(t)
	c := Comparer{Griffe: griffe(t), Dir: machine.Cache(t), Env: proc.BaseEnv(os.Environ())}
	for v, dst := range map[string]**pyenv.Env{"0.85.0": &c.Old, "0.98.0": &c.New} {
		env, err := m.Ensure(t.Context(), pyenv.Spec{Python: "3.11", Requirements: pyenv.ServerRequirements(v)})
		if err != nil {
			t.Skipf("skipped: ZenML %s cannot be installed: %v", v, err)
		}
		*dst = env
	}
	python, err := c.Python(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(python, func(x PythonChange) bool { return x.Path == "zenml.client.Client.create_event_source" }); len(python) < 500 || i < 0 || python[i].Kind != "object_removed" {
		t.Errorf("%d differences of the Python API, Client.create_event_source at %d", len(python), i)
	}
	for _, x := range python {
		if strings.Contains(x.Path, "._") && !strings.HasSuffix(x.Path, ".__init__") || len(x.Names) == 0 {
			t.Errorf("%+v", x)
		}
	}
	rest, err := c.REST(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	removed := func(x RESTChange) bool {
		return x.Method == http.MethodGet && x.Path == "/api/v1/actions" && strings.HasPrefix(x.Kind, "api-")
	}
	if len(rest) < 100 || !slices.ContainsFunc(rest, removed) {
		t.Errorf("%d differences of the REST API, GET /api/v1/actions removed: %v", len(rest), slices.ContainsFunc(rest, removed))
	}
}
