package releasecheck

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/gitrepo"
)

var baseID, headID = strings.Repeat("a", 40), strings.Repeat("b", 40)

// pulled is a GitHub with one pull request, whose title and branch are hostile, and a run outside any
// checkout that asks for it.
func pulled(t *testing.T) (*github.Server, *action.Runtime) {
	t.Helper()
	s := github.New(t)
	s.AddPullRequest("a/b", github.PullRequest{HeadRepo: "a/b", Number: 17, Author: "app/../::set-output", Title: "\"; rm -rf / #\n::error::x <script>", BaseSHA: baseID, HeadSHA: headID, BaseRef: "main", HeadRef: "$(touch x);--help"})
	s.AddCommit("a/b", baseID, map[string]string{"requirements.txt": "zenml==0.85.0\n", "a.py": "x = 1\n"})
	s.AddCommit("a/b", headID, map[string]string{"requirements.txt": "zenml==0.98.0\n", "a.py": "x = 1\n"})
	s.AddFork("a/b", baseID, headID, baseID)
	return s, &action.Runtime{Repo: t.TempDir(), Now: time.Now, Environ: []string{"PATH=" + os.Getenv("PATH"), "GITHUB_API_URL=" + s.URL, "GITHUB_REPOSITORY=a/b"}}
}

func find(t *testing.T, rt *action.Runtime, in Inputs) (*settings, error) {
	t.Helper()
	s := &settings{from: in.From, to: in.To, inputFrom: in.From}
	s.reader, s.noReader = action.GitHub(rt, in.GithubToken)
	err := s.findUpgrade(t.Context(), rt, &in)
	t.Cleanup(func() { _ = s.close() })
	return s, err
}

// A pull request that a person names is read from GitHub, head and base, with nothing checked out.
func TestAPullRequestByItsNumber(t *testing.T) {
	t.Parallel()
	_, rt := pulled(t)
	s, err := find(t, rt, Inputs{PullRequest: "#17"})
	if err != nil || s.settled != nil {
		t.Fatalf("%v, %v", s.settled, err)
	}
	u := s.upgrade
	got := fmt.Sprint(s.from, " ", s.to, " ", u.FoundIn, " ", *u.PullRequest, " ", *u.Actor, " ", *u.Base == baseID, " ", len(u.Pins), " ", s.sides.Checkout)
	if d := cmp.Diff("0.85.0 0.98.0 pull_request 17 person true 1 false", got); d != "" {
		t.Error(d)
	}
	r := s.short()
	for _, section := range r.shortDocument().Sections {
		if strings.Contains(fmt.Sprint(section), "rm -rf") {
			t.Errorf("the report tells a title: %v", section)
		}
	}
	// The head's own commit is what is judged then, not the folder.
	if err := s.decodeRepository(rt.Repo); err != nil || s.tree != s.sides.Head || len(s.sets) != 1 {
		t.Errorf("%v, sets %v", err, s.sets)
	}
}

