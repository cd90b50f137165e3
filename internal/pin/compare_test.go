package pin

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/gitrepo"
)

// commits makes two commits and reads both as trees.
func commits(t *testing.T, base, head map[string]string) (b, h *repo.Tree, r *gitrepo.Repo) {
	t.Helper()
	r = gitrepo.New(t)
	path, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{r.Commit(base), r.Commit(head)}
	var trees []*repo.Tree
	for _, id := range ids {
		tr, err := repo.Git{Path: path, Dir: r.Dir}.Commit(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tr.Close() })
		trees = append(trees, tr)
	}
	return trees[0], trees[1], r
}

func TestWhatAChangeMeans(t *testing.T) {
	t.Parallel()
	type texts = map[string]string
	for name, tc := range map[string]struct {
		base, head texts
		want       string   // outcome, from, to
		against    []string // places that stand against to
	}{
		"one pin":                          {texts{"requirements.txt": "zenml==0.85.0\n"}, texts{"requirements.txt": "rich\nzenml==0.98.0\n"}, "1 0.85.0 0.98.0", nil},
		"nothing":                          {texts{"requirements.txt": "zenml==0.85.0\n"}, texts{"a.py": "x = 1\n"}, "0 0.85.0 0.85.0", nil},
		"an extra":                         {texts{"requirements.txt": "zenml==0.85.0\n"}, texts{"requirements.txt": "zenml[server]==0.85.0\n"}, "0 0.85.0 0.85.0", nil},
		"down":                             {texts{"requirements.txt": "zenml==0.98.0\n", "Dockerfile": "FROM zenmldocker/zenml:0.85.0\n"}, texts{"requirements.txt": "zenml==0.85.0\n", "Dockerfile": "FROM zenmldocker/zenml:0.98.0\n"}, "2 0.98.0 0.85.0", nil},
		"left behind":                      {texts{"requirements.txt": "zenml==0.85.0\n", "Dockerfile": "FROM zenmldocker/zenml:0.85.0\n"}, texts{"requirements.txt": "zenml==0.98.0\n"}, "1 0.85.0 0.98.0", []string{"Dockerfile:1"}},
		"bounds left behind":               {texts{"requirements.txt": "zenml<0.90\n", "uv.lock": lockOf("0.85.0")}, texts{"uv.lock": lockOf("0.98.0")}, "1 0.85.0 0.98.0", []string{"requirements.txt:1"}},
		"bounds only":                      {texts{"requirements.txt": "zenml<0.90\n"}, texts{"requirements.txt": "zenml<1\n"}, "3  ", nil},
		"bounds and lock":                  {texts{"pyproject.toml": "[project]\ndependencies=[\"zenml>=0.85\"]\n", "uv.lock": lockOf("0.85.0")}, texts{"pyproject.toml": "[project]\ndependencies=[\"zenml>=0.98\"]\n", "uv.lock": lockOf("0.98.0")}, "1 0.85.0 0.98.0", nil},
		"unpinned":                         {texts{"requirements.txt": "zenml==0.85.0\n"}, texts{"requirements.txt": "zenml\n"}, "3 0.85.0 ", nil},
		"to the newest":                    {texts{"Dockerfile": "FROM zenmldocker/zenml:0.85.0\n"}, texts{"Dockerfile": "FROM zenmldocker/zenml:latest\n"}, "3 0.85.0 ", nil},
		"by digest":                        {texts{"Dockerfile": "FROM zenmldocker/zenml@sha256:aa\n"}, texts{"Dockerfile": "FROM zenmldocker/zenml@sha256:bb\n"}, "3  ", nil},
		"by address":                       {texts{"requirements.txt": "zenml @ git+https://localhost/zenml@a\n"}, texts{"requirements.txt": "zenml @ git+https://localhost/zenml@b\n"}, "3  ", nil},
		"the last pin goes":                {texts{"requirements.txt": "zenml==0.85.0\n"}, texts{"requirements.txt": "rich\n"}, "0 0.85.0 0.85.0", nil},
		"the pin goes, an open line stays": {texts{"requirements.txt": "zenml\n", "constraints.txt": "zenml==0.85.0\n"}, texts{"constraints.txt": "rich\n"}, "3 0.85.0 ", nil},
		"renamed and moved":                {texts{"requirements.txt": "zenml==0.85.0\n"}, texts{"requirements.txt": "", "requirements-a.txt": "zenml==0.98.0\n"}, "1 0.85.0 0.98.0", nil},
		"renamed":                          {texts{"requirements.txt": "zenml==0.85.0\n"}, texts{"requirements.txt": "", "requirements-a.txt": "zenml==0.85.0\n"}, "0 0.85.0 0.85.0", nil},
		"a new place":                      {texts{"requirements.txt": "zenml==0.85.0\n"}, texts{"Dockerfile": "FROM zenmldocker/zenml:0.98.0\n"}, "1 0.85.0 0.98.0", []string{"requirements.txt:1"}},
		"ZenML comes in":                   {texts{"a.py": "x\n"}, texts{"requirements.txt": "zenml==0.98.0\n"}, "0  0.98.0", nil},
		"two projects":                     {texts{"a/requirements.txt": "zenml==0.80.0\n", "b/requirements.txt": "zenml==0.85.0\n"}, texts{"a/requirements.txt": "zenml==0.97.0\n", "b/requirements.txt": "zenml==0.98.0\n"}, "1 0.80.0 0.98.0", []string{"a/requirements.txt:1"}},
		"a module of Terraform":            {texts{"m.tf": "module \"m\" {\n source = \"zenml-io/zenml-stack/aws\"\n version = \"1.0.0\"\n}\n"}, texts{"m.tf": "module \"m\" {\n source = \"zenml-io/zenml-stack/aws\"\n version = \"2.0.0\"\n}\n"}, "0  ", nil},
		"the same version, spelled anew":   {texts{"requirements.txt": "zenml==0.85\n"}, texts{"requirements.txt": "zenml==0.85.0\n"}, "0 0.85 0.85", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, head, _ := commits(t, tc.base, tc.head)
			before, baseGaps := Read(base, nil)
			after, headGaps := Read(head, nil)
			o, from, to, _ := Decide(Compare(before, after))
			if got := fmt.Sprint(int(o), " ", from, " ", to); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			var against []string
			if o == Upgrades {
				for _, p := range Disagreeing(after, to) {
					against = append(against, fmt.Sprintf("%s:%d", p.File, p.Line))
				}
			}
			if d := cmp.Diff(tc.against, against); d != "" {
				t.Errorf("places against it (-want +got):\n%s", d)
			}
			if gaps := ChangedUnread(base, head, baseGaps, headGaps); gaps != nil {
				t.Errorf("gaps %v", gaps)
			}
		})
	}
}

