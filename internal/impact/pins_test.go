package impact

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

func index(t testing.TB) *pyenv.Index {
	t.Helper()
	m := machine.Manager(t)
	return &pyenv.Index{Manager: m, Dir: m.Dir, Now: time.Now}
}

// pinsOf checks a repository from 0.85.0 to 0.98.0 on what the uses say, Python 3.11 for none.
func pinsOf(t *testing.T, tr *repo.Tree, uses ...repo.Python) *Pins {
	t.Helper()
	if uses == nil {
		uses = []repo.Python{{Version: "3.11", Folder: "."}}
	}
	sets, _, _ := repo.Sets(tr)
	asked, _ := Ask(sets, uses)
	p := CheckPins(t.Context(), index(t), tr, asked, "0.85.0", "0.98.0")
	skipOffline(t, p)
	return p
}

func skipOffline(t *testing.T, p *Pins) {
	t.Helper()
	for _, g := range p.Unjudged {
		if strings.Contains(g.Why, "index did not answer") {
			t.Skip("skipped: the package index did not answer")
		}
	}
}

// fixes are the proposed changes, by place.
func fixes(p *Pins) map[string]string {
	out := map[string]string{}
	for _, c := range p.Conflicts {
		fix := "none"
		if c.Fix != nil {
			fix = *c.Fix
		}
		out[fmt.Sprintf("%s:%d %s", c.File, c.Line, c.Package)] = fix
	}
	return out
}

func TestPinConflictOfTheExample(t *testing.T) {
	t.Parallel()
	p := pinsOf(t, scan(t, "../../examples/churn"))
	if len(p.Conflicts) != 1 || p.Resolved["3.11"] != Conflicts || len(p.Files) != 2 {
		t.Fatalf("got %+v", p)
	}
	c := p.Conflicts[0]
	if c.Yours != "click==8.1.7" || c.NeededBy != "zenml>=0.98.0 needs click>=8.3.3,<=8.5.0" || !strings.Contains(c.Proof, "click==8.1.7") {
		t.Errorf("got %+v", c)
	}
	if d := cmp.Diff(map[string]string{"requirements-dev.txt:3 click": "click==8.3.3"}, fixes(p)); d != "" {
		t.Errorf("fixes (-want +got):\n%s", d)
	}
	if p.Files[1].Fix == nil || *p.Files[1].Fix != "zenml[server]==0.98.0" {
		t.Errorf("ZenML's own line: %+v", p.Files[1])
	}
	want := []SetAnswer{{"requirements-dev.txt", "3.11", Conflicts}, {"requirements.txt", "3.11", Resolves}}
	if d := cmp.Diff(want, p.Sets); d != "" {
		t.Errorf("sets (-want +got):\n%s", d)
	}
}

// The change moves only what must move, to the nearest version, and is the owner's line otherwise.
func TestSmallestChange(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files map[string]string
		want  map[string]string
	}{
		"marker, extras and comment stay": {
			map[string]string{"requirements.txt": "zenml==0.85.0\n  click == 8.1.7 ; python_version < '3.13'   # for the tool\nrich>=13\n"},
			map[string]string{"requirements.txt:2 click": "click == 8.3.3 ; python_version < '3.13'   # for the tool"},
		},
		"a range": {
			map[string]string{"requirements.txt": "zenml==0.85.0\nclick>=8.1,<8.2\n"},
			map[string]string{"requirements.txt:2 click": "click>=8.1,<8.4"},
		},
		"compatible": {
			map[string]string{"requirements.txt": "zenml==0.85.0\nclick~=8.1.7\n"},
			map[string]string{"requirements.txt:2 click": "click~=8.3.3"},
		},
		"two that belong together": {
			map[string]string{"requirements.txt": "zenml==0.85.0\npydantic==2.10.6\nclick==8.1.7\npydantic-settings==2.0.0\nrequests==2.32.3\n"},
			map[string]string{"requirements.txt:3 click": "click==8.3.3"},
		},
		"a line of another Python stays": {
			map[string]string{"requirements.txt": "zenml==0.85.0\nclick==8.1.6; python_version < '3.10'\nclick==8.1.7; python_version >= '3.10'\n"},
			map[string]string{"requirements.txt:3 click": "click==8.3.3; python_version >= '3.10'"},
		},
		"a constraint elsewhere": {
			map[string]string{"requirements.txt": "zenml==0.85.0\n-c limits/all.txt\nclick\n", "limits/all.txt": "click<8.2\nrich<20\n"},
			map[string]string{"limits/all.txt:1 click": "click<8.4"},
		},
		"through another package": {
			map[string]string{"requirements.txt": "zenml[server]==0.85.0\nfastapi==0.115.8\nstarlette==0.45.3\nrich\n"},
			map[string]string{"requirements.txt:2 fastapi": "fastapi==0.138.0", "requirements.txt:3 starlette": "starlette==0.46.0"},
		},
		"in an array of TOML": {
			map[string]string{"pyproject.toml": "[project]\nname = \"x\"\ndependencies = [\"zenml==0.85.0\", \"click==8.1.7\"]\n"},
			map[string]string{"pyproject.toml:3 click": `dependencies = ["zenml==0.85.0", "click==8.3.3"]`},
		},
		"Poetry": {
			map[string]string{"pyproject.toml": "[tool.poetry.dependencies]\npython = \"^3.10\"\nzenml = \"0.85.0\"\nclick = \"~8.1.7\" # tool\n"},
			map[string]string{"pyproject.toml:4 click": `click = "~8.3.3" # tool`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pinsOf(t, tree(t, tc.files))
			if d := cmp.Diff(tc.want, fixes(p)); d != "" {
				t.Errorf("fixes (-want +got):\n%s%+v", d, p)
			}
		})
	}
}

