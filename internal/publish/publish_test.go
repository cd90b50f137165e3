package publish_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/publish"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

var (
	churn = forge.Repository{Owner: "acme", Name: "churn"}
	head  = strings.Repeat("a", 40)
	all   = publish.Parts{Comment: true, Check: true, Label: true}
)

func world(t *testing.T, files int) *github.Server {
	t.Helper()
	s := github.New(t)
	s.AddToken("writer", github.JobToken("checks", "pull_requests"))
	p := github.PullRequest{Number: 7, Title: "T", Author: "ann", HeadRepo: churn.String(), HeadRef: "raise", HeadSHA: head, BaseRef: "main", BaseSHA: head}
	for i := range files {
		p.Files = append(p.Files, github.File{Path: fmt.Sprintf("f%d.py", i), Status: "modified"})
	}
	s.AddPullRequest(churn.String(), p)
	return s
}

func writer(t *testing.T, s *github.Server) *forge.Writer {
	t.Helper()
	w, err := forge.NewWriter(forge.Access{APIURL: s.URL, GraphQLURL: s.GraphQLURL, Token: "writer"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func target() publish.Target {
	return publish.Target{Repository: churn, Number: 7, HeadSHA: head, RunURL: "https://github.com/acme/churn/actions/runs/1"}
}

func result(annotations int) publish.Result {
	r := publish.Result{Action: "release-check", Version: "1.0.0", Failed: true, Document: report.Document{
		Title: "release-check: ZenML 0.85.0 to 0.98.0", Decision: verdict.Block, Headline: "It breaks.", Footer: "1.2 s",
		Sections: []report.Section{{Title: "What to do", Blocks: []report.Block{report.Checklist{Items: []report.CheckItem{{Text: report.T("Back up")}}}}}},
	}}
	for i := range annotations {
		r.Annotations = append(r.Annotations, forge.Annotation{Path: fmt.Sprintf("f%d.py", i), Line: i + 1, Failure: i%2 == 0, Message: "gone"})
	}
	return r
}

// The budget of a release-check: at most 15 requests and 3 writes, none of them when nothing changed.
func TestBudget(t *testing.T) {
	t.Parallel()
	s := world(t, 100)
	for range 99 {
		s.AddComment(churn.String(), 7, "ann", "x")
	}
	s.AddComment(churn.String(), 7, "github-actions[bot]", "<!-- zenml-upgrade:release-check -->\nof an earlier commit")
	first := writer(t, s)
	if _, err := publish.Show(t.Context(), first, target(), all, result(50), false); err != nil {
		t.Fatal(err)
	}
	if first.Requests() > 13 || first.Writes() > 3 { // the notes are two more
		t.Errorf("%d requests, %d writes\n%s", first.Requests(), first.Writes(), s.Wire())
	}
	again := writer(t, s)
	next := target()
	next.RunURL = "https://github.com/acme/churn/actions/runs/2"
	r := result(50)
	r.Document.Footer = "3.4 s"
	if _, err := publish.Show(t.Context(), again, next, all, r, false); err != nil || again.Writes() != 0 {
		t.Errorf("%d writes although nothing changed, %v", again.Writes(), err)
	}
	t.Logf("first: %d requests, %d writes; again: %d requests, %d writes", first.Requests(), first.Writes(), again.Requests(), again.Writes())
}

// However much there is to say, GitHub takes the comment, whose first words are the verdict; nothing in
// it can be ticked.
func TestLongResult(t *testing.T) {
	t.Parallel()
	s := world(t, 0)
	r := result(0)
	for i := range 300 {
		r.Document.Sections = append(r.Document.Sections, report.Section{Title: fmt.Sprint("Part ", i), Folded: true, Blocks: []report.Block{report.Code{Text: strings.Repeat("ä@all #1 ", 200)}}})
	}
	if _, err := publish.Show(t.Context(), writer(t, s), target(), all, r, false); err != nil {
		t.Fatal(err)
	}
	body := s.Comments(churn.String(), 7)[0].Body
	if n := utf8.RuneCountInString(body); n > report.CommentLimit {
		t.Errorf("%d characters", n)
	}
	for _, want := range []string{"<!-- zenml-upgrade:release-check -->\n## release-check", "> **Block.** It breaks.", "The summary of [the run](https://github.com/acme/churn/actions/runs/1) has it.", "- ☐ Back up"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(body, "[ ]") || strings.Contains(body, "1.2 s") {
		t.Error("the comment has a box to tick or the seconds of the run")
	}
}

func TestRank(t *testing.T) {
	t.Parallel()
	a := func(path string, line int, failure bool) forge.Annotation {
		return forge.Annotation{Path: path, Line: line, Failure: failure}
	}
	got := publish.Rank([]forge.Annotation{a("b", 1, false), a("a", 9, false), a("b", 5, true), a("a", 2, true), a("b", 2, true)}, []string{"b"})
	want := []forge.Annotation{a("b", 2, true), a("b", 5, true), a("a", 2, true), a("b", 1, false), a("a", 9, false)}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A part that fails is told and takes nothing from the others; results of another folder have a
// comment of their own.
func TestParts(t *testing.T) {
	t.Parallel()
	s := world(t, 0)
	s.Fail(github.Failure{Operation: "checks/create", Status: 403})
	shown, err := publish.Show(t.Context(), writer(t, s), target(), all, result(0), false)
	if err == nil || shown.Checked || len(shown.Notes) != 1 || !strings.Contains(shown.Notes[0], "The check run is not up to date") {
		t.Errorf("%v %v", shown, err)
	}
	other := result(0)
	other.Scope, other.Failed = "0123456789", false
	if shown, err = publish.Show(t.Context(), writer(t, s), target(), all, other, false); err != nil || !shown.Checked {
		t.Errorf("%v %v", shown, err)
	}
	if n := len(s.Comments(churn.String(), 7)); n != 2 {
		t.Errorf("%d comments", n)
	}
	if labels := s.Issue(churn.String(), 7).Labels; len(labels) != 0 {
		t.Errorf("labels %q", labels)
	}
}

// Nothing is written on a pull request that is closed or has another head than the result.
func TestStale(t *testing.T) {
	t.Parallel()
	s := world(t, 0)
	moved := target()
	moved.HeadSHA = strings.Repeat("c", 40)
	for want, at := range map[string]publish.Target{"has moved on": moved, "refused reading pull request 8": {Repository: churn, Number: 8, HeadSHA: head}} {
		shown, _ := publish.Show(t.Context(), writer(t, s), at, all, result(1), false)
		if len(shown.Notes) != 1 || !strings.Contains(shown.Notes[0], want) {
			t.Errorf("%q, want %q", shown.Notes, want)
		}
	}
	s.AddPullRequest(churn.String(), github.PullRequest{Number: 7, Title: "T", Author: "ann", HeadRepo: churn.String(), HeadRef: "raise", HeadSHA: head, BaseRef: "main", BaseSHA: head, Closed: true})
	if shown, _ := publish.Show(t.Context(), writer(t, s), target(), all, result(1), false); !strings.Contains(fmt.Sprint(shown.Notes), "is closed") {
		t.Errorf("%q", shown.Notes)
	}
	// A private repository, and a job without any permission on pull requests.
	s.Fail(github.Failure{Operation: "pulls/get", Status: 403, Body: `{"message":"Resource not accessible by integration"}`})
	if shown, err := publish.Show(t.Context(), writer(t, s), target(), all, result(1), false); err != nil || !shown.ReadOnly || !strings.Contains(fmt.Sprint(shown.Notes), "give the job the permission") {
		t.Errorf("%q, %v", shown.Notes, err)
	}
	if s.Writes() != 0 {
		t.Errorf("%d writes", s.Writes())
	}
}
