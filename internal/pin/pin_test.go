package pin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
)

func read(t *testing.T, texts map[string]string, projects ...string) ([]string, []string) {
	t.Helper()
	tr, err := repo.Scan(files.Dir(t, texts))
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	pins, gaps := Read(tr, projects)
	var got, open []string
	for _, p := range pins {
		v := "?"
		if p.Version != nil {
			v = *p.Version
		}
		got = append(got, strings.TrimRight(fmt.Sprintf("%s:%d %s %s %s %s %s %s", p.File, p.Line, p.Kind, v, strings.Join(p.Extras, ","), p.Bounds, p.Marker, p.Project), " "))
	}
	for _, g := range gaps {
		open = append(open, fmt.Sprintf("%s:%d", g.File, g.Line))
	}
	for i := range got {
		got[i] = strings.Join(strings.Fields(got[i]), " ")
	}
	return got, open
}

func TestPythonPlaces(t *testing.T) {
	t.Parallel()
	got, gaps := read(t, map[string]string{
		"requirements.txt":      "zenml[server,s3fs]==0.85.0 ; python_version < '3.13' # ours\n-r more/base.in\n-c limits.txt\n",
		"more/base.in":          "ZenML >= 0.80, < 0.90\nzenml @ git+https://me:word@localhost/zenml.git@0.85.0\n",
		"limits.txt":            "zenml==0.85.0\n",
		"constraints-ci.txt":    "zenml==0.84.0 # alone\nrich\n",
		"a/pyproject.toml":      "[project]\ndependencies = [\n  \"zenml==0.81.0\",\n]\n[project.optional-dependencies]\ndev = [\"zenml[local]==0.81.0\"]\n[dependency-groups]\nci = [\"zenml==0.82.0\"]\n[tool.uv]\nconstraint-dependencies = [\"zenml<0.90\"]\n",
		"b/pyproject.toml":      "[tool.poetry.dependencies]\nzenml = {version = \"0.83.0\", extras = [\"server\"], markers = \"python_version < '3.13'\"}\n[tool.poetry.group.dev.dependencies]\nzenml = \"^0.83\"\n[tool.pdm.dev-dependencies]\ntest = [\"zenml==0.83.1\"]\n",
		"c/Pipfile":             "[packages]\nzenml = {version = \"==0.84.0\", extras = [\"server\"]}\n[dev-packages]\nrich = \"*\"\n",
		"c/Pipfile.lock":        "{\n  \"_meta\": {\"pipfile-spec\": 6},\n  \"default\": {\n    \"zenml\": {\n      \"extras\": [\"server\"],\n      \"version\": \"==0.84.0\"\n    }\n  }\n}\n",
		"d/setup.cfg":           "[metadata]\nname = x\n[options]\ninstall_requires =\n    rich # comment\n    zenml[server]==0.85.0; python_version<'3.13'\n[options.extras_require]\nold =\n    zenml<0.80\n",
		"e/environment.yml":     "name: x\ndependencies:\n  - python=3.11\n  - conda-forge::zenml=0.86.0\n  - pip\n  - pip:\n      - zenml==0.86.0\n      - --index-url https://localhost/\n",
		"f/uv.lock":             "version = 1\nrevision = 3\n[[package]]\nname = \"zenml\"\nversion = \"0.85.0\"\nsource = { registry = \"x\" }\n",
		"f/poetry.lock":         "[[package]]\nname = \"rich\"\nversion = \"1\"\n[[package]]\nname = \"zenml\"\nversion = \"0.85.0\"\n[metadata]\nlock-version = \"2.1\"\n",
		"f/pdm.lock":            "[metadata]\nlock_version = \"4.5.0\"\n[[package]]\nname = \"zenml\"\nversion = \"0.85.0\"\nextras = [\"server\"]\n",
		"f/pylock.toml":         "lock-version = \"1.0\"\n[[packages]]\nname = \"zenml\"\nversion = \"0.85.0\"\n",
		"g/requirements/dev.in": "zenml==0.85.0\n",
		"h/setup.py":            "# zenml==0.1\nsetup(install_requires=[\"zenml==0.85.0\"])\nimport zenml\n",
	})
	want := []string{
		"a/pyproject.toml:3 requirement 0.81.0 ==0.81.0 a", "a/pyproject.toml:6 requirement 0.81.0 local ==0.81.0 a",
		"a/pyproject.toml:8 requirement 0.82.0 ==0.82.0 a", "a/pyproject.toml:10 requirement ? <0.90 a",
		"b/pyproject.toml:2 requirement 0.83.0 server ==0.83.0 python_version < '3.13' b", "b/pyproject.toml:2 requirement ? >=0.83,<0.84 b",
		"b/pyproject.toml:6 requirement 0.83.1 ==0.83.1 b",
		"c/Pipfile:2 requirement 0.84.0 server ==0.84.0 c", "c/Pipfile.lock:6 lock 0.84.0 server c",
		"constraints-ci.txt:1 requirement 0.84.0 ==0.84.0 .",
		"d/setup.cfg:6 requirement 0.85.0 server ==0.85.0 python_version<'3.13' d", "d/setup.cfg:9 requirement ? <0.80 d",
		"e/environment.yml:4 requirement 0.86.0 e", "e/environment.yml:7 requirement 0.86.0 ==0.86.0 e",
		"f/pdm.lock:5 lock 0.85.0 server .", "f/poetry.lock:6 lock 0.85.0 .", "f/pylock.toml:4 lock 0.85.0 .", "f/uv.lock:5 lock 0.85.0 .",
		"g/requirements/dev.in:1 requirement 0.85.0 ==0.85.0 g", "h/setup.py:2 requirement 0.85.0 ==0.85.0 h",
		"limits.txt:1 requirement 0.85.0 ==0.85.0 .", "more/base.in:1 requirement ? >=0.80,<0.90 .", "more/base.in:2 requirement ? .",
		"requirements.txt:1 requirement 0.85.0 server,s3fs ==0.85.0 python_version < '3.13' .",
	}
	if d := cmp.Diff(want, got); d != "" || gaps != nil {
		t.Errorf("gaps %v, pins (-want +got):\n%s", gaps, d)
	}
}