// Whatever GitHub answers instead, the run ends without a verdict or with unknown, and says why.
func TestGitHubsBadAnswers(t *testing.T) {
	t.Parallel()
	bad := github.Failure{Status: 500, Body: `{"message":"x"}`}
	limit := github.Failure{Status: 403, Body: `{"message":"API rate limit exceeded"}`, Header: map[string]string{
		"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(time.Now().Add(time.Hour).Unix())}}
	cut := github.Failure{Status: 200, Body: `{"sha":"x","tree":[`, Cut: true}
	whole := github.Failure{}
	for name, tc := range map[string]struct {
		fail []github.Failure
		err  string // of findUpgrade; else the run is settled as unknown with
		why  string
	}{
		"the pull request, cut short":      {[]github.Failure{cut}, "unexpected EOF", ""},
		"the pull request, over the limit": {[]github.Failure{limit}, "try again after 2", ""},
		"the pull request, not to be had":  {[]github.Failure{bad, bad, bad}, "status 500", ""},
		"a commit, cut short":              {[]github.Failure{whole, cut}, "", "unexpected EOF"},
		"a commit, over the limit":         {[]github.Failure{whole, whole, limit}, "", "try again after 2"},
		"a commit, not to be had":          {[]github.Failure{whole, bad, bad, bad}, "", "status 500"},
		"where it began, over the limit":   {[]github.Failure{whole, whole, whole, whole, whole, whole, limit}, "", "try again after 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, rt := pulled(t)
			srv.Fail(tc.fail...)
			s, err := find(t, rt, Inputs{PullRequest: "17"})
			switch {
			case tc.err != "":
				if err == nil || !strings.Contains(err.Error(), tc.err) || fault.IsInput(err) {
					t.Errorf("got %v, want an error with %q", err, tc.err)
				}
			case err != nil || len(s.settled) != 1 || s.settled[0].Decision != "unknown" || !strings.Contains(fmt.Sprint(s.settled[0].Evidence), tc.why):
				t.Errorf("got %v, %+v after %+v", err, s.settled, srv.Requests())
			}
		})
	}
	// A renamed repository answers from its new place.
	srv, rt := pulled(t)
	srv.Move("old/b", "a/b")
	rt.Environ = append(rt.Environ, "GITHUB_REPOSITORY=old/b")
	if s, err := find(t, rt, Inputs{PullRequest: "17"}); err != nil || s.to != "0.98.0" {
		t.Errorf("a renamed repository gives %q, %v", s.to, err)
	}
}

// The inputs come before what the pull request says.
func TestInputsBeforePins(t *testing.T) {
	t.Parallel()
	for in, want := range map[Inputs]string{
		{PullRequest: "17"}:                               "0.85.0 0.98.0",
		{PullRequest: "17", From: "0.80.0"}:               "0.80.0 0.98.0",
		{PullRequest: "17", To: "0.97.0"}:                 "0.85.0 0.97.0",
		{PullRequest: "17", From: "0.80.0", To: "0.90.0"}: "0.80.0 0.90.0",
	} {
		_, rt := pulled(t)
		s, err := find(t, rt, in)
		if got := s.from + " " + s.to; err != nil || got != want || s.settled != nil {
			t.Errorf("%+v gives %q, %v, %v", in, got, s.settled, err)
		}
	}
}

// BenchmarkNoUpgrade is a pull request on 20 projects with 2,000 files that leaves ZenML alone: it
// may take 5 s.
func BenchmarkNoUpgrade(b *testing.B) {
	r := gitrepo.New(b)
	files := map[string]string{".github/workflows/ci.yml": "on: push\njobs: {a: {steps: [{run: pip install zenml==0.97.0}]}}\n"}
	for p := range 20 {
		files[fmt.Sprintf("p%d/requirements.txt", p)] = "zenml[server]==0.97.0\n"
		files[fmt.Sprintf("p%d/Dockerfile", p)] = "FROM zenmldocker/zenml:0.97.0\n"
		for i := range 100 {
			files[fmt.Sprintf("p%d/m%d.py", p, i)] = "from zenml import pipeline\n" + strings.Repeat("x = 1\n", 200)
		}
	}
	base := r.Commit(files)
	head := r.Commit(map[string]string{"p3/m4.py": "y = 1\n"})
	if _, err := exec.LookPath("git"); err != nil {
		b.Skip("skipped: git is missing")
	}
	path := b.TempDir() + "/event.json"
	text := fmt.Sprintf(`{"pull_request": {"number": 1, "user": {"login": "jane"}, "base": {"sha": %q}, "head": {"sha": %q}}}`, base, head)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	rt := &action.Runtime{Repo: r.Dir, Now: time.Now, Environ: []string{"PATH=" + os.Getenv("PATH"), "GITHUB_EVENT_NAME=pull_request", "GITHUB_EVENT_PATH=" + path}}
	for b.Loop() {
		c := &check{}
		if err := c.Check(b.Context(), rt); err != nil {
			b.Fatal(err)
		}
		if res, err := c.Run(b.Context(), rt); err != nil || res.(*Result).ReasonCode != "no_upgrade" {
			b.Fatalf("%+v, %v", res, err)
		}
	}
}
