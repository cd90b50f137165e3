package repo

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/gitrepo"
)

func gitAt(t *testing.T, dir string) Git {
	t.Helper()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Skip("skipped: git is missing")
	}
	return Git{Path: path, Dir: dir, Env: []string{"PATH=" + os.Getenv("PATH")}}
}

func committed(t *testing.T, g Git, id string) *Tree {
	t.Helper()
	tr, err := g.Commit(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	return tr
}

// A commit lists and reads as the folder it was made from, also where only a part of it is looked at.
func TestACommitIsReadAsAFolder(t *testing.T) {
	t.Parallel()
	content := map[string]string{
		"requirements.txt": "-r more/base.txt\n", "more/base.txt": "zenml==0.85.0\n", "a b\nc.py": "x = 1\n", ".github/workflows/ci.yml": "on: push\n",
		".hidden/requirements.txt": "zenml==0.1\n", "node_modules/requirements.txt": "zenml==0.1\n",
		"env/pyvenv.cfg": "home\n", "env/requirements.txt": "zenml==0.1\n", "svc/requirements.txt": "zenml==0.80.0\n",
	}
	r := gitrepo.New(t)
	id := r.Commit(content)
	r.Commit(map[string]string{"requirements.txt": "zenml==0.98.0\n", "later.py": "y = 1\n"})
	got, want := committed(t, gitAt(t, r.Dir), id), scanned(t, files.Dir(t, content))
	if d := cmp.Diff(want.Files, got.Files); d != "" {
		t.Errorf("files (-folder +commit):\n%s", d)
	}
	sets, _, gaps := Sets(got)
	if wantSets, _, _ := Sets(want); !cmp.Equal(wantSets, sets) || len(gaps) > 0 {
		t.Errorf("sets (-folder +commit), gaps %v:\n%s", gaps, cmp.Diff(wantSets, sets))
	}
	if data, err := got.Read(".hidden/requirements.txt"); err != nil || string(data) != "zenml==0.1\n" {
		t.Errorf("a file that is named is read wherever it lies: %q, %v", data, err)
	}
	if _, err := got.Read("gone.txt"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	part := committed(t, gitAt(t, filepath.Join(r.Dir, "svc")), id)
	if d := cmp.Diff([]string{"requirements.txt"}, part.Files); d != "" {
		t.Errorf("the part below svc (-want +got):\n%s", d)
	}
	if part.ID("requirements.txt") != got.ID("svc/requirements.txt") || part.ID("requirements.txt") == "" || got.ID("none") != "" {
		t.Errorf("ids %q, %q", part.ID("requirements.txt"), got.ID("svc/requirements.txt"))
	}
}

func TestWhatACommitDoesNotShow(t *testing.T) {
	t.Parallel()
	r := gitrepo.New(t)
	if err := os.Symlink("/etc/hostname", filepath.Join(r.Dir, "requirements.txt")); err != nil {
		t.Fatal(err)
	}
	r.Commit(map[string]string{"large.py": strings.Repeat("x", largestFile+1), "small.py": "x = 1\n"})
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("a", 40)+",sub")
	r.Git("commit", "-q", "-m", "a submodule")
	tr := committed(t, gitAt(t, r.Dir), r.Git("rev-parse", "HEAD"))
	want := []Gap{{File: "requirements.txt", Why: "it is a symbolic link and was not followed"}, {File: "sub", Why: "it is a submodule and was not read"}}
	if d := cmp.Diff(want, tr.Skipped); d != "" {
		t.Error(d)
	}
	for _, p := range []string{"requirements.txt", "sub", "large.py", "../x"} {
		if data, err := tr.Read(p); err == nil {
			t.Errorf("%s gave %d bytes", p, len(data))
		}
	}
	if data, err := tr.Read("small.py"); err != nil || string(data) != "x = 1\n" {
		t.Errorf("after a refusal the next answer is %q, %v", data, err)
	}
}

// Nothing that a repository configures runs, and nothing it keeps beside a commit changes what the
// commit shows.
func TestAHostileRepository(t *testing.T) {
	t.Parallel()
	r := gitrepo.New(t)
	base := r.Commit(map[string]string{"requirements.txt": "zenml==0.85.0\n", ".gitattributes": "* filter=evil diff=evil\n"})
	other := r.Commit(map[string]string{"requirements.txt": "zenml==0.98.0\n"})
	r.Git("replace", base, other)
	evil := filepath.Join(t.TempDir(), "ran")
	touch := "touch " + evil
	for _, kv := range [][2]string{
		{"core.fsmonitor", touch}, {"core.pager", touch}, {"pager.cat-file", touch}, {"core.sshCommand", touch}, {"diff.evil.textconv", touch},
		{"filter.evil.smudge", touch}, {"filter.evil.clean", touch}, {"alias.ls-tree", "!" + touch}, {"core.editor", touch}, {"credential.helper", "!" + touch},
		{"core.repositoryFormatVersion", "1"}, {"extensions.partialClone", "origin"}, {"remote.origin.promisor", "true"}, {"remote.origin.url", "ext::touch " + evil}, {"protocol.ext.allow", "always"},
	} {
		r.Git("config", kv[0], kv[1])
	}
	g := gitAt(t, r.Dir)
	g.Env = append(g.Env, "GIT_DIR=/nowhere", "GIT_EXTERNAL_DIFF="+touch, "GIT_SSH_COMMAND="+touch)
	tr := committed(t, g, base)
	if data, err := tr.Read("requirements.txt"); err != nil || string(data) != "zenml==0.85.0\n" {
		t.Errorf("the base says %q, %v", data, err)
	}
	if _, err := g.Commit(t.Context(), strings.Repeat("b", 40)); !errors.Is(err, ErrNoCommit) {
		t.Errorf("a missing commit of a partial clone gives %v", err)
	}
	for _, name := range []string{"main", "HEAD", "--help", "", base[:39]} {
		if _, err := g.Commit(t.Context(), name); err == nil || errors.Is(err, ErrNoCommit) {
			t.Errorf("%q gives %v", name, err)
		}
	}
	if _, err := os.Stat(evil); err == nil {
		t.Error("a program of the repository ran")
	}
}

// Links inside a commit are followed as in a folder, never out of it and never for ever.
func TestLinksInACommit(t *testing.T) {
	t.Parallel()
	r := gitrepo.New(t)
	for link, target := range map[string]string{"in.txt": "more/base", "out.txt": "../x", "loop.txt": "pool.txt", "pool.txt": "loop.txt", "gone.txt": "gone"} {
		if err := os.Symlink(target, filepath.Join(r.Dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	id := r.Commit(map[string]string{"more/base": "zenml==0.85.0\n", "requirements.txt": "-r in.txt\n-r out.txt\n-r loop.txt\n-r gone.txt\n"})
	sets, _, _ := Sets(committed(t, gitAt(t, r.Dir), id))
	if len(sets) != 1 || len(sets[0].Gaps) != 3 || sets[0].Lines[0].Text != "zenml==0.85.0" {
		t.Errorf("sets %+v", sets)
	}
}

func TestAShallowCheckout(t *testing.T) {
	t.Parallel()
	r := gitrepo.New(t)
	base := r.Commit(map[string]string{"a.py": "x = 1\n"})
	r.Git("checkout", "-q", "-b", "topic")
	head := r.Commit(map[string]string{"b.py": "x = 1\n"})
	r.Git("checkout", "-q", "main")
	base2 := r.Commit(map[string]string{"a.py": "x = 2\n"})
	r.Git("merge", "-q", "--no-ff", "-m", "parent "+strings.Repeat("c", 40), "topic")
	merge := r.Git("rev-parse", "HEAD")
	shallow := gitrepo.New(t)
	shallow.Git("fetch", "-q", "--depth=1", "file://"+r.Dir, "main")
	shallow.Git("checkout", "-q", "FETCH_HEAD")
	g := gitAt(t, shallow.Dir)
	id, parents, err := g.Parents(t.Context())
	if d := cmp.Diff([]string{base2, head}, parents); d != "" || id != merge || err != nil {
		t.Errorf("%s, %v: %s", id, err, d)
	}
	if _, err := g.Commit(t.Context(), base); !errors.Is(err, ErrNoCommit) {
		t.Errorf("the base gives %v", err)
	}
	if _, _, err := gitAt(t, t.TempDir()).Parents(t.Context()); err == nil {
		t.Error("a folder without git has a commit")
	}
}