func TestContainersAndCharts(t *testing.T) {
	t.Parallel()
	got, gaps := read(t, map[string]string{
		"Dockerfile":            "# FROM zenmldocker/zenml:0.1.0\nARG ZENML_VERSION=0.85.0\nARG PY\nFROM --platform=linux/amd64 zenmldocker/zenml:${ZENML_VERSION}-py3.11 AS base\nFROM localhost:5000/mirror/zenml-server:0.84.0@sha256:00ff\nARG ZENML_VERSION\nRUN pip install \\\n    rich \\\n    \"zenml[server]==${ZENML_VERSION}\"\nRUN git clone https://github.com/zenml-io/zenml\nFROM zenmldocker/zenml:latest\n",
		"b.Dockerfile":          "FROM python:3.11\nARG ZENML_IMAGE_TAG=0.81.0\nENV V=0.83.0\nRUN uv pip install zenml==$V && echo zenml-other==1.0.0\n",
		"docker-compose.yml":    "x: &x\n  image: zenmldocker/zenml-server:0.85.0\nservices:\n  a: *x\n  b:\n    image: \"zenmldocker/zenml-server:${ZENML_TAG:-0.84.2}\"\n    environment:\n      - ZENML_VERSION=0.84.2\n",
		"values.yaml":           "zenml:\n  image:\n    tag: 0.85.0\nserver:\n  image:\n    repository: zenmldocker/zenml-server\n    tag: \"0.86.0\"\nother:\n  image: {repository: a/b, tag: 0.1.0}\n",
		"chart/Chart.yaml":      "name: mine\nversion: 1.0.0\ndependencies:\n  - name: zenml\n    version: 0.85.0\n    repository: oci://public.ecr.aws/zenml\n  - name: mysql\n    version: 9.0.0\n",
		"chart/templates/d.yml": "{{- if .Values.x }}\nimage: zenmldocker/zenml:0.85.0\n{{ end }}\n",
		"argo.yaml":             "spec:\n  source:\n    chart: zenml\n    repoURL: public.ecr.aws/zenml\n    targetRevision: 0.85.0\n---\nimages:\n  - name: zenmldocker/zenml-server\n    newTag: 0.85.0\n",
		"flux.yaml":             "spec:\n  chart:\n    spec:\n      chart: zenml\n      version: '0.85.0'\n",
		"run.yaml":              "settings:\n  docker:\n    parent_image: zenmldocker/zenml:0.85.0-py3.12\n    requirements:\n      - zenml==0.85.0\n",
		"main.tf":               "module \"stack\" {\n  source  = \"zenml-io/zenml-stack/aws\"\n  version = \"1.2.3\"\n}\nterraform {\n  required_providers {\n    zenml = {\n      source  = \"zenml-io/zenml\"\n      version = \"~> 2.0\"\n    }\n  }\n}\nvariable \"zenml_version\" {\n  default = \"0.85.0\"\n}\nlocals { zenml_image_tag = \"0.85.0\" }\nresource \"helm_release\" \"zenml\" {\n  chart   = \"zenml\"\n  version = \"0.85.0\"\n  set {\n    name  = \"zenml.image.tag\"\n    value = \"0.84.0\"\n  }\n}\nmodule \"m\" { source = \"git::https://github.com/zenml-io/zenml.git//deploy?ref=0.85.0\" }\n",
		"x.tfvars":              "zenml_version = \"0.85.0\"\n",
		"Makefile":              "ZENML_VERSION ?= 0.85.0\nup:\n\thelm upgrade zenml-server oci://public.ecr.aws/zenml/zenml --version 0.85.0\n",
		"p.py":                  "# zenmldocker/zenml:0.1.0\nDockerSettings(parent_image=\"zenmldocker/zenml:0.85.0-py3.11\")\n",
	})
	want := []string{
		"Dockerfile:2 image 0.85.0 py3.11 .", "Dockerfile:2 requirement 0.85.0 server ==0.85.0 .",
		"Dockerfile:5 image 0.84.0 .", "Dockerfile:11 image ? .",
		"Makefile:1 variable 0.85.0 .", "Makefile:3 chart 0.85.0 .",
		"argo.yaml:5 chart 0.85.0 .", "argo.yaml:9 image 0.85.0 .",
		"b.Dockerfile:2 variable 0.81.0 .", "b.Dockerfile:3 requirement 0.83.0 ==0.83.0 .",
		"chart/Chart.yaml:5 chart 0.85.0 .", "chart/templates/d.yml:2 image 0.85.0 .",
		"docker-compose.yml:2 image 0.85.0 .", "docker-compose.yml:6 image 0.84.2 .", "docker-compose.yml:8 variable 0.84.2 .",
		"flux.yaml:5 chart 0.85.0 .",
		"main.tf:3 terraform ? 1.2.3 .", "main.tf:7 terraform ? ~> 2.0 .", "main.tf:14 variable 0.85.0 .", "main.tf:16 variable 0.85.0 .",
		"main.tf:19 chart 0.85.0 .", "main.tf:22 helm_value 0.84.0 .", "main.tf:25 image 0.85.0 .",
		"p.py:2 image 0.85.0 py3.11 .", "run.yaml:3 image 0.85.0 py3.12 .", "run.yaml:5 requirement 0.85.0 ==0.85.0 .",
		"values.yaml:3 helm_value 0.85.0 .", "values.yaml:7 helm_value 0.86.0 .", "x.tfvars:1 variable 0.85.0 .",
	}
	if d := cmp.Diff(want, got); d != "" || gaps != nil {
		t.Errorf("gaps %v, pins (-want +got):\n%s", gaps, d)
	}
}

