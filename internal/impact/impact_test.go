package impact

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
)

func TestOnlyNew(t *testing.T) {
	t.Parallel()
	at := func(line int, message string) remark {
		return remark{File: "a.py", Line: line, Column: 1, Rule: "r", Message: message}
	}
	for name, tc := range map[string]struct{ before, after, want []remark }{
		"the same":                        {[]remark{at(1, "x")}, []remark{at(1, "x")}, nil},
		"moved is not counted":            {[]remark{at(1, "x")}, []remark{at(9, "x")}, nil},
		"one more, at its own line":       {[]remark{at(5, "x")}, []remark{at(2, "x"), at(5, "x")}, []remark{at(2, "x")}},
		"moved, and one more":             {[]remark{at(1, "x"), at(5, "x")}, []remark{at(2, "x"), at(5, "x"), at(7, "x")}, []remark{at(7, "x")}},
		"gone":                            {[]remark{at(1, "x")}, nil, nil},
		"twice on a line is one":          {nil, []remark{at(3, "no `s`"), at(3, "no `s`")}, []remark{at(3, "no `s`")}},
		"two symbols on a line are two":   {nil, []remark{at(3, "no `s`"), at(3, "no `t`")}, []remark{at(3, "no `s`"), at(3, "no `t`")}},
		"another message at the place":    {[]remark{at(1, "x")}, []remark{at(1, "y")}, []remark{at(1, "y")}},
		"one old pairs with one new only": {[]remark{at(1, "x")}, []remark{at(1, "x"), at(1, "x")}, []remark{at(1, "x")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(len(tc.want), len(onlyNew(tc.before, tc.after))); d != "" {
				t.Error(d)
			}
			for i, r := range onlyNew(tc.before, tc.after) {
				if r != tc.want[i] {
					t.Errorf("got %+v, want %+v", r, tc.want[i])
				}
			}
		})
	}
}

func TestSets(t *testing.T) {
	t.Parallel()
	tr := tree(t, map[string]string{
		"requirements.txt":      "zenml[server] == 0.85.0 ; python_version < '3.13'  # ours\n-r more/base.txt\n-c limits.txt\n--index-url https://u:secret@localhost/simple\n",
		"more/base.txt":         "rich>=12,<14\n-e ./x\n-r ../../outside.txt\n",
		"limits.txt":            "click<9\n",
		"requirements-docs.txt": "mkdocs\n",
		"svc/pyproject.toml":    "[project]\nname = \"x\"\nrequires-python = \">=3.10,<3.13\"\ndependencies = [\n  \"zenml>=0.80\",\n]\n[project.optional-dependencies]\ndev = [\"click==8.1.7\"]\n",
		"old/pyproject.toml":    "[tool.poetry.dependencies]\npython = \"^3.9\"\nzenml = {version = \"^0.85.0\", extras = [\"server\"]}\nrich = \"~1.2\"\nother = {git = \"https://localhost/x\"}\n",
		"bad/pyproject.toml":    "[[[",
		".venv/pyvenv.cfg":      "", ".venv/requirements.txt": "zenml==0.1\n",
		"env/pyvenv.cfg": "", "env/requirements.txt": "zenml==0.1\n",
	})
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
		got = append(got, "gap "+g.File)
	}
	want := []string{
		"old/pyproject.toml|old/pyproject.toml:4|rich>=1.2,<1.3",
		"old/pyproject.toml|old/pyproject.toml:3|zenml[server]>=0.85.0,<0.86",
		"old/pyproject.toml|old/pyproject.toml:5|gap",
		"requirements.txt|requirements.txt:1|zenml[server] == 0.85.0 ; python_version < '3.13'",
		"requirements.txt|more/base.txt:1|rich>=12,<14",
		"requirements.txt|limits.txt:1|c click<9",
		"requirements.txt|more/base.txt:2|gap", "requirements.txt|more/base.txt:3|gap", "requirements.txt|requirements.txt:4|gap",
		"svc/pyproject.toml|svc/pyproject.toml:5|zenml>=0.80",
		"svc/pyproject.toml [dev]|svc/pyproject.toml:5|zenml>=0.80",
		"svc/pyproject.toml [dev]|svc/pyproject.toml:8|click==8.1.7",
		"gap bad/pyproject.toml",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("sets (-want +got):\n%s", d)
	}
	l, _ := sets[1].ZenML()
	if d := cmp.Diff([]string{"0.85.0", "zenml[server]==0.98.0 ; python_version < '3.13'"}, []string{l.PinnedVersion(), l.with("==0.98.0")}); d != "" {
		t.Errorf("the line of zenml (-want +got):\n%s", d)
	}
}

