package usage

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommands(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file, text string
		want       []string
	}{
		"a script":               {"run.sh", "#!/bin/sh\nset -e\nzenml stack list --output json\n", []string{"run.sh:3"}},
		"a script without end":   {"bin/run", "#!/usr/bin/env bash\nuv run zenml stack list\n", []string{"bin/run:2"}},
		"broken over lines":      {"run.sh", "if true; then\n  zenml \\\n    stack list | tee x\nfi\n", []string{"run.sh:2"}},
		"inside another command": {"run.sh", "X=$(zenml stack list)\nbash -c 'zenml stack list'\n", []string{"run.sh:1", "run.sh:2"}},
		"as a module":            {"run.sh", "python -m zenml stack list\n", []string{"run.sh:1"}},
		"a Makefile":             {"Makefile", "V := 1\nlist: a\n\t@$(PY) a.py\n\t@zenml stack list; \\\n\t  echo $$HOME\n", []string{"Makefile:4"}},
		"a Dockerfile":           {"Dockerfile", "FROM x\nRUN pip install zenml && \\\n    zenml stack list\nCMD [\"zenml\", \"stack\", \"list\"]\n", []string{"Dockerfile:3", "Dockerfile:4"}},
		"a workflow":             {".github/workflows/ci.yml", "jobs:\n  a:\n    steps:\n      - run: echo\n      - name: x\n        run: |\n          echo ${{ github.ref }}\n          zenml stack list\n", []string{".github/workflows/ci.yml:8"}},
		"one line of a workflow": {".github/workflows/ci.yml", "jobs:\n  a:\n    steps:\n      - run: zenml stack list\n", []string{".github/workflows/ci.yml:4"}},
		"a GitLab script":        {".gitlab-ci.yml", "a:\n  script:\n    - echo hi there\n    - zenml stack list\n", []string{".gitlab-ci.yml:4"}},
		"a pod's command":        {"pod.yaml", "spec:\n  containers:\n    - command: [zenml, stack, list]\n", []string{"pod.yaml:3"}},
		"a list in Python":       {"a.py", "import subprocess\nsubprocess.run(['zenml', 'stack', 'list'])\n", []string{"a.py:2"}},
		"a text in Python":       {"a.py", "import os\nos.system('cd x && zenml stack list')\n", []string{"a.py:2"}},
		"a notebook":             {"n.ipynb", "{\n \"cells\": [\n  {\"cell_type\": \"code\",\n   \"source\": [\n    \"import os\\n\",\n    \"!zenml stack list\"\n   ]}\n ]\n}\n", []string{"n.ipynb:6"}},
		"tox":                    {"tox.ini", "[testenv]\ncommands =\n    zenml stack list\n# zenml stack list\n", []string{"tox.ini:3"}},
		"a task":                 {"pyproject.toml", "[tool.poe.tasks]\nstacks = \"zenml stack list\"\n[project]\ndescription = \"how zenml stack list works\"\n", []string{"pyproject.toml:2"}},
		"a Jenkinsfile":          {"Jenkinsfile", "steps {\n  sh 'zenml stack list'\n  // sh 'zenml stack list'\n}\n", []string{"Jenkinsfile:2"}},
		"CircleCI":               {".circleci/config.yml", "jobs:\n  a:\n    steps:\n      - run:\n          command: zenml stack list\n", []string{".circleci/config.yml:5"}},
		"a comment":              {"run.sh", "# zenml stack list\necho x # zenml stack list\n", []string{}},
		"a text that is printed": {"run.sh", "echo 'zenml stack list'\necho \"use zenml stack list\"\n", []string{}},
		"the package":            {"run.sh", "pip install zenml stack list\nuv pip install zenml stack list\n", []string{}},
		"another command":        {"run.sh", "zenml stack describe list\nzenmlx stack list\n", []string{}},
		"a text of Python":       {"a.py", "print('zenml stack list')\nx = 'zenml stack list'\n", []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := index(t, map[string]string{tc.file: tc.text})
			if d := cmp.Diff(tc.want, at(x.CLI("stack", "list"))); d != "" {
				t.Errorf("places (-want +got):\n%s\nall: %+v", d, x.places)
			}
			if len(x.Gaps) != 0 {
				t.Errorf("gaps %v", x.Gaps)
			}
		})
	}
}

