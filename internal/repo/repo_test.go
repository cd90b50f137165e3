package repo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
)

func scanned(t *testing.T, dir string) *Tree {
	t.Helper()
	tr, err := Scan(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	return tr
}

func TestSets(t *testing.T) {
	t.Parallel()
	tr := scanned(t, files.Dir(t, map[string]string{
		"requirements.txt":      "zenml[server] == 0.85.0 ; python_version < '3.13'  # ours\n-r more/base.txt\n-c limits.txt\n--index-url https://u:secret@localhost/simple\n",
		"more/base.txt":         "rich>=12,<14\n-e ./x\n-r ../../outside.txt\n",
		"limits.txt":            "click<9\n",
		"requirements-docs.txt": "mkdocs\n",
		"svc/pyproject.toml":    "[project]\nname = \"x\"\nrequires-python = \">=3.10,<3.13\"\ndependencies = [\n  \"zenml>=0.80\",\n]\n[project.optional-dependencies]\ndev = [\"click==8.1.7\"]\n",
		"old/pyproject.toml":    "[tool.poetry.dependencies]\npython = \"^3.9\"\nzenml = {version = \"^0.85.0\", extras = [\"server\"]}\nrich = \"~1.2\"\nother = {git = \"https://localhost/x\"}\n",
		"bad/pyproject.toml":    "[[[",
		"p/Pipfile":             "[packages]\nzenml = \"==0.85.0\"\nrich = {version = \"<14\", markers = \"python_version < '3.13'\"}\n[dev-packages]\nclick = \"*\"\n",
		"q/setup.cfg":           "[options]\ninstall_requires =\n    zenml==0.85.0; python_version < '3.13'\n[options.extras_require]\nx = click<9\n",
		"r/environment.yml":     "dependencies:\n  - numpy=1.26\n  - pip:\n      - zenml==0.85.0\n      - -c ../limits.txt\n  - pandas >1 build*\n  - python=3.11\n  - pip\n",
		"s/environment.yml":     "dependencies:\n  - zenml=0.85.0\n",
		"bad/setup.cfg":         "[options]\nzenml no delimiter\n",
		".venv/pyvenv.cfg":      "", ".venv/requirements.txt": "zenml==0.1\n",
		"env/pyvenv.cfg": "", "env/requirements.txt": "zenml==0.1\n",
	}))
	sets, _, gaps := Sets(tr)
	var got []string
	for _, s := range sets {
		for _, l := range s.Lines {
			got = append(got, fmt.Sprintf("%s|%s:%d|%s", s.Name, l.File, l.Line, l.Text))
		}
		for _, l := range s.Constraints {
			got = append(got, fmt.Sprintf("%s|%s:%d|c %s", s.Name, l.File, l.Line, l.Text))
		}
		for _, g := range s.Gaps {
			got = append(got, fmt.Sprintf("%s|%s:%d|gap", s.Name, g.File, g.Line))
		}
	}
	for _, g := range gaps {
		got = append(got, fmt.Sprintf("gap %s:%d", g.File, g.Line))
	}
	want := []string{
		"old/pyproject.toml|old/pyproject.toml:4|rich>=1.2,<1.3",
		"old/pyproject.toml|old/pyproject.toml:3|zenml[server]>=0.85.0,<0.86",
		"old/pyproject.toml|old/pyproject.toml:5|gap",
		"p/Pipfile|p/Pipfile:3|rich<14 ; python_version < '3.13'", "p/Pipfile|p/Pipfile:2|zenml==0.85.0",
		"p/Pipfile [dev]|p/Pipfile:3|rich<14 ; python_version < '3.13'", "p/Pipfile [dev]|p/Pipfile:2|zenml==0.85.0", "p/Pipfile [dev]|p/Pipfile:5|click",
		"q/setup.cfg|q/setup.cfg:3|zenml==0.85.0; python_version < '3.13'",
		"q/setup.cfg [x]|q/setup.cfg:3|zenml==0.85.0; python_version < '3.13'", "q/setup.cfg [x]|q/setup.cfg:5|click<9",
		"r/environment.yml|r/environment.yml:4|zenml==0.85.0", "r/environment.yml|r/environment.yml:2|c numpy==1.26.*",
		"r/environment.yml|limits.txt:1|c click<9", "r/environment.yml|r/environment.yml:6|gap",
		"requirements.txt|requirements.txt:1|zenml[server] == 0.85.0 ; python_version < '3.13'",
		"requirements.txt|more/base.txt:1|rich>=12,<14",
		"requirements.txt|limits.txt:1|c click<9",
		"requirements.txt|more/base.txt:2|gap", "requirements.txt|more/base.txt:3|gap", "requirements.txt|requirements.txt:4|gap",
		"svc/pyproject.toml|svc/pyproject.toml:5|zenml>=0.80",
		"svc/pyproject.toml [dev]|svc/pyproject.toml:5|zenml>=0.80",
		"svc/pyproject.toml [dev]|svc/pyproject.toml:8|click==8.1.7",
		"gap s/environment.yml:2", "gap bad/pyproject.toml:1", "gap bad/setup.cfg:2",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("sets (-want +got):\n%s", d)
	}
	l, _ := sets[6].ZenML()
	if d := cmp.Diff([]string{"0.85.0", "zenml[server]==0.98.0 ; python_version < '3.13'"}, []string{l.PinnedVersion(), l.With("==0.98.0")}); d != "" {
		t.Errorf("the line of zenml (-want +got):\n%s", d)
	}
}

func TestPythons(t *testing.T) {
	t.Parallel()
	tr := scanned(t, files.Dir(t, map[string]string{
		"pyproject.toml":           "[project]\nrequires-python = \">=3.10,<3.12\"\n",
		".python-version":          "3.12.4\n",
		"env/environment.yml":      "dependencies:\n  - python=3.14\n  - conda-forge::pythonx=3.6\n",
		".github/workflows/ci.yml": "jobs:\n  a:\n    strategy:\n      matrix:\n        python-version:\n          - \"3.9\"\n          - 3.13\n    steps:\n      - run: echo 3.7\n",
		"Dockerfile":               "FROM docker.io/library/python:3.8-slim\nRUN echo 3.6\n",
	}))
	got := []string{}
	for _, u := range Pythons(tr) {
		got = append(got, u.Version+" "+u.Source)
	}
	want := []string{
		"3.8 Dockerfile:1", "3.9 .github/workflows/ci.yml:6", "3.10 pyproject.toml:2", "3.11 pyproject.toml:2",
		"3.12 .python-version", "3.13 .github/workflows/ci.yml:7", "3.14 env/environment.yml:2",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("versions (-want +got):\n%s", d)
	}
}

// A repository is read inside its own folder only.
func TestTreeStaysInside(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "secret.py")
	if err := os.WriteFile(outside, []byte("x = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "a.py")); err != nil {
		t.Fatal(err)
	}
	tr := scanned(t, dir)
	if len(tr.Files) != 0 || len(tr.Skipped) != 1 {
		t.Errorf("files %v, skipped %v: a link is told and not followed", tr.Files, tr.Skipped)
	}
	if _, err := tr.Read("a.py"); err == nil {
		t.Error("a link out of the repository was read")
	}
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files    map[string]string
		projects []string
		want     []string // lines of a client of 0.98.0
		gaps     []string
		fails    string
	}{
		"requirements.txt and what it includes": {
			files: map[string]string{
				"requirements.txt": "-r base.txt # all\nZenML[local,s3fs]==0.85.0 ; python_version < '3.13'\npandas==2.2.3 \\\n  --hash=sha256:00\n-e .\ngit+https://me:word@localhost/x.git\n-c limits.txt\n",
				"base.txt":         "numpy<3\n", "limits.txt": "click<9\n", "pyproject.toml": "[project]\ndependencies = [\"rich\"]\n",
			},
			want: []string{"zenml[local,s3fs]==0.98.0", "numpy<3", "pandas==2.2.3"},
			gaps: []string{"requirements.txt:5", "requirements.txt:6", "limits.txt:1"},
		},
		"zenml is not asked for": {
			files: map[string]string{"requirements.txt": "numpy<3\n"}, want: []string{"zenml[server]==0.98.0", "numpy<3"},
		},
		"pyproject.toml, without its groups": {
			files: map[string]string{"pyproject.toml": "[project]\ndependencies = [\"zenml==0.85.0\", \"rich<14\"]\n[dependency-groups]\ndev = [\"pytest\"]\n"},
			want:  []string{"zenml==0.98.0", "rich<14"},
		},
		"another file": {
			files: map[string]string{"pyproject.toml": "[tool.x]\n", "requirements/prod.in": "zenml==0.85.0\nrich\n"},
			want:  []string{"zenml==0.98.0", "rich"},
		},
		"two projects": {
			files:    map[string]string{"a/requirements.txt": "zenml==0.85.0\n", "b/requirements.txt": "rich\n", "requirements.txt": "no\n"},
			projects: []string{"a", "./b"}, want: []string{"zenml==0.98.0", "rich"},
		},
		"nothing":              {files: map[string]string{"a.py": ""}, want: []string{"zenml[server]==0.98.0"}},
		"a missing include":    {files: map[string]string{"requirements.txt": "-r gone.txt\n"}, fails: "requirements.txt:1: "},
		"outside":              {files: map[string]string{"requirements.txt": "-r ../x.txt\n"}, fails: "requirements.txt:1: "},
		"a project outside":    {files: map[string]string{"a.py": ""}, projects: []string{"../x"}, fails: "../x/requirements.txt"},
		"broken TOML":          {files: map[string]string{"pyproject.toml": "[["}, fails: "pyproject.toml"},
		"a file of no regular": {files: map[string]string{"requirements.txt/x": ""}, fails: "requirements.txt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Needs(scanned(t, files.Dir(t, tc.files)), tc.projects)
			if tc.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fails) {
					t.Errorf("got %v, want an error about %q", err, tc.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, s.Client("0.98.0")); d != "" {
				t.Errorf("lines (-want +got):\n%s", d)
			}
			var gaps []string
			for _, g := range s.Gaps {
				if strings.Contains(g.String(), "word") {
					t.Errorf("a password is told: %s", g)
				}
				gaps = append(gaps, fmt.Sprintf("%s:%d", g.File, g.Line))
			}
			if d := cmp.Diff(tc.gaps, gaps); d != "" {
				t.Errorf("gaps (-want +got):\n%s", d)
			}
		})
	}
}