func TestFindPythons(t *testing.T) {
	t.Parallel()
	tr := tree(t, map[string]string{
		"pyproject.toml":           "[project]\nrequires-python = \">=3.10,<3.12\"\n",
		".python-version":          "3.12.4\n",
		".github/workflows/ci.yml": "jobs:\n  a:\n    strategy:\n      matrix:\n        python-version:\n          - \"3.9\"\n          - 3.13\n    steps:\n      - run: echo 3.7\n",
		"Dockerfile":               "FROM docker.io/library/python:3.8-slim\nRUN echo 3.6\n",
	})
	got := []string{}
	for _, u := range FindPythons(tr) {
		got = append(got, u.Version+" "+u.Source)
	}
	want := []string{
		"3.8 Dockerfile:1", "3.9 .github/workflows/ci.yml:6", "3.10 pyproject.toml:2", "3.11 pyproject.toml:2",
		"3.12 .python-version", "3.13 .github/workflows/ci.yml:7",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("versions (-want +got):\n%s", d)
	}
}

func TestJudgePython(t *testing.T) {
	t.Parallel()
	bounds := ">=3.10, <3.15"
	yes, no := true, false
	for name, tc := range map[string]struct {
		p    Python
		want *bool
		bad  []string
	}{
		"supported":      {Python{RequiresNew: &bounds, Used: []string{"3.10", "3.14"}}, &yes, []string{}},
		"one is not":     {Python{RequiresNew: &bounds, Used: []string{"3.9", "3.11"}}, &no, []string{"3.9"}},
		"none known":     {Python{RequiresNew: &bounds}, nil, []string{}},
		"range unknown":  {Python{Used: []string{"3.11"}}, nil, []string{}},
		"above the most": {Python{RequiresNew: &bounds, Used: []string{"3.15"}}, &no, []string{"3.15"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.p.Judge()
			if d := cmp.Diff(tc.want, tc.p.Supported); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tc.bad, tc.p.Unsupported); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"a.py":             "from zenml.client import Client\nClient().list_event_sources()\nimport structlog\n",
		"run.sh":           "zenml stack deploy --x\n",
		"requirements.txt": "zenml==0.85.0\nclick==8.1.7\n",
	}
	ok := true
	code := &Code{Breakages: []Breakage{{File: "a.py", Line: 2, Message: "Object of type `Client` has no attribute `list_event_sources`", Findings: []string{}}}}
	f := func(c release.Category, source, title, text string) release.Finding {
		return release.Finding{ID: title, Category: c, Source: source, Title: title, Text: text}
	}
	for name, tc := range map[string]struct {
		finding release.Finding
		want    release.Affects
		where   []string
	}{
		"method in code":      {f(release.Breaking, "notes", "a", "`Client.list_event_sources` is gone"), release.Yes, []string{"a.py:2"}},
		"command in a script": {f(release.Breaking, "notes", "b", "`zenml stack deploy` is gone"), release.Yes, []string{"run.sh:1"}},
		"common word":         {f(release.Breaking, "notes", "c", "`Client` and `step` changed"), release.Unknown, nil},
		"not met":             {f(release.Breaking, "notes", "d", "`zenml.foo_bar` changed"), release.Unknown, nil},
		"part of a word":      {f(release.Breaking, "notes", "e", "`list_event_source` changed"), release.Unknown, nil},
		"pinned dependency":   {f(release.Dependency, "metadata", "click changes", ""), release.Yes, []string{"requirements.txt:2"}},
		"imported dependency": {f(release.Dependency, "metadata", "structlog is required now", ""), release.Yes, []string{"a.py:3"}},
		"other dependency":    {f(release.Dependency, "metadata", "jsonref is required now", ""), release.No, nil},
		"moved to an extra":   {f(release.Dependency, "metadata", "alembic is no longer a core requirement: only extras need it", ""), release.Unknown, nil},
		"Python is supported": {f(release.PythonSupport, "metadata", "Requires-Python changes", ""), release.No, nil},
		"no helm here":        {f(release.Helm, "notes", "g", "value `x` renamed"), release.No, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := tree(t, files)
			sets, _, _ := Sets(tr)
			c := *code
			c.Breakages = slices.Clone(code.Breakages)
			known := Known{Tree: tr, Sets: sets, Python: Python{Supported: &ok}, Code: &c}
			list := []release.Finding{tc.finding}
			known.Answer(list)
			var where []string
			for _, e := range list[0].Evidence {
				where = append(where, fmt.Sprintf("%s:%d", e.File, e.Line))
			}
			if list[0].Affects != tc.want || !slices.Equal(where, tc.where) {
				t.Errorf("got %s at %v, want %s at %v", list[0].Affects, where, tc.want, tc.where)
			}
			if linked := len(c.Breakages[0].Findings) == 1; linked != (name == "method in code") {
				t.Errorf("the breakage is linked with %v", c.Breakages[0].Findings)
			}
		})
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
	tr := scan(t, dir)
	if len(tr.Files) != 0 || len(tr.Skipped) != 1 {
		t.Errorf("files %v, skipped %v: a link is told and not followed", tr.Files, tr.Skipped)
	}
	if _, err := tr.Read("a.py"); err == nil {
		t.Error("a link out of the repository was read")
	}
}