func TestWorkflows(t *testing.T) {
	t.Parallel()
	got, gaps := read(t, map[string]string{".github/workflows/ci.yml": `on: push
env:
  ZENML_VERSION: 0.85.0
jobs:
  a:
    container: zenmldocker/zenml:0.85.0
    services:
      z: {image: "zenmldocker/zenml-server:0.84.0"}
    strategy:
      matrix:
        zenml-version: [0.80.0, 0.98.0]
    steps:
      - uses: docker://zenmldocker/zenml:0.83.0
      - uses: zenml-io/zenml@v1
      - with: {zenml-version: 0.85.0}
      - name: old zenml==0.1.0
        run: |
          # pip install zenml==0.1.0
          pip install -U \
            "zenml[server]==0.85.0"
          pip install zenml==${{ env.ZENML_VERSION }} zenml-extra==1.0
`})
	want := []string{
		"3 variable 0.85.0", "6 image 0.85.0", "8 image 0.84.0", "13 image 0.83.0", "15 variable 0.85.0", "19 workflow 0.85.0 server ==0.85.0",
	}
	for i := range want {
		want[i] = ".github/workflows/ci.yml:" + want[i] + " ."
	}
	if d := cmp.Diff(want, got); d != "" || gaps != nil {
		t.Errorf("gaps %v, pins (-want +got):\n%s", gaps, d)
	}
}

