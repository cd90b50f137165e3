package usage

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
)

// index reads a repository of the given files for ZenML 0.98.0.
func index(t *testing.T, texts map[string]string) *Index {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("skipped: python3 is not on PATH")
	}
	tr, err := repo.Scan(files.Dir(t, texts))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	x, err := Reader{Python: python, To: "0.98.0"}.Read(t.Context(), tr)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func at(list []Place) []string {
	out := []string{}
	for _, p := range list {
		out = append(out, fmt.Sprintf("%s:%d", p.File, p.Line))
	}
	return out
}

func TestPythonNames(t *testing.T) {
	t.Parallel()
	const wanted = "zenml.client.Client.list_event_sources"
	cases := map[string]struct {
		code string
		want []string
	}{
		"called at once":          {"from zenml.client import Client\nClient().list_event_sources()\n", []string{"a.py:2"}},
		"under another name":      {"import zenml.client as zc\nC = zc.Client\nc = C()\nc.list_event_sources()\n", []string{"a.py:4"}},
		"the package's own name":  {"import zenml\nzenml.client.Client().list_event_sources()\n", []string{"a.py:2"}},
		"an annotated argument":   {"from zenml.client import Client\ndef f(c: Client | None):\n    c.list_event_sources()\n", []string{"a.py:3"}},
		"a quoted annotation":     {"from zenml.client import Client\ndef f(c: 'Client'):\n    c.list_event_sources()\n", []string{"a.py:3"}},
		"kept in self":            {"from zenml.client import Client\nclass A:\n    def go(self):\n        self.c.list_event_sources()\n    def __init__(self):\n        self.c = Client()\n", []string{"a.py:4"}},
		"from a function":         {"from zenml.client import Client\ndef make():\n    return Client()\nmake().list_event_sources()\n", []string{"a.py:4"}},
		"a class built on it":     {"from zenml.client import Client\nclass Mine(Client):\n    def f(self):\n        self.list_event_sources()\nMine().list_event_sources()\n", []string{"a.py:4", "a.py:5"}},
		"overridden":              {"from zenml.client import Client\nclass Mine(Client):\n    def list_event_sources(self):\n        pass\n", []string{"a.py:3"}},
		"without a call":          {"from zenml.client import Client\nf = Client().list_event_sources\n", []string{"a.py:2"}},
		"by getattr":              {"from zenml.client import Client\ngetattr(Client(), 'list_event_sources')()\n", []string{"a.py:2"}},
		"patched by name":         {"from unittest import mock\nmock.patch('zenml.client.Client.list_event_sources')\n", []string{"a.py:2"}},
		"one branch of two":       {"try:\n    from zenml.client import Client\nexcept ImportError:\n    from other import Client\nClient().list_event_sources()\n", []string{"a.py:5"}},
		"in a comprehension":      {"from zenml.client import Client\nx = [c.list_event_sources() for c in [Client()]]\n", []string{"a.py:2"}},
		"in an f-string":          {"from zenml.client import Client\nprint(f'{Client().list_event_sources()}')\n", []string{"a.py:2"}},
		"below a decorator":       {"from zenml import step\nfrom zenml.client import Client\n@step\ndef s():\n    with Client() as c:\n        c.list_event_sources()\n", []string{"a.py:6"}},
		"a star import":           {"from zenml.client import *\nClient().list_event_sources()\n", []string{"a.py:2"}},
		"another library's":       {"from other import Client\nClient().list_event_sources()\n", []string{}},
		"a comment":               {"from zenml.client import Client\n# Client().list_event_sources()\n", []string{}},
		"a docstring":             {"\"\"\"zenml.client.Client.list_event_sources\"\"\"\nfrom zenml.client import Client\n", []string{}},
		"a text":                  {"from zenml.client import Client\nx = 'zenml.client.Client.list_event_sources'\nprint('zenml.client.Client.list_event_sources')\n", []string{}},
		"the user's own class":    {"import zenml\nclass Client:\n    def list_event_sources(self):\n        return self.list_event_sources()\nClient().list_event_sources()\n", []string{}},
		"a name that is replaced": {"from zenml.client import Client\nClient = make\nClient().list_event_sources()\n", []string{}},
		"a longer name":           {"from zenml.client import Client\nClient().list_event_sources_x()\n", []string{}},
		"a module beside":         {"from .zenml.client import Client\nClient().list_event_sources()\n", []string{}},
		"only for older versions": {"import zenml\nfrom zenml.client import Client\nif zenml.__version__ < '0.90':\n    Client().list_event_sources()\n", []string{}},
		"parsed versions":         {"from packaging.version import Version\nimport zenml\nfrom zenml.client import Client\nOLD = Version(zenml.__version__) < Version('0.90')\ndef f():\n    if OLD:\n        Client().list_event_sources()\n", []string{}},
		"the package's metadata":  {"from importlib.metadata import version\nfrom packaging import version as v\nfrom zenml.client import Client\nif v.parse(version('zenml')) >= v.parse('0.90'):\n    pass\nelse:\n    Client().list_event_sources()\n", []string{}},
		"left before":             {"import zenml\nfrom zenml.client import Client\ndef f():\n    if zenml.__version__ >= '0.90':\n        return\n    Client().list_event_sources()\n", []string{}},
		"never":                   {"from zenml.client import Client\nif False:\n    Client().list_event_sources()\n", []string{}},
		"another test":            {"import os\nfrom zenml.client import Client\nif os.name < '0.90':\n    Client().list_event_sources()\n", []string{"a.py:4"}},
		"for newer versions":      {"import zenml\nfrom zenml.client import Client\nif zenml.__version__ >= '0.90':\n    Client().list_event_sources()\n", []string{"a.py:4"}},
		"another package's":       {"import pandas\nfrom zenml.client import Client\nif pandas.__version__ < '0.90':\n    Client().list_event_sources()\n", []string{"a.py:4"}},
	}
	// One index of them all: what one file binds says nothing of another.
	texts := map[string]string{}
	for name, tc := range cases {
		texts[name+"/a.py"] = tc.code
	}
	x := index(t, texts)
	if len(x.Gaps) != 0 {
		t.Errorf("gaps %v", x.Gaps)
	}
	found := map[string][]string{}
	for _, p := range at(x.Python(wanted)) {
		name, place, _ := strings.Cut(p, "/")
		found[name] = append(found[name], place)
	}
	for name, tc := range cases {
		if d := cmp.Diff(tc.want, append([]string{}, found[name]...)); d != "" {
			t.Errorf("%s: places (-want +got):\n%s", name, d)
		}
	}
}