func TestOptionsOfCommands(t *testing.T) {
	t.Parallel()
	x := index(t, map[string]string{"run.sh": "zenml --debug stack register a -o b --ssl=1\n"})
	for words, want := range map[string]int{"stack register -o": 1, "stack register --ssl": 1, "stack register -x": 0, "stack": 1, "register": 0} {
		if got := len(x.CLI(strings.Fields(words)...)); got != want {
			t.Errorf("%q: %d, want %d", words, got, want)
		}
	}
}

func TestREST(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file, text string
		want       []string
	}{
		"an f-string":            {"a.py", "import requests\nrequests.get(f'{url}/api/v1/pipelines/{i}/runs?size=1')\n", []string{"a.py:2"}},
		"a text put together":    {"a.py", "import requests\nrequests.get(url + '/api/v1/pipelines/' + i + '/runs')\n", []string{"a.py:2"}},
		"a constant":             {"a.py", "PATH = '/api/v1/pipelines/{}/runs'\n", []string{"a.py:1"}},
		"curl":                   {"a.sh", "curl -fsS \"$URL/api/v1/pipelines/$ID/runs\"\n", []string{"a.sh:1"}},
		"TypeScript":             {"a.ts", "// a\nconst r = await api.get(`${base}/api/v1/pipelines/${id}/runs`)\n", []string{"a.ts:2"}},
		"another method":         {"a.py", "import requests\nrequests.post(f'{url}/api/v1/pipelines/{i}/runs')\n", []string{}},
		"another path":           {"a.py", "import requests\nrequests.get(f'{url}/api/v1/runs/{i}/pipelines')\nrequests.get(f'{url}/api/v1/pipelines/{i}')\nrequests.get(f'{url}/api/v1/pipelines/{i}/schedules')\n", []string{}},
		"a sentence":             {"a.py", "x = 'call /api/v1/pipelines/x/runs instead'\n", []string{}},
		"comments":               {"a.ts", "/* '/api/v1/pipelines/1/runs' */ // \"/api/v1/pipelines/1/runs\"\n", []string{}},
		"a docstring":            {"a.py", "def f():\n    '/api/v1/pipelines/1/runs'\n", []string{}},
		"method of the argument": {"a.py", "import httpx\nhttpx.request('GET', '/api/v1/pipelines/1/runs')\n", []string{"a.py:2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := index(t, map[string]string{tc.file: tc.text})
			got := x.REST("GET", "/api/v1/pipelines/<ID>/runs")
			if name == "another method" { // the path alone is met without its method too
				got = x.REST("DELETE", "/api/v1/pipelines/<ID>/runs")
			}
			if d := cmp.Diff(tc.want, at(got)); d != "" {
				t.Errorf("places (-want +got):\n%s\nall: %+v", d, x.places)
			}
		})
	}
}

func TestHelmKeys(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"values":           {map[string]string{"deploy/values.yaml": "zenml:\n  ingress:\n    enabled: true\n"}, []string{"deploy/values.yaml:3"}},
		"the other root":   {map[string]string{"zenml/values-prod.yaml": "server:\n  ingress:\n    enabled: true\n"}, []string{"zenml/values-prod.yaml:3"}},
		"a chart above it": {map[string]string{"c/Chart.yaml": "dependencies:\n  - name: zenml\n", "c/values.yaml": "server: {ingress: {enabled: true}}\n"}, []string{"c/values.yaml:1"}},
		"set on a command": {map[string]string{"a.sh": "helm upgrade z oci://x/zenml \\\n  --set zenml.ingress.enabled=true,a=b\n"}, []string{"a.sh:2"}},
		"a release":        {map[string]string{"a.yaml": "spec:\n  chart:\n    spec:\n      chart: zenml\n  values:\n    zenml:\n      ingress:\n        enabled: true\n"}, []string{"a.yaml:8"}},
		"Terraform":        {map[string]string{"a.tf": "resource \"helm_release\" \"z\" {\n  chart = \"oci://x/zenml\"\n  set {\n    name  = \"server.ingress.enabled\"\n    value = true\n  }\n}\n"}, []string{"a.tf:4"}},
		"Terraform values": {map[string]string{"a.tf": "resource \"helm_release\" \"z\" {\n  chart = \"zenml\"\n  values = [yamlencode({\n    zenml = { ingress = { enabled = true } }\n  })]\n}\n"}, []string{"a.tf:4"}},
		"another chart":    {map[string]string{"values.yaml": "server:\n  ingress:\n    enabled: true\n", "a.sh": "helm upgrade a b --set server.ingress.enabled=1\n"}, []string{}},
		"a comment":        {map[string]string{"values.yaml": "zenml:\n  # ingress: {enabled: true}\n  a: 1\n"}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := index(t, tc.files)
			if d := cmp.Diff(tc.want, at(x.Helm("ingress.enabled"))); d != "" {
				t.Errorf("places (-want +got):\n%s\nall: %+v", d, x.places)
			}
		})
	}
}

