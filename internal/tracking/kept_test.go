package tracking_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
	"github.com/zenml-upgrade/zenml-upgrade/internal/tracking"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// Whatever people do to the text, ticks, proofs and notes come back out of the history.
func TestMangled(t *testing.T) {
	t.Parallel()
	for name, mangle := range map[string]func(*github.Server){
		"wiped":   func(s *github.Server) { s.EditIssue(churn, 1, "eve", func(string) string { return "" }) },
		"renamed": func(s *github.Server) { s.SetIssueState(churn, 1, "open", "ZenML!") },
		"wiped and renamed": func(s *github.Server) {
			s.EditIssue(churn, 1, "eve", func(string) string { return "hello" })
			s.SetIssueState(churn, 1, "open", "ZenML!")
		},
		"cut in the middle": func(s *github.Server) {
			s.EditIssue(churn, 1, "eve", func(b string) string { return b[:len(b)/2] })
		},
		"lines in another order, all of it stays": func(s *github.Server) {
			s.EditIssue(churn, 1, "eve", func(b string) string {
				lines := strings.Split(b, "\n")
				for i := range len(lines) / 2 {
					lines[i], lines[len(lines)-1-i] = lines[len(lines)-1-i], lines[i]
				}
				return strings.Join(lines, "\n")
			})
		},
		"twice, all of it stays": func(s *github.Server) { s.EditIssue(churn, 1, "eve", func(b string) string { return b + "\n" + b }) },
		"wiped, and by the token's own user": func(s *github.Server) {
			s.EditIssue(churn, 1, bot, func(string) string { return "wiped by another workflow" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := world(t)
			update(t, s, "1", wish(), checked(t))
			update(t, s, "2", wish(), rehearsed())
			s.EditIssue(churn, 1, "ann", tick("4-workflows", true))
			s.EditIssue(churn, 1, "ann", func(b string) string { return b + "\r\nCall the bank first." })
			update(t, s, "3", wish(), rehearsed())
			before := s.Issue(churn, 1).Body
			mangle(s)
			update(t, s, "4", wish(), rehearsed())
			if d := cmp.Diff(before, s.Issue(churn, 1).Body); d != "" && !strings.Contains(name, "all of it stays") {
				t.Error(d)
			}
			want(t, s, "4-workflows", "- [x] ", "ticked by `ann`")
			want(t, s, checklist.NotesRead, "- [x] ", "run 1")
			want(t, s, "1-database-backup", "- [x] ", "run 2")
			if !strings.Contains(s.Issue(churn, 1).Body, "Call the bank first.") && !strings.Contains(name, "another order") {
				t.Error("the notes are gone")
			}
		})
	}
}

// When no history is left, the run makes the issue's text anew; a tick without a history counts for nothing.
func TestNothingLeft(t *testing.T) {
	t.Parallel()
	s := world(t)
	update(t, s, "1", wish(), checked(t))
	s.EditIssue(churn, 1, "ann", tick("4-both", true))
	s.ForgetRevisions(churn, 1, bot)
	s.ForgetRevisions(churn, 1, "ann")
	update(t, s, "2", wish(), checked(t))
	want(t, s, "4-both", "- [ ] ")
	want(t, s, checklist.NotesRead, "- [x] ", "run 2")
}

var hidden = regexp.MustCompile(`<!-- zenml-upgrade:state v1 \S+ \S+ -->`)

// A state that somebody else put there is not believed, with a key or without; with a key no state is that the
// key did not sign.
func TestForgedState(t *testing.T) {
	t.Parallel()
	other := world(t)
	lie := rehearsed()
	lie.Says, lie.Proofs = "All is well.", []tracking.Proof{{Step: "1-restore-tested", State: checklist.Done, Evidence: "trust me"}}
	update(t, other, "1", wish(), checked(t))
	update(t, other, "2", wish(), lie)
	forged := hidden.FindString(other.Issue(churn, 1).Body)
	for name, tt := range map[string]struct {
		first, second []byte // the keys of the runs before and after
		by            string
		kept          bool // what the first run proved
	}{
		"no key":                             {nil, nil, "eve", true},
		"one key":                            {[]byte("0123456789abcdef"), []byte("0123456789abcdef"), "eve", true},
		"one key, and with the job's token":  {[]byte("0123456789abcdef"), []byte("0123456789abcdef"), bot, true},
		"another key":                        {[]byte("0123456789abcdef"), []byte("fedcba9876543210"), "eve", false},
		"the key is new":                     {nil, []byte("0123456789abcdef"), "eve", false},
		"the key is new, by the job's token": {nil, []byte("0123456789abcdef"), bot, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := world(t)
			w := wish()
			w.Key = tt.first
			update(t, s, "1", w, checked(t))
			s.EditIssue(churn, 1, tt.by, func(b string) string { return hidden.ReplaceAllString(b, forged) })
			w.Key = tt.second
			r := rehearsed()
			r.Phases, r.Proofs = checked(t).Phases, nil
			update(t, s, "3", w, r)
			want(t, s, "1-restore-tested", "- [ ] ")
			if got := strings.HasPrefix(line(t, s, 1, checklist.NotesRead), "- [x] "); got != tt.kept {
				t.Errorf("the first run's proof: %v", got)
			}
			if strings.Contains(s.Issue(churn, 1).Body, "All is well.") {
				t.Error("the lie is shown")
			}
		})
	}
}

