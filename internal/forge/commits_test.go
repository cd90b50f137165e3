package forge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	tree "github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
)

var base, side = strings.Repeat("a", 40), strings.Repeat("b", 40)

func withPull(t *testing.T) *github.Server {
	t.Helper()
	s := github.New(t)
	s.AddPullRequest(repo, github.PullRequest{Number: 7, Author: "dependabot[bot]", Title: "Bump", BaseSHA: base, HeadSHA: side, BaseRef: "main", HeadRepo: repo, HeadRef: "$(x)"})
	s.AddCommit(repo, base, map[string]string{"requirements.txt": "zenml==0.85.0\n", "svc/a.py": strings.Repeat("x = 1\n", 40)})
	return s
}

func pull(t *testing.T, r *forge.Reader, repository string, number int) (forge.PullRequest, error) {
	t.Helper()
	name, err := forge.ParseRepository(repository)
	if err != nil {
		return forge.PullRequest{}, err
	}
	return r.PullRequest(t.Context(), name, number)
}

func TestPullAndItsCommit(t *testing.T) {
	t.Parallel()
	s := withPull(t)
	s.Move("zenml-io/old", repo)
	for _, name := range []string{repo, "zenml-io/old"} { // a renamed repository answers as before
		r := reader(t, s, "")
		got, err := pull(t, r, name, 7)
		want := forge.PullRequest{
			Number: 7, URL: "https://github.com/" + repo + "/pull/7", Open: true, Author: "dependabot[bot]", Title: "Bump",
			BaseSHA: base, BaseRef: "main", HeadSHA: side, HeadRef: "$(x)", HeadRepository: repo,
		}
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Fatalf("%v: %s", err, d)
		}
		tr, err := tree.RemoteCommit(t.Context(), r, name, base, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{"requirements.txt", "svc/a.py"}, tr.Files); d != "" {
			t.Error(d)
		}
		if data, err := tr.Read("svc/a.py"); err != nil || string(data) != strings.Repeat("x = 1\n", 40) {
			t.Errorf("%q, %v", data, err)
		}
	}
}

func TestFork(t *testing.T) {
	t.Parallel()
	s := withPull(t)
	s.AddFork(repo, base, side, strings.Repeat("c", 40))
	r := reader(t, s, "")
	if got, err := r.Fork(t.Context(), repo, base, side); got != strings.Repeat("c", 40) || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := r.Fork(t.Context(), repo, side, base); err == nil {
		t.Errorf("an answer to what GitHub does not know: %q", got)
	}
}

func TestPullErrors(t *testing.T) {
	t.Parallel()
	reset := fmt.Sprint(time.Now().Add(time.Hour).Unix())
	limit := github.Failure{Status: 403, Header: map[string]string{"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}, Body: `{"message":"API rate limit exceeded"}`}
	bad := github.Failure{Status: 500}
	for name, tc := range map[string]struct {
		fail []github.Failure
		want string
	}{
		"cut short":      {[]github.Failure{{Status: 200, Body: `{"number": 7`, Cut: true}}, "unexpected EOF"},
		"rate limit":     {[]github.Failure{limit}, "the rate limit is used up; try again after 2"},
		"server error":   {[]github.Failure{bad, bad, bad}, "status 500"},
		"no commits":     {[]github.Failure{{Status: 200, Body: `{"number":7,"base":{"sha":"main"},"head":{"sha":"--help"}}`}}, "the answer names no commits"},
		"not of its own": {[]github.Failure{{Status: 200, Body: `[]`}}, "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := withPull(t)
			s.Fail(tc.fail...)
			if _, err := pull(t, reader(t, s, ""), repo, 7); err == nil || !strings.Contains(err.Error(), tc.want) || fault.IsInput(err) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
	s := withPull(t)
	r := reader(t, s, "")
	for _, bad := range []string{"", "zenml", "a/b/c", "a/..", "a/b?x"} {
		if _, err := pull(t, r, bad, 7); !fault.IsInput(err) {
			t.Errorf("%q gives %v", bad, err)
		}
	}
	if _, err := pull(t, r, repo, 8); err == nil || !strings.Contains(err.Error(), "status 404") {
		t.Errorf("a missing pull request gives %v", err)
	}
}

func TestTreeAndBlobErrors(t *testing.T) {
	t.Parallel()
	s := withPull(t)
	r := reader(t, s, "")
	s.Fail(github.Failure{Status: 200, Body: `{"sha":"x","truncated":true,"tree":[]}`})
	if _, err := r.Tree(t.Context(), repo, base); err == nil || !strings.Contains(err.Error(), "fetch-depth") {
		t.Errorf("half a list gives %v", err)
	}
	s.Fail(github.Failure{Status: 200, Body: `{"sha":"x","truncated":false,"tree":[{"path":"a","mode":"100644","type":"blob","sha":"../x"}]}`})
	if _, err := r.Tree(t.Context(), repo, base); err == nil {
		t.Error("an entry without a name of git's was taken")
	}
	entries, err := r.Tree(t.Context(), repo, base)
	if err != nil {
		t.Fatal(err)
	}
	s.Fail(github.Failure{Status: 200, Body: `{"sha":"x","encoding":"base64","content":"emVubWw9PTAuOTguMAo="}`})
	if _, err := r.Blob(t.Context(), repo, entries[0].ID, 100); err == nil || !strings.Contains(err.Error(), "not the file's content") {
		t.Errorf("another content gives %v", err)
	}
	if _, err := r.Blob(t.Context(), repo, entries[0].ID, 5); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("a large file gives %v", err)
	}
}