func TestEnvironmentVariables(t *testing.T) {
	t.Parallel()
	x := index(t, map[string]string{
		"a.py":       "import os\nos.environ['ZENML_X'] = '1'\n# ZENML_X\n\"\"\"ZENML_X\"\"\"\nprint('set ZENML_X')\n",
		"a.sh":       "export ZENML_X=1\necho $ZENML_X\n# ZENML_X\n",
		"Dockerfile": "FROM x\nENV A=1 \\\n    ZENML_X=1\n",
		".env":       "# ZENML_X=1\nZENML_X=1\n",
		"pod.yaml":   "env:\n  - name: ZENML_X\n    value: a\n  - ZENML_X=1\nother: {ZENML_X: 1}\n",
		"Makefile":   "export ZENML_X ?= 1\n",
		"b.tf":       "a = { ZENML_X = 1 }\n",
	})
	want := []string{".env:2", "Dockerfile:3", "Makefile:1", "a.py:2", "a.sh:1", "a.sh:2", "b.tf:1", "pod.yaml:2", "pod.yaml:4", "pod.yaml:5"}
	if d := cmp.Diff(want, at(x.Env("ZENML_X"))); d != "" {
		t.Errorf("places (-want +got):\n%s", d)
	}
}

// What cannot be read is told with its place, and the rest is read.
func TestGaps(t *testing.T) {
	t.Parallel()
	x := index(t, map[string]string{
		"bad.py":      "import zenml\n\ndef (:\n",
		"good.py":     "from zenml.client import Client\n",
		"bad.sh":      "zenml stack list\nif ((\n",
		"other.sh":    "if ((\n",
		"bad.yaml":    "zenml:\n  a: [\n",
		"bad.tf":      "zenml = {\n",
		"bad.ipynb":   "{",
		"big.py":      string(make([]byte, 5<<20)),
		"notes.ipynb": `{"cells":[{"cell_type":"markdown","source":"from zenml import x"}]}`,
	})
	var got []string
	for _, g := range x.Gaps {
		got = append(got, place(g.File, g.Line))
	}
	want := []string{"bad.ipynb", "bad.py:3", "bad.sh:2", "bad.tf:2", "bad.yaml:2", "big.py"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("gaps (-want +got):\n%s\n%v", d, x.Gaps)
	}
	if d := cmp.Diff([]string{"good.py:1"}, at(x.Python("zenml.client.Client"))); d != "" {
		t.Errorf("places (-want +got):\n%s", d)
	}
}

// Names are followed through the repository's own modules, and no further.
func TestOwnModules(t *testing.T) {
	t.Parallel()
	x := index(t, map[string]string{
		"src/lib/__init__.py": "from .make import client as get, Keeper\n",
		"src/lib/make.py":     "from zenml.client import Client\n\ndef client() -> Client:\n    return Client()\n\nclass Base(Client):\n    pass\n\nclass Keeper(Base):\n    def __init__(self):\n        self.inner = Client()\n",
		"a.py":                "from lib import get, Keeper\n\nget().list_x()\nKeeper().list_x()\nKeeper().inner.list_x()\n",
		"b.py":                "from lib import unknown\nfrom elsewhere import other\n\nunknown().list_x()\nother().list_x()\ndef f(c):\n    c.list_x()\n",
		"own.py":              "class Client:\n    def list_x(self): ...\n",
		"c.py":                "from own import Client\n\nClient().list_x()\n",
	})
	if d := cmp.Diff([]string{"a.py:3", "a.py:4", "a.py:5"}, at(x.Python("zenml.client.Client.list_x"))); d != "" {
		t.Errorf("places (-want +got):\n%s\n%+v", d, x.places)
	}
	sure, maybe := x.Members("list_x")
	if d := cmp.Diff([]string{"a.py:3", "a.py:4", "a.py:5"}, at(sure)); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"b.py:4", "b.py:7"}, at(maybe)); d != "" {
		t.Errorf("possible members (-want +got):\n%s", d)
	}
}