// A newer target takes the place of an older one, with a link; the older one's runs leave it alone until the
// newer is closed.
func TestSuperseded(t *testing.T) {
	t.Parallel()
	s := world(t)
	staging := wish()
	staging.Environment = "staging"
	s.AddIssue(churn, github.Issue{Number: 1, Author: "eve", Title: "Upgrade ZenML on production to 0.98.0", Body: "<!-- zenml-upgrade:tracking env=production to=0.98.0 -->", Labels: []string{"zenml-upgrade"}})
	update(t, s, "1", wish(), checked(t))
	update(t, s, "1", staging, checked(t))
	newer := checked(t)
	newer.To = "0.99.0"
	if said := update(t, s, "2", wish(), newer); said != "Tracking issue 4: created." {
		t.Error(said)
	}
	old := s.Issue(churn, 2)
	if old.State != "closed" || old.StateReason != "not_planned" || !strings.Contains(old.Body, "**Superseded by #4.**") || !strings.Contains(old.Body, "<!-- box:4-both -->") {
		t.Errorf("%s, %s: %.300s", old.State, old.StateReason, old.Body)
	}
	if s.Issue(churn, 1).State != "open" || s.Issue(churn, 3).State != "open" {
		t.Error("somebody else's issue, or another environment's, was closed")
	}
	writes := s.Writes()
	if said := update(t, s, "3", wish(), checked(t)); said != "The tracking issue was left alone: issue 4 tracks the newer target 0.99.0." || s.Writes() != writes {
		t.Error(said)
	}
	s.SetIssueState(churn, 4, "closed", "Upgrade ZenML on production to 0.99.0")
	if said := update(t, s, "4", wish(), checked(t)); said != "Tracking issue 2: updated." {
		t.Error(said)
	}
	if i := s.Issue(churn, 2); i.State != "open" || strings.Contains(i.Body, "Superseded") {
		t.Errorf("%s: %.300s", i.State, i.Body)
	}
	if said := update(t, s, "5", wish(), newer); said != "The tracking issue was left alone: issue 4 is closed. Reopen it to go on." {
		t.Error(said)
	}
}