func lockOf(v string) string {
	return "version = 1\n[[package]]\nname = \"zenml\"\nversion = \"" + v + "\"\n"
}

// A file that cannot be read matters when the change touches it, or what it leads to.
func TestChangedUnread(t *testing.T) {
	t.Parallel()
	r := gitrepo.New(t)
	for link, target := range map[string]string{"requirements.txt": "deps/base", "Dockerfile": "deps/other", "values.yaml": "/etc/hostname", "note.md": "deps/base"} {
		if err := os.Symlink(target, filepath.Join(r.Dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	first := r.Commit(map[string]string{"deps/base": "zenml==0.85.0\n", "deps/other": "x\n", "uv.lock": "version = 9 # zenml\n", "a/uv.lock": "version = 9 # zenml\n", "b/pyproject.toml": "[\n"})
	second := r.Commit(map[string]string{"deps/base": "zenml==0.98.0\n", "uv.lock": "version = 10 # zenml\n", "c/pyproject.toml": "[\n"})
	path, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	var trees []*repo.Tree
	for _, id := range []string{first, second} {
		tr, err := repo.Git{Path: path, Dir: r.Dir}.Commit(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		trees = append(trees, tr)
	}
	_, before := Read(trees[0], nil)
	_, after := Read(trees[1], nil)
	var got []string
	for _, g := range ChangedUnread(trees[0], trees[1], before, after) {
		got = append(got, g.File)
	}
	slices.Sort(got)
	if d := cmp.Diff([]string{"c/pyproject.toml", "requirements.txt", "uv.lock"}, got); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
}