func TestPinsOfOtherShapes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text   string
		answer Answer
		why    string
	}{
		"broken before the upgrade": {"zenml==0.85.0\npydantic==1.10.14\n", AlreadyConflicting, ""},
		"nothing in the way":        {"zenml==0.85.0\nrich\n", Resolves, ""},
		"an address":                {"zenml==0.85.0\nfoo @ https://localhost/foo.whl\n-e .\n", Unjudged, "addresses"},
		"a hash":                    {"zenml==0.85.0 \\\n    --hash=sha256:aa\n", Unjudged, "hash"},
		"another index":             {"--extra-index-url http://127.0.0.1:9/simple\nzenml==0.85.0\n", Unjudged, "not addresses, paths or options"},
		"a syntax error":            {"zenml==0.85.0\nclick==8.1.7 8\nrich\n", Unjudged, "requirements.txt:2"},
		"a package nobody has":      {"zenml==0.85.0\nzenml-upgrade-no-such-package==1.0\n", Unjudged, "zenml-upgrade-no-such-package is not on the package index"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pinsOf(t, tree(t, map[string]string{"requirements.txt": tc.text}))
			if p.Resolved["3.11"] != tc.answer {
				t.Errorf("answer %q, want %q: %+v", p.Resolved["3.11"], tc.answer, p)
			}
			if (tc.answer == Conflicts) != (len(p.Conflicts) > 0) || (tc.answer == AlreadyConflicting) != (len(p.Already) > 0) {
				t.Errorf("conflicts %+v, already %+v", p.Conflicts, p.Already)
			}
			if !strings.Contains(fmt.Sprint(p.Unjudged), tc.why) {
				t.Errorf("unjudged %v, want something about %q", p.Unjudged, tc.why)
			}
		})
	}
}

// A release that the index does not have is a fact that is missing, and no conflict of the user's.
func TestPinsOfAReleaseThatIsNotThere(t *testing.T) {
	t.Parallel()
	tr := tree(t, map[string]string{"requirements.txt": "zenml==0.85.0\nclick==8.1.7\n"})
	sets, _, _ := repo.Sets(tr)
	p := CheckPins(t.Context(), index(t), tr, []Asked{{Set: sets[0], Pythons: []string{"3.11"}}}, "0.85.0", "99.0.0")
	skipOffline(t, p)
	if len(p.Conflicts) != 0 || p.Resolved["3.11"] != Unjudged || !strings.Contains(fmt.Sprint(p.Unjudged), "zenml==99.0.0 is not on the package index") {
		t.Errorf("got %+v", p)
	}
}