// An upgrade closes its issue with the report; who opens it again goes on with it.
func TestFinished(t *testing.T) {
	t.Parallel()
	s := world(t)
	update(t, s, "1", wish(), checked(t))
	done := rehearsed()
	done.Says, done.Finished, done.Figures = "The server was upgraded.", true, []tracking.Figure{{Name: "Downtime", Value: "12.3 s"}}
	done.Journal = []tracking.Entry{{Step: "migrate", Status: "passed", At: time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC), Seconds: 9}, {Step: "watch", Status: "skipped"}}
	update(t, s, "2", wish(), done)
	i := s.Issue(churn, 1)
	if i.State != "closed" || i.StateReason != "completed" || !strings.Contains(i.Body, "| Downtime | 12.3 s |") || !strings.Contains(i.Body, "**Pass.** staging-upgrade: The server was upgraded.") {
		t.Errorf("%s, %s: %.600s", i.State, i.StateReason, i.Body)
	}
	for _, row := range []string{"| migrate | passed | 2026-11-26 08:00:00 UTC | 9.0 |", "| watch | skipped | not reached | 0.0 |"} {
		if !strings.Contains(i.Body, row) {
			t.Errorf("no %q in %s", row, i.Body)
		}
	}
	if said := update(t, s, "3", wish(), checked(t)); said != "The tracking issue was left alone: issue 1 is closed. Reopen it to go on." {
		t.Error(said)
	}
	s.SetIssueState(churn, 1, "open", i.Title)
	s.EditIssue(churn, 1, "ann", tick("after-logs", true))
	update(t, s, "4", wish(), done)
	want(t, s, "after-logs", "- [x] ", "ticked by `ann`")
	if s.Issue(churn, 1).State != "open" {
		t.Error("closed again")
	}
}

// An issue can be named: also that of another environment, which then learns what holds everywhere.
func TestNumber(t *testing.T) {
	t.Parallel()
	s := world(t)
	s.AddIssue(churn, github.Issue{Number: 1, Author: bot, Title: "Upgrade ZenML on production to 0.98.0", Labels: []string{"zenml-upgrade"}})
	s.AddIssue(churn, github.Issue{Number: 2, Author: "ann", Title: "Mine", Body: "hands off"})
	update(t, s, "1", wish(), checked(t))
	at := tracking.Wish{Number: 1, Environment: "staging"}
	r := rehearsed()
	r.Finished = true
	r.Proofs = append(r.Proofs, tracking.Proof{Step: "3-server-upgraded", State: checklist.Done, Evidence: "upgraded", Elsewhere: true})
	update(t, s, "2", at, r)
	want(t, s, "3-server-upgraded", "- [x] ", "upgraded")
	want(t, s, "1-database-backup", "- [ ] ")
	if s.Issue(churn, 1).State != "open" {
		t.Error("another environment's upgrade closed the issue")
	}
	other := checked(t)
	other.To = "0.99.0"
	for number, want := range map[int]string{1: "issue 1 tracks ZenML 0.98.0, this run is about 0.99.0", 2: "issue 2 was not made by this token's user"} {
		if said := update(t, s, "3", tracking.Wish{Number: number, Environment: "production"}, other); !strings.Contains(said, want) {
			t.Error(said)
		}
	}
	if _, err := tracking.Update(t.Context(), writer(t, s, "writer", false), place("4"), tracking.Wish{Number: 77}, other); err == nil || fault.IsInput(err) || !strings.Contains(err.Error(), "77") {
		t.Error(err)
	}
	if s.Issue(churn, 2).Body != "hands off" {
		t.Error("somebody's issue was written")
	}
}

