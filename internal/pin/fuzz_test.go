package pin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// names are files of every format.
var names = []string{
	"requirements.txt", "constraints.txt", "pyproject.toml", "Pipfile", "Pipfile.lock", "setup.cfg", "environment.yml", "uv.lock", "poetry.lock", "pdm.lock",
	"pylock.toml", "Dockerfile", "docker-compose.yml", "values.yaml", "chart/Chart.yaml", ".github/workflows/ci.yml", "main.tf", "x.tfvars", "Makefile", "a.py", "setup.py",
}

// Whatever a file holds, reading it ends, and every pin names a place that is there.
func FuzzRead(f *testing.F) {
	for i, text := range []string{
		"zenml[server]==0.85.0 ; python_version < '3.13' \\\n --hash=sha256:00\n-r x\n-c y\n", "zenml<1\n", "[project]\ndependencies = [\"zenml==0.85.0\"]\n",
		"[packages]\nzenml = {version = \"==0.85.0\"}\n", "{\"_meta\":{\"pipfile-spec\":6},\"default\":{\"zenml\":{\"version\":\"==0.85.0\"}}}",
		"[options]\ninstall_requires =\n  zenml==0.85.0\n", "dependencies:\n  - pip:\n    - zenml==0.85.0\n", "version = 1\n[[package]]\nname = \"zenml\"\nversion = \"0.85.0\"\n",
		"[metadata]\nlock-version = \"2.0\"\n", "[metadata]\nlock_version = \"4.5\"\n", "lock-version = \"1.0\"\n",
		"ARG V=0.85.0\nFROM zenmldocker/zenml:${V:-x}\nRUN <<EOF\npip install zenml==$V\nEOF\n", "services: {a: {image: &x \"zenmldocker/zenml:${T:-0.85.0}\"}}\n",
		"zenml: {image: {tag: 0.85.0}}\n", "dependencies: [{name: zenml, version: 0.85.0}]\n", "jobs:\n a:\n  steps:\n  - run: |\n     pip install zenml==0.85.0\n",
		"module \"zenml\" { source = \"zenml-io/zenml-stack/aws\" }\n", "zenml_version = \"0.85.0\"\n", "ZENML_VERSION ?= 0.85.0\n", "\"zenmldocker/zenml:0.85.0\"\n", "[\"zenml==0.85.0\"]",
	} {
		f.Add(uint8(i), text)
	}
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		name := names[int(which)%len(names)]
		dir := t.TempDir()
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		tr, err := repo.Scan(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		pins, gaps := Read(tr, nil)
		lines := 2 + strings.Count(text, "\n")
		for _, p := range pins {
			if p.Line < 0 || p.Line > lines || p.File != name {
				t.Errorf("%s: a pin in line %d of %d: %+v", name, p.Line, lines, p)
			}
			if p.Version != nil && version.Valid(*p.Version) != nil {
				t.Errorf("%s: %q is no version", name, *p.Version)
			}
		}
		for _, g := range gaps {
			if g.Line < 0 || g.Line > lines {
				t.Errorf("%s: a gap in line %d of %d", name, g.Line, lines)
			}
		}
		changes := Compare(pins, pins)
		if o, _, _, _ := Decide(changes); o != NoUpgrade {
			t.Errorf("a file against itself is %d", o)
		}
	})
}