func place(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// What may be ZenML's is never taken for something else: it is a possible use.
func TestPossibleUses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ sure, maybe string }{
		"from zenml.client import Client\nd = {'a': Client()}\nd['a'].list_x()\n":                                                                        {maybe: "3"},
		"def f(c):\n    other(c).list_x()\nfrom zenml import other_one\nfrom lib import other\n":                                                         {maybe: "2"},
		"import pydantic\nfrom zenml.client import Client\nclass A(pydantic.BaseModel):\n    c: Client\n    def f(self):\n        self.c.list_x()\n":     {sure: "6"},
		"from zenml.client import Client\nclass A:\n    @property\n    def c(self) -> Client: ...\n    def f(self):\n        self.c.list_x()\n":          {sure: "6"},
		"class A:\n    @property\n    def c(self):\n        return 1\n    def f(self):\n        self.c.list_x()\n":                                       {maybe: "6"},
		"class A:\n    def __init__(self, c):\n        self.c = c\n    def f(self):\n        self.c.list_x()\n":                                          {maybe: "5"},
		"class A:\n    def c(self): ...\n    def f(self):\n        self.c().list_x()\n":                                                                  {maybe: "4"},
		"def c():\n    return unknown()\nc().list_x()\n":                                                                                                 {maybe: "3"},
		"from zenml.client import Client\nc = None\ndef g():\n    global c\n    c = Client()\ndef f():\n    c.list_x()\n":                                {maybe: "7"},
		"class A:\n    def __init__(self, c):\n        self.c = c\n    def stop(self):\n        self.c = 1\n    def f(self):\n        self.c.list_x()\n": {maybe: "7"},
		"for c in unknown:\n    c.list_x()\n": {maybe: "2"},
		"import pandas as pd\npd.read('a').list_x()\nclass A:\n    def list_x(self): ...\nA().list_x()\n": {},
	}
	texts, names := map[string]string{}, map[string]string{}
	for code := range cases {
		name := fmt.Sprintf("case%d.py", len(texts))
		texts[name], names[code] = code, name
	}
	x := index(t, texts)
	sure, maybe := x.Members("list_x")
	got := map[string]string{}
	for _, p := range sure {
		got[p.File+" sure"] += fmt.Sprint(p.Line)
	}
	for _, p := range maybe {
		got[p.File+" maybe"] += fmt.Sprint(p.Line)
	}
	for code, want := range cases {
		if n := names[code]; got[n+" sure"] != want.sure || got[n+" maybe"] != want.maybe {
			t.Errorf("sure %q, maybe %q, want %+v of\n%s", got[n+" sure"], got[n+" maybe"], want, code)
		}
	}
}

// A file that is made to break the reader is a gap; the others are read.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	many := 60_000
	x := index(t, map[string]string{
		"sum.py":      "import zenml\nx = " + strings.Repeat("1+", many) + "1\n",
		"dots.py":     "import zenml\nzenml" + strings.Repeat(".a", many) + "\n",
		"calls.py":    "import zenml\nzenml" + strings.Repeat("()", many) + "\n",
		"nest.py":     "import zenml\nx = " + strings.Repeat("[", 150) + strings.Repeat("]", 150) + "\n",
		"null.py":     "import zenml\x00\n",
		"bytes.py":    "import zenml\n# \xff\xfe\n",
		"a.sh":        "zenml " + strings.Repeat("$(", 3000) + "\n",
		"a.yaml":      "zenml: " + strings.Repeat("[", 3000) + "\n",
		"a.tf":        "zenml = " + strings.Repeat("[", 3000) + "\n",
		"Makefile":    "\t" + strings.Repeat("\\\n", 3000),
		"good.py":     "from zenml.client import Client\n",
		"lines.ipynb": `{"cells":[{"cell_type":"code","source":["%%bash\n","zenml stack list\n"]},{"cell_type":"code","source":"%%writefile a.py\nimport ("}]}`,
	})
	if d := cmp.Diff([]string{"good.py:1"}, at(x.Python("zenml.client.Client"))); d != "" {
		t.Errorf("places (-want +got):\n%s", d)
	}
	if len(x.CLI("stack", "list")) != 1 {
		t.Errorf("commands %+v", x.All(Command))
	}
	hidden := map[string]bool{}
	for _, g := range x.Gaps {
		hidden[g.File] = true
	}
	for _, p := range []string{"sum.py", "dots.py", "calls.py", "null.py", "a.sh", "a.yaml", "a.tf"} {
		if !hidden[p] {
			t.Errorf("%s is not told as a gap: %v", p, x.Gaps)
		}
	}
}