// However much there is to say, every box stands in the text.
func TestLong(t *testing.T) {
	t.Parallel()
	s := world(t)
	r := checked(t)
	long := strings.Repeat("what a long story ", 60)
	for i := range 150 {
		r.Phases[1].Steps = append(r.Phases[1].Steps, tracking.Step{ID: fmt.Sprint("change-", i), Text: long, By: checklist.Person, Notes: []string{long, long}})
	}
	update(t, s, "1", wish(), r)
	s.EditIssue(churn, 1, "ann", tick("change-149", true))
	update(t, s, "2", wish(), r)
	body := s.Issue(churn, 1).Body
	want(t, s, "change-149", "- [x] ", "ticked by `ann`")
	steps := 0
	for _, p := range r.Phases {
		for _, step := range p.Steps {
			steps++
			if step.ID != checklist.TeamsTest && step.ID != checklist.TeamStacks && !strings.Contains(body, "<!-- box:"+step.ID+" -->") {
				t.Errorf("no box %s", step.ID)
			}
		}
	}
	if len(body) > 65536 || steps < 200 {
		t.Errorf("%d bytes, %d steps", len(body), steps)
	}
	s.EditIssue(churn, 1, "ann", func(b string) string {
		return b[strings.LastIndex(b, "<!-- zenml-upgrade:notes -->"):] + strings.Repeat("n", 60000)
	})
	if _, err := tracking.Update(t.Context(), writer(t, s, "writer", false), place("3"), wish(), rehearsed()); err == nil || !strings.Contains(err.Error(), "shorten the notes") {
		t.Error(err)
	}
}

// Nothing in a name pings, links or opens markup.
func TestHostile(t *testing.T) {
	t.Parallel()
	s := world(t)
	words := "@all #1 <img src=x onerror=alert(1)> --> ![x](http://evil.example/y) [a](http://evil.example) ```\n::set-output name=x::y\n- [x] fake <!-- box:4-both -->"
	w := tracking.Wish{Environment: "production", Operators: []string{"ann"}, Teams: []config.Team{{Name: words}, {Name: "--><b>"}}}
	r := checked(t)
	r.Says, r.Codes, r.Figures, r.Finished = words, []string{words}, []tracking.Figure{{Name: words, Value: words}}, true
	r.Journal = []tracking.Entry{{Step: words, Status: words}}
	r.Proofs[0].Evidence = words
	r.Phases[0].Note = words
	r.Phases[1].Steps = append(r.Phases[1].Steps, tracking.Step{ID: "change-" + words, Text: words, By: checklist.Person, Notes: []string{words}, Done: words})
	update(t, s, "1", w, r)
	body := s.Issue(churn, 1).Body
	var html strings.Builder
	if err := goldmark.New(goldmark.WithExtensions(extension.GFM)).Convert([]byte(body), &html); err != nil {
		t.Fatal(err)
	}
	page := regexp.MustCompile(`<code>[^<]*</code>`).ReplaceAllString(html.String(), "") // GitHub acts on nothing there
	for _, bad := range []string{"evil.example\"", "@all", "<img", "<b>"} {
		if strings.Contains(page, bad) {
			t.Errorf("%q is in the page", bad)
		}
	}
	for l := range strings.Lines(body) {
		if strings.HasPrefix(strings.TrimSpace(l), "::") {
			t.Errorf("a command: %q", l)
		}
	}
	want(t, s, "4-both", "- [ ] ")
	if n := len(regexp.MustCompile(`(?m)^- \[.*<!-- box:4-both -->`).FindAllString(body, -1)); n != 1 {
		t.Errorf("%d boxes of one name", n)
	}
}

