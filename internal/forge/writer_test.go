package forge_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
)

const (
	bot    = "github-actions[bot]"
	marker = "<!-- zenml-upgrade:test -->"
)

var (
	churn = forge.Repository{Owner: "acme", Name: "churn"}
	head  = strings.Repeat("a", 40)
)

// world is a GitHub with one pull request and a token that may write what a job needs.
func world(t *testing.T) *github.Server {
	t.Helper()
	s := github.New(t)
	s.AddToken("writer", github.JobToken("checks", "issues", "pull_requests"))
	s.AddToken("fork", github.JobToken())
	s.AddPullRequest(churn.String(), github.PullRequest{Number: 7, Title: "Raise zenml", Author: "ann", HeadRepo: churn.String(), HeadRef: "raise", HeadSHA: head, BaseRef: "main", BaseSHA: strings.Repeat("b", 40)})
	return s
}

func writer(t *testing.T, s *github.Server, token string, dry bool) *forge.Writer {
	t.Helper()
	w, err := forge.NewWriter(forge.Access{APIURL: s.URL, GraphQLURL: s.GraphQLURL, Token: token, DryRun: dry})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func sticky(body string) forge.Sticky {
	return forge.Sticky{Repository: churn, Number: 7, Marker: marker, Body: body}
}

// bodies are the texts of the comments on the pull request.
func bodies(s *github.Server) []string {
	var out []string
	for _, c := range s.Comments(churn.String(), 7) {
		out = append(out, c.Author+": "+c.Body)
	}
	return out
}

func ensure(t *testing.T, w *forge.Writer, body string, want forge.Change) {
	t.Helper()
	got, err := w.EnsureComment(t.Context(), sticky(body))
	if err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

func TestCommentIsWrittenOnce(t *testing.T) {
	t.Parallel()
	s := world(t)
	s.AddComment(churn.String(), 7, "mallory", marker+"\nforged")
	s.AddComment(churn.String(), 7, bot, "> "+marker+"\nquoted")
	w := writer(t, s, "writer", false)
	ensure(t, w, "one, [run](https://github.com/acme/churn/actions/runs/1)", forge.Created)
	ensure(t, w, "one, [run](https://github.com/acme/churn/actions/runs/22/attempts/2)", forge.Unchanged)
	ensure(t, w, "two", forge.Updated)
	mine := s.Comments(churn.String(), 7)[2].ID
	s.EditComment(churn.String(), mine, marker+"\r\ntwo\r\n")
	ensure(t, w, "two", forge.Unchanged)
	s.EditComment(churn.String(), mine, marker+"\r\nall is well\r\n")
	ensure(t, w, "two", forge.Updated)
	want := []string{"mallory: " + marker + "\nforged", bot + ": > " + marker + "\nquoted", bot + ": " + marker + "\ntwo"}
	if d := cmp.Diff(want, bodies(s)); d != "" {
		t.Error(d)
	}
	if s.Writes() != 3 || w.Writes() != 3 {
		t.Errorf("%d writes came in, %d were counted, want 3", s.Writes(), w.Writes())
	}
}

// Of several the oldest stays, which links lead to.
func TestOldestStays(t *testing.T) {
	t.Parallel()
	s := world(t)
	first := s.AddComment(churn.String(), 7, bot, marker+"\ntext")
	s.AddComment(churn.String(), 7, bot, marker+"\ntext")
	s.AddComment(churn.String(), 7, bot, marker+"\nother")
	ensure(t, writer(t, s, "writer", false), "text", forge.Removed)
	if all := s.Comments(churn.String(), 7); len(all) != 1 || all[0].ID != first {
		t.Errorf("%v", all)
	}
}

// Our comment is the last of 3,000.
func TestManyComments(t *testing.T) {
	t.Parallel()
	s := world(t)
	for i := range 2999 {
		s.AddComment(churn.String(), 7, "ann", fmt.Sprint("comment ", i))
	}
	s.AddComment(churn.String(), 7, bot, marker+"\nold")
	w := writer(t, s, "writer", false)
	ensure(t, w, "new", forge.Updated)
	if all := bodies(s); len(all) != 3000 || all[2999] != bot+": "+marker+"\nnew" || w.Requests() != 32 {
		t.Errorf("%d comments, the last %q, %d requests", len(all), all[len(all)-1], w.Requests())
	}
}

// Two runs find no comment and both make one: one is left, whichever list is behind.
func TestTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	for _, lag := range []int{0, 1} {
		t.Run(fmt.Sprint("lag ", lag), func(t *testing.T) {
			t.Parallel()
			s := world(t)
			s.Lag(churn.String(), lag)
			var both sync.WaitGroup
			both.Add(2)
			s.Before("issues/create-comment", func() { both.Done(); both.Wait() })
			var runs sync.WaitGroup
			for range 2 {
				runs.Go(func() {
					if _, err := writer(t, s, "writer", false).EnsureComment(t.Context(), sticky("text")); err != nil {
						t.Error(err)
					}
				})
			}
			runs.Wait()
			s.Before("issues/create-comment", nil)
			if lag > 0 { // neither may have seen the other; the next run does
				if _, err := writer(t, s, "writer", false).EnsureComment(t.Context(), sticky("text")); err != nil {
					t.Error(err)
				}
			}
			if d := cmp.Diff([]string{bot + ": " + marker + "\ntext"}, bodies(s)); d != "" {
				t.Error(d)
			}
		})
	}
}

// A person edits or removes the comment between the reading and the writing.
func TestEditedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]bool{"edited": false, "removed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := world(t)
			id := s.AddComment(churn.String(), 7, bot, marker+"\nold")
			s.Before("issues/update-comment", func() {
				if remove {
					s.RemoveComment(churn.String(), id)
				} else {
					s.EditComment(churn.String(), id, marker+"\r\nall is well")
				}
			})
			if _, err := writer(t, s, "writer", false).EnsureComment(t.Context(), sticky("new")); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]string{bot + ": " + marker + "\nnew"}, bodies(s)); d != "" {
				t.Error(d)
			}
		})
	}
}