// Each project is asked on its own Python versions only.
func TestPinsByProject(t *testing.T) {
	t.Parallel()
	tr := tree(t, map[string]string{"a/requirements.txt": "zenml==0.85.0\n", "b/x/requirements.txt": "zenml==0.85.0\n", "c/requirements.txt": "zenml==0.85.0\n"})
	p := pinsOf(t, tr, repo.Python{Version: "3.11", Folder: "a"}, repo.Python{Version: "3.9", Folder: "b"}, repo.Python{Version: "3.10", Folder: "b"})
	want := []SetAnswer{
		{"a/requirements.txt", "3.11", Resolves},
		{"b/x/requirements.txt", "3.9", PythonRefused}, {"b/x/requirements.txt", "3.10", Resolves},
		{"c/requirements.txt", "3.9", PythonRefused}, {"c/requirements.txt", "3.10", Resolves}, {"c/requirements.txt", "3.11", Resolves},
	}
	if d := cmp.Diff(want, p.Sets); d != "" {
		t.Errorf("answers (-want +got):\n%s", d)
	}
}

// A package that is only there as source is not built, for that would run its setup.py.
func TestNothingIsBuilt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	canary := filepath.Join(dir, "canary")
	var buf bytes.Buffer
	packed := gzip.NewWriter(&buf)
	archive := tar.NewWriter(packed)
	for name, text := range map[string]string{
		"setup.py": fmt.Sprintf("open(%q, 'w').write('x')\nfrom setuptools import setup\nsetup(name='onlysource', version='1.0')\n", canary),
		"PKG-INFO": "Metadata-Version: 2.1\nName: onlysource\nVersion: 1.0\n",
	} {
		if err := archive.WriteHeader(&tar.Header{Name: "onlysource-1.0/" + name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), packed.Close(), os.WriteFile(filepath.Join(dir, "onlysource-1.0.tar.gz"), buf.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	m := *machine.Manager(t)
	m.Env = append(slices.Clone(m.Env), "UV_FIND_LINKS="+dir)
	tr := tree(t, map[string]string{"requirements.txt": "zenml==0.85.0\nonlysource==1.0\n"})
	sets, _, _ := repo.Sets(tr)
	x := &pyenv.Index{Manager: &m, Dir: t.TempDir(), Now: time.Now}
	p := CheckPins(t.Context(), x, tr, []Asked{{Set: sets[0], Pythons: []string{"3.11"}}}, "0.85.0", "0.98.0")
	skipOffline(t, p)
	if p.Resolved["3.11"] != Unjudged || len(p.Unjudged) != 1 || !strings.Contains(p.Unjudged[0].Why, "onlysource==1.0 has no wheel") {
		t.Errorf("got %+v", p)
	}
	if _, err := os.Stat(canary); err == nil {
		t.Error("setup.py ran")
	}
}

// Many sets are asked as one where that answers for all, and one by one where it does not.
func TestManySetsAreAskedTogether(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lines  []string // of one project each
		asked  int
		answer []Answer
	}{
		"all hold at once":     {[]string{"rich>=13", "rich>=12", "rich<15", "rich"}, 1, []Answer{Resolves, Resolves, Resolves, Resolves}},
		"each for itself":      {[]string{"rich==13.9.4", "rich==14.0.0", "rich"}, 4, []Answer{Resolves, Resolves, Resolves}},
		"one of them does not": {[]string{"rich", "rich>=13", "click==8.1.7"}, 6, []Answer{Resolves, Resolves, Conflicts}},
		"two are not many":     {[]string{"rich", "rich>=13"}, 2, []Answer{Resolves, Resolves}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			texts := map[string]string{}
			for i, l := range tc.lines {
				texts[fmt.Sprintf("p%d/requirements.txt", i)] = "zenml==0.85.0\n" + l + "\n"
			}
			tr := tree(t, texts)
			sets, _, _ := repo.Sets(tr)
			asked, _ := Ask(sets, []repo.Python{{Version: "3.11", Folder: "."}})
			x := &pyenv.Index{Manager: machine.Manager(t), Dir: t.TempDir(), Now: time.Now}
			p := CheckPins(t.Context(), x, tr, asked, "0.85.0", "0.98.0")
			skipOffline(t, p)
			var got []Answer
			for _, s := range p.Sets {
				got = append(got, s.Answer)
			}
			if d := cmp.Diff(tc.answer, got); d != "" {
				t.Errorf("answers (-want +got):\n%s", d)
			}
			if kept, _ := filepath.Glob(filepath.Join(x.Dir, "facts", "resolve-*.json")); len(kept) != tc.asked {
				t.Errorf("%d questions, want %d", len(kept), tc.asked)
			}
		})
	}
}