// Nothing that GitHub does goes unsaid, and nothing is made twice.
func TestFailures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		token    string
		fail     []github.Failure
		made     bool // the issue is there before
		want     string
		readOnly bool
	}{
		"read-only token":     {token: "reader", want: "refused making an issue", readOnly: true},
		"read-only, is there": {token: "reader", made: true, want: "refused updating issue 1", readOnly: true},
		"list fails":          {fail: []github.Failure{{Operation: "issues/list-for-repo", Status: 404}}, want: "status 404"},
		"issues are disabled": {fail: []github.Failure{{Operation: "issues/create", Status: 410, Body: `{"message":"Issues has been disabled in this repository."}`}}, want: "status 410"},
		"history fails":       {made: true, fail: []github.Failure{{Operation: github.GraphQLHistory, Status: 502}}, want: "reading the history"},
		"history is cut":      {made: true, fail: []github.Failure{{Operation: github.GraphQLHistory, Status: 200, Body: `{"data":`}}, want: "reading the history"},
		"history is empty":    {made: true, fail: []github.Failure{{Operation: github.GraphQLHistory, Status: 200, Body: `{"data":{"viewer":{"login":"x"},"repository":null}}`}}, want: "there is no issue 1"},
		"history has errors":  {made: true, fail: []github.Failure{{Operation: github.GraphQLHistory, Status: 200, Body: `{"errors":[{"message":"too \u001b[1m complex"}]}`}}, want: `it answers "too \x1b[1m complex"`},
		"update refused":      {made: true, fail: []github.Failure{{Operation: "issues/update", Status: 403}}, want: "status 403"},
		"update fails":        {made: true, fail: []github.Failure{{Operation: "issues/update", Status: 500}}}, // repeated
		"made, answer lost":   {fail: []github.Failure{{Operation: "issues/create", Status: 502, After: true}}},
		"not made, once":      {fail: []github.Failure{{Operation: "issues/create", Status: 500}}},
		"cut":                 {made: true, fail: []github.Failure{{Operation: "issues/update", Status: 200, Body: `{"number"`, Cut: true, After: true}}, want: "updating issue 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := world(t)
			if tt.made {
				update(t, s, "1", wish(), checked(t))
			}
			s.Fail(tt.fail...)
			token := tt.token
			if token == "" {
				token = "writer"
			}
			_, err := tracking.Update(t.Context(), writer(t, s, token, false), place("2"), wish(), rehearsed())
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n")) || errors.Is(err, forge.ErrNotAllowed) != tt.readOnly {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if all, err := writer(t, s, "writer", false).IssuesLabelled(t.Context(), forge.Repository{Owner: "acme", Name: "churn"}, "zenml-upgrade"); err != nil || len(all) > 1 {
				t.Errorf("%d issues, %v", len(all), err)
			}
		})
	}
}

// The history has more than a page, and the list of issues too.
func TestPages(t *testing.T) {
	t.Parallel()
	s := world(t)
	for i := range 130 {
		s.AddIssue(churn, github.Issue{Number: i + 2, Author: "eve", Title: "T", Body: "b", Labels: []string{"zenml-upgrade"}})
		s.SetIssueState(churn, i+2, "closed", "T")
	}
	s.AddIssue(churn, github.Issue{Number: 1, Author: bot, Title: "Upgrade ZenML on production to 0.98.0", Labels: []string{"zenml-upgrade"}})
	update(t, s, "1", wish(), checked(t))
	s.EditIssue(churn, 1, "ann", tick("4-both", true))
	for i := range 110 {
		s.EditIssue(churn, 1, "eve", func(b string) string { return b + fmt.Sprint("\nnote ", i) })
	}
	w := writer(t, s, "writer", false)
	r := checked(t)
	r.Decision = verdict.Unknown
	if _, err := tracking.Update(t.Context(), w, place("2"), wish(), r); err != nil {
		t.Fatal(err)
	}
	want(t, s, "4-both", "- [x] ", "ticked by `ann`")
	if n := s.Revisions(churn, 1); w.Requests() != 2+2+1+2 || n != 114 {
		t.Errorf("%d requests, %d revisions", w.Requests(), n)
	}
}

// Of two that two runs made at the same moment the older stays, and the other leads to it.
func TestTwice(t *testing.T) {
	t.Parallel()
	s := world(t)
	for n := range 2 {
		s.AddIssue(churn, github.Issue{Number: n + 1, Author: bot, Title: "Upgrade ZenML on production to 0.98.0", Body: "<!-- zenml-upgrade:tracking env=production to=0.98.0 -->", Labels: []string{"zenml-upgrade"}})
	}
	if said := update(t, s, "1", wish(), checked(t)); said != "Tracking issue 1: updated." {
		t.Error(said)
	}
	if first, second := s.Issue(churn, 1), s.Issue(churn, 2); first.State != "open" || second.State != "closed" || !strings.Contains(second.Body, "**Superseded by #1.**") {
		t.Errorf("%s, %s: %s", first.State, second.State, second.Body)
	}
}