// A request whose answer failed is sent again only when it had no effect.
func TestNoBlindRepeat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		failure github.Failure
		lag     int
		posts   int
	}{
		{"effect", github.Failure{Status: 502, After: true}, 0, 1},
		{"effect, seen late", github.Failure{Status: 502, After: true}, 1, 1},
		{"effect, cut answer", github.Failure{Status: 201, Body: `{"id":`, Cut: true, After: true}, 0, 1},
		{"no effect", github.Failure{Status: 500}, 0, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := world(t)
			s.Lag(churn.String(), tt.lag)
			tt.failure.Operation = "issues/create-comment"
			s.Fail(tt.failure)
			ensure(t, writer(t, s, "writer", false), "text", forge.Created)
			if d := cmp.Diff([]string{bot + ": " + marker + "\ntext"}, bodies(s)); d != "" {
				t.Error(d)
			}
			if s.Writes() != tt.posts {
				t.Errorf("%d writes, want %d\n%s", s.Writes(), tt.posts, s.Wire())
			}
		})
	}
}

// What may be repeated is: a text that is put in place of another.
func TestUpdateIsRepeated(t *testing.T) {
	t.Parallel()
	s := world(t)
	s.AddComment(churn.String(), 7, bot, marker+"\nold")
	s.Fail(github.Failure{Operation: "issues/update-comment", Status: 502, After: true})
	ensure(t, writer(t, s, "writer", false), "new", forge.Updated)
	if s.Writes() != 2 {
		t.Errorf("%d writes, want 2", s.Writes())
	}
}

// After a secondary limit the same comment is sent, not an empty one.
func TestSecondaryLimit(t *testing.T) {
	t.Parallel()
	s := world(t)
	s.LimitWrites(0, time.Second)
	ensure(t, writer(t, s, "writer", false), "text", forge.Created)
	if d := cmp.Diff([]string{bot + ": " + marker + "\ntext"}, bodies(s)); d != "" {
		t.Error(d)
	}
}

func TestWritesFail(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		token    string
		prepare  func(*github.Server)
		want     string
		readOnly bool
	}{
		{"read-only token", "fork", func(*github.Server) {}, "refused commenting on 7: the token may not do this", true},
		{"primary limit", "writer", func(s *github.Server) { s.Limit(1, time.Now().Add(time.Hour)) }, "the rate limit is used up", false},
		{"403 without a word", "writer", func(s *github.Server) { s.Fail(github.Failure{Operation: "issues/create-comment", Status: 403}) }, "status 403", false},
		{"nobody's token", "writer", func(s *github.Server) {
			s.AddComment(churn.String(), 7, bot, marker+"\nold")
			s.Fail(github.Failure{Operation: "query{viewer{login}}", Status: 200, Body: `{"errors":[{"message":"no"}]}`})
		}, `it answers "no"`, false},
		{"an answer about nobody", "writer", func(s *github.Server) {
			s.AddComment(churn.String(), 7, bot, marker+"\nold")
			s.Fail(github.Failure{Operation: "query{viewer{login}}", Status: 200, Body: `{"data":{"viewer":{"login":""}}}`})
		}, "the answer names nobody", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := world(t)
			tt.prepare(s)
			before := len(bodies(s))
			_, err := writer(t, s, tt.token, false).EnsureComment(t.Context(), sticky("text"))
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, forge.ErrNotAllowed) != tt.readOnly || fault.IsInput(err) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if len(bodies(s)) != before {
				t.Errorf("comments %q", bodies(s))
			}
		})
	}
}

// Reading twice costs nothing of the limit when nothing changed, and shows what did.
func TestConditionalReading(t *testing.T) {
	t.Parallel()
	s := world(t)
	w := writer(t, s, "writer", false)
	ids := func() (out []int64) {
		all, err := w.Comments(t.Context(), churn, 7, time.Time{}, func(forge.Comment) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			out = append(out, c.ID)
		}
		return out
	}
	first := s.AddComment(churn.String(), 7, "ann", "a")
	var got [][]int64
	got = append(got, ids(), ids())
	second := s.AddComment(churn.String(), 7, "ann", "b")
	got = append(got, ids())
	if d := cmp.Diff([][]int64{{first}, {first}, {first, second}}, got); d != "" {
		t.Error(d)
	}
	var statuses []int
	for _, r := range s.Requests() {
		statuses = append(statuses, r.Status)
	}
	if d := cmp.Diff([]int{http.StatusOK, http.StatusNotModified, http.StatusOK}, statuses); d != "" {
		t.Error(d)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	s := world(t)
	w := writer(t, s, "writer", true)
	ensure(t, w, "text", forge.Created)
	s.AddComment(churn.String(), 7, bot, marker+"\nold")
	s.AddComment(churn.String(), 7, bot, marker+"\nsecond")
	ensure(t, w, "text", forge.Updated)
	if got, err := w.EnsureCheck(t.Context(), check(3)); err != nil || got != forge.Created {
		t.Errorf("%s %v", got, err)
	}
	if got, err := w.EnsureLabels(t.Context(), churn, 7, []string{"old"}, []string{"old", "new"}, []string{"new"}); err != nil || got != forge.Created {
		t.Errorf("%s %v", got, err)
	}
	if s.Writes() != 0 || len(bodies(s)) != 2 {
		t.Errorf("%d writes", s.Writes())
	}
}
