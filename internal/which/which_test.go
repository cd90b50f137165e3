package which

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/gitrepo"
)

// world is a pull request whose base has moved on since it began.
type world struct {
	*gitrepo.Repo
	fork, base, head, merge string
}

var (
	atFork = map[string]string{"requirements.txt": "zenml==0.85.0\n", "a.py": "x = 1\n"}
	atHead = map[string]string{"requirements.txt": "zenml==0.98.0\n", "a.py": "x = 1\n"}
)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Repo: gitrepo.New(t)}
	w.fork = w.Commit(atFork)
	w.Git("checkout", "-q", "-b", "topic")
	w.head = w.Commit(atHead)
	w.Git("checkout", "-q", "main")
	w.base = w.Commit(map[string]string{"later.py": "y = 1\n"})
	w.Git("checkout", "-q", "-b", "merge")
	w.Git("merge", "-q", "--no-ff", "-m", "merge", "topic")
	w.merge = w.Repo.Git("rev-parse", "HEAD")
	return w
}

func gitIn(t *testing.T, dir string) *repo.Git {
	t.Helper()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Skip("skipped: git is missing")
	}
	return &repo.Git{Path: path, Dir: dir, Env: []string{"PATH=" + os.Getenv("PATH")}}
}

func open(t *testing.T, c Change, git *repo.Git, gh GitHub) *Sides {
	t.Helper()
	s, err := Open(t.Context(), c, git, gh, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func text(t *testing.T, tr *repo.Tree, p string) string {
	t.Helper()
	data, err := tr.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// A merge that is not GitHub's: the pull request's author could have made it, base and all.
	w.Git("checkout", "-q", "-b", "forged", w.fork)
	forged := w.Commit(map[string]string{".github/zenml-upgrade.yml": "deployment: pro-saas\n"})
	w.Git("merge", "-q", "--no-ff", "-m", "merge", "topic")
	type state struct {
		At, Base, Head, Trusted string
		Checkout, Exact         bool
	}
	first := "requirements.txt"
	for name, tc := range map[string]struct {
		checkout string
		change   Change
		want     state
	}{
		"GitHub's merge":       {"merge", Change{Base: w.fork, Head: w.head, Merge: w.merge}, state{Base: w.base, Head: w.merge, Trusted: "later.py", Checkout: true, Exact: true}},
		"the head itself":      {"topic", Change{Base: w.base, Head: w.head, Merge: w.merge}, state{Base: w.base, Head: w.head, Trusted: "later.py", Checkout: true}},
		"a merge of somebody":  {"forged", Change{Base: w.fork, Head: w.head, Merge: w.merge}, state{Base: w.fork, Head: w.head, Trusted: first}},
		"the base":             {"main", Change{Base: w.base, Head: w.head, Merge: w.base}, state{Base: w.base, Head: w.head, Trusted: "later.py"}},
		"a merge group's head": {"merge", Change{Base: w.base, Head: w.merge, Group: true}, state{Base: w.base, Head: w.merge, Trusted: "later.py", Checkout: true, Exact: true}},
	} {
		w.Git("checkout", "-q", tc.checkout)
		s := open(t, tc.change, gitIn(t, w.Dir), nil)
		got := state{Base: s.BaseID, Head: s.HeadID, Checkout: s.Checkout, Exact: s.Exact, Trusted: tc.want.Trusted}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if s.Trusted.ID(tc.want.Trusted) == "" || s.Trusted.ID(".github/zenml-upgrade.yml") != "" {
			t.Errorf("%s: what is trusted holds %v", name, s.Trusted.Files)
		}
		if err := s.AtFork(t.Context()); err != nil || !s.Exact {
			t.Errorf("%s: %v", name, err)
		}
		if wantFork := tc.checkout == "topic" || tc.checkout == "main"; wantFork != (s.BaseID == w.fork && tc.change.Base != w.fork) {
			t.Errorf("%s: compared with %s", name, s.BaseID)
		}
	}
	if forged == "" {
		t.Error("nothing was forged")
	}
}

// What a shallow checkout lacks is asked of GitHub, and only the files that differ are.
func TestGitHubGivesWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shallow := gitrepo.New(t)
	shallow.Git("fetch", "-q", "--depth=1", "file://"+w.Dir, "topic")
	shallow.Git("checkout", "-q", "FETCH_HEAD")
	change := Change{Repository: "a/b", Base: w.base, Head: w.head}
	git := gitIn(t, shallow.Dir)
	if _, err := Open(t.Context(), change, git, nil, ""); err == nil || !strings.Contains(err.Error(), w.base) {
		t.Errorf("without GitHub: %v", err)
	}
	srv := github.New(t)
	srv.AddCommit("a/b", w.base, map[string]string{"requirements.txt": "zenml==0.85.0\n", "a.py": "x = 1\n", "later.py": "y = 1\n"})
	srv.AddCommit("a/b", w.fork, atFork)
	srv.AddCommit("a/b", w.head, atHead)
	srv.AddFork("a/b", w.base, w.head, w.fork)
	reader, err := forge.NewReader(srv.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, change, git, reader)
	if err := s.AtFork(t.Context()); err != nil || s.BaseID != w.fork {
		t.Fatalf("%s, %v", s.BaseID, err)
	}
	if text(t, s.Base, "requirements.txt") != "zenml==0.85.0\n" || text(t, s.Base, "a.py") != "x = 1\n" || text(t, s.Trusted, "later.py") != "y = 1\n" {
		t.Error("GitHub's files are not those of the base")
	}
	if reader.Requests() != 5 { // two lists, where they part, requirements.txt of the fork and later.py of the base
		t.Errorf("%d requests: %+v", reader.Requests(), srv.Requests())
	}
	// Without any checkout all comes from GitHub.
	s = open(t, change, nil, reader)
	if s.Checkout || text(t, s.Head, "requirements.txt") != "zenml==0.98.0\n" {
		t.Error("the head is not GitHub's")
	}
	srv.Fail(github.Failure{Status: 403, Body: `{"message":"Resource not accessible by integration"}`})
	if _, err := Open(t.Context(), change, nil, reader, ""); err == nil || !strings.Contains(err.Error(), "status 403") {
		t.Errorf("a refusal gives %v", err)
	}
}

func TestWhatTheHeadBringsIn(t *testing.T) {
	t.Parallel()
	r := gitrepo.New(t)
	base := r.Commit(map[string]string{
		"a.py": "import os  # noqa\nx = 1  # type: ignore\n", "requirements.txt": "--index-url https://localhost/a\nrich\n", "pyproject.toml": "[project]\nname = \"x\"\n",
		"uv.lock": "source = { registry = \"https://pypi.org/simple\" }\n",
	})
	head := r.Commit(map[string]string{
		"a.py":             "x = 1  # type: ignore\nimport os  # noqa\nimport os  # noqa\ny = 1  # NOQA: E1\nz = 'type: ignore'\n@typing.no_type_check\ndef f(): ...  # zenml-upgrade: ignore\nv = 1  # pyright: ignore[x]\n",
		"requirements.txt": "--index-url https://localhost/a\nrich\n-e ./x\nzenml @ git+https://me:word@localhost/z\n# --index-url https://localhost/b\nclick\n",
		"pyproject.toml":   "[project]\nname = \"x\"\n[[tool.uv.index]]\nurl = \"https://localhost/c\"\n[tool.uv.sources]\nzenml = { git = \"https://localhost/d\" }\n",
		"uv.lock":          "source = { registry = \"https://pypi.org/simple\" }\nsource = { registry = \"https://localhost/e\" }\n",
	})
	s := open(t, Change{Base: base, Head: head, Group: true}, gitIn(t, r.Dir), nil)
	var got []string
	for _, a := range append(Suppressions(s.Base, s.Head), Sources(s.Base, s.Head)...) {
		got = append(got, a.Text)
	}
	want := []string{
		"import os  # noqa", "y = 1  # NOQA: E1", "@typing.no_type_check", "def f(): ...  # zenml-upgrade: ignore", "v = 1  # pyright: ignore[x]",
		`url = "https://localhost/c"`, `zenml = { git = "https://localhost/d" }`, "-e ./x", "zenml @ git+https://localhost/z",
		`source = { registry = "https://localhost/e" }`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
}