// What cannot be read is told with its line, and the rest is read.
func TestGaps(t *testing.T) {
	t.Parallel()
	got, gaps := read(t, map[string]string{
		"pyproject.toml": "[project]\nname = \"zenml\n", "requirements.txt": "zenml==0.85.0\nzenml=!0.85\n-r gone.txt\n",
		"uv.lock": "version = 2\n[[package]]\nname = \"zenml\"\nversion = \"0.98.0\"\n", "x/poetry.lock": "[[package]]\nname = \"zenml\n",
		"x/Pipfile.lock": "{\n\"zenml\": }", "pdm.lock": "[metadata]\nlock_version = \"9\" # zenml\n",
		"Dockerfile": "FROM zenmldocker/zenml:0.85.0\nRUN <<EOF\nzenml\n", "Dockerfile.bad": "# zenml\n",
		"main.tf": "module \"zenml\" {\n  source = \n}\nlocals { zenml_version = \"0.85.0\" }\n", ".github/workflows/x.yml": "a: [zenml\n",
		"setup.cfg": "[options]\nzenml no delimiter\n", "environment.yml": "a: [zenml\n", "values.yaml": "a: 1\n zenml: 2\n",
		"deep.yaml": "zenml: " + strings.Repeat("[", 5000), "deep.tf": "zenml = " + strings.Repeat("[", 5000),
	})
	if d := cmp.Diff([]string{"Dockerfile:1 image 0.85.0 .", "main.tf:4 variable 0.85.0 .", "requirements.txt:1 requirement 0.85.0 ==0.85.0 .", "requirements.txt:2 requirement ? ."}, got); d != "" {
		t.Errorf("pins (-want +got):\n%s", d)
	}
	want := []string{
		".github/workflows/x.yml:1", "Dockerfile:2", "Dockerfile.bad:1", "deep.tf:0", "deep.yaml:1", "environment.yml:1", "main.tf:2",
		"pdm.lock:0", "pyproject.toml:2", "requirements.txt:3", "setup.cfg:2", "uv.lock:0", "values.yaml:1", "x/Pipfile.lock:2", "x/poetry.lock:2",
	}
	if d := cmp.Diff(want, gaps); d != "" {
		t.Errorf("gaps (-want +got):\n%s", d)
	}
}
