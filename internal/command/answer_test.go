package command_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/command"
	"github.com/zenml-upgrade/zenml-upgrade/internal/deploy"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
)

func TestCommandsThatStart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		issue        int
		author, body string
		workflow     string
		inputs       map[string]any
	}{
		{"a rehearsal of what the pull request pins", 7, "will", "/zenml-upgrade rehearse", "staging.yml", map[string]any{"mode": "rehearse", "environment": "staging", "version": "0.98.0", "commit": head}},
		{"an upgrade goes to staging first", 7, "ann", "/zenml-upgrade upgrade", "staging.yml", map[string]any{"mode": "upgrade", "environment": "staging", "version": "0.98.0", "commit": head}},
		{"production is named", 7, "cap", "/zenml-upgrade upgrade prod 0.97.0", "production.yml", map[string]any{"mode": "upgrade", "environment": "prod", "version": "0.97.0", "commit": head}},
		{"an operator needs no role, nor the right case", 7, "oli", "/zenml-upgrade rollback prod 0.98.0", "production.yml", map[string]any{"mode": "rollback", "environment": "prod", "version": "0.98.0", "commit": head}},
		{"an issue stands for the default branch", 3, "ann", "/zenml-upgrade rehearse 0.98.0", "staging.yml", map[string]any{"mode": "rehearse", "environment": "staging", "version": "0.98.0", "commit": strings.Repeat("b", 40)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := w.event(tt.issue, tt.author, tt.body)
			if a := w.answer(e); a.Outcome != command.Started || a.Workflow != tt.workflow {
				t.Errorf("%+v", a)
			}
			tt.inputs["from-comment"] = w.Comments(repo, tt.issue)[0].URL
			if d := cmp.Diff([]github.Dispatch{{Workflow: tt.workflow, Ref: "main", Inputs: tt.inputs, By: bot}}, w.Dispatches(repo)); d != "" {
				t.Error(d)
			}
			reactions, replies := w.seen(tt.issue, e.ID)
			if d := cmp.Diff([]string{"rocket", "+1"}, reactions); d != "" || len(replies) != 1 || !strings.Contains(replies[0], "Started the workflow") {
				t.Errorf("%s, replies %q", d, replies)
			}
			// The same event again, as when the job is run again: nothing is started twice.
			if a := w.answer(e); a.Outcome != command.Ignored || a.Code != "taken" || len(w.Dispatches(repo)) != 1 {
				t.Errorf("again: %+v, %v", a, w.Dispatches(repo))
			}
		})
	}
}

func TestCommandsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		issue        int
		author, body string
		code, reply  string // an empty reply: a reaction must do
	}{
		{"by nobody", 7, "mallory", "/zenml-upgrade upgrade", "untrusted", ""},
		{"by nobody, a status", 7, "mallory", "/zenml-upgrade status", "untrusted", ""},
		{"by nobody, nonsense", 7, "mallory", "/zenml-upgrade <img src=x>", "untrusted", ""},
		{"by a reader", 7, "rea", "/zenml-upgrade hold x", "untrusted", ""},
		{"a rehearsal with the role triage", 7, "tri", "/zenml-upgrade rehearse", "not_allowed", "rehearse needs the role write"},
		{"an upgrade with the role write", 7, "will", "/zenml-upgrade upgrade", "not_allowed", "will has the role write"},
		{"an upgrade with a role that only lets push", 7, "pat", "/zenml-upgrade upgrade", "not_allowed", "upgrade needs the role maintain"},
		{"a rollback with the role write", 7, "will", "/zenml-upgrade rollback prod", "not_allowed", "rollback needs the role maintain"},
		{"from a fork", 8, "ann", "/zenml-upgrade rehearse", "fork", "comes from another repository"},
		{"a hold on a fork's", 8, "ann", "/zenml-upgrade hold x", "fork", "comes from another repository"},
		{"no such environment", 7, "ann", "/zenml-upgrade upgrade live", "environment_unknown", "write one of"},
		{"a rollback of what", 7, "ann", "/zenml-upgrade rollback", "environment_missing", "prod, staging"},
		{"a rollback from what", 7, "ann", "/zenml-upgrade rollback prod", "version_unknown", "no upgrade of prod is active"},
		{"an issue that says no version", 3, "ann", "/zenml-upgrade upgrade", "version_missing", "write it"},
		{"unhold of nothing", 7, "ann", "/zenml-upgrade unhold", "not_held", "nothing is held"},
		{"nonsense", 7, "ann", "/zenml-upgrade @all ![x](https://e.example/x.png) #1", "unknown_command", "is no command"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := w.event(tt.issue, tt.author, tt.body)
			a := w.answer(e)
			reactions, replies := w.seen(tt.issue, e.ID)
			if a.Outcome != command.Refused || a.Code != tt.code || len(w.Dispatches(repo)) != 0 || !cmp.Equal(reactions, []string{"-1"}) {
				t.Errorf("%+v; reactions %v; started %v", a, reactions, w.Dispatches(repo))
			}
			if len(replies) > 1 || (len(replies) == 1) != (tt.reply != "") || len(replies) == 1 && !strings.Contains(strings.ReplaceAll(replies[0], "Write", "write"), tt.reply) {
				t.Errorf("replies %q", replies)
			}
			if text := strings.Join(replies, ""); strings.Contains(text, "@all") || strings.Contains(text, "](http") {
				t.Errorf("a reply that pings or shows: %q", text)
			}
		})
	}
}

// What is no command, or none of a person, costs nothing.
func TestCommentsThatAreIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for body, change := range map[string]func(*gha.CommentEvent){
		"looks good":               func(*gha.CommentEvent) {},
		"> /zenml-upgrade upgrade": func(*gha.CommentEvent) {},
		"/zenml-upgrade upgrade":   func(e *gha.CommentEvent) { e.Action = "edited" },
		"/zenml-upgrade status":    func(e *gha.CommentEvent) { e.Bot = true },
	} {
		e := w.event(7, "ann", body)
		change(&e)
		if a := command.Read(e); a == nil || a.Outcome != command.Ignored {
			t.Errorf("%q: %+v", body, a)
		}
	}
	if n := len(w.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// A comment counts as it was written. An edit within the second of its making is seen too.
func TestEditedCommands(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*world, int64){
		"to the same":  func(w *world, id int64) { w.EditComment(repo, id, "/zenml-upgrade upgrade") },
		"to a command": func(w *world, id int64) { w.EditComment(repo, id, "/zenml-upgrade upgrade prod") },
		"without a record": func(w *world, id int64) {
			w.EditComment(repo, id, "/zenml-upgrade upgrade prod")
			w.ForgetEdits(repo, id)
		},
		"at once":                 func(w *world, id int64) { w.EditAtOnce(repo, id, "/zenml-upgrade upgrade") },
		"at once, to another one": func(w *world, id int64) { w.EditAtOnce(repo, id, "/zenml-upgrade upgrade prod") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := w.event(7, "ann", "/zenml-upgrade upgrade")
			edit(w, e.ID)
			if a := w.answer(e); a.Outcome != command.Refused || a.Code != "edited" || len(w.Dispatches(repo)) != 0 {
				t.Errorf("%+v, %v", a, w.Dispatches(repo))
			}
		})
	}
}

// A head that moved between the comment and its answer is not what its author saw.
func TestTheHeadThatWasSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.event(7, "ann", "/zenml-upgrade upgrade")
	w.AddPush(repo, github.Push{Branch: "raise", Before: head, After: next})
	w.AddPullRequest(repo, github.PullRequest{Number: 7, Author: "ann", HeadRepo: repo, HeadRef: "raise", HeadSHA: next, BaseRef: "main", BaseSHA: strings.Repeat("b", 40)})
	if a := w.answer(e); a.Code != "head_moved" {
		t.Errorf("%+v", a)
	}
	e = w.event(7, "ann", "/zenml-upgrade upgrade 0.98.0")
	w.AddPush(repo, github.Push{Branch: "raise", Before: next, After: next, Kind: "force_push", At: w.Now()})
	if a := w.answer(e); a.Code != "head_unknown" {
		t.Errorf("%+v", a)
	}
	if n := len(w.Dispatches(repo)); n != 0 {
		t.Errorf("%d started", n)
	}
}

func TestHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if a := w.say(7, "will", "/zenml-upgrade hold the audit @all runs"); a.Outcome != command.HeldUp {
		t.Fatalf("%+v", a)
	}
	if d := cmp.Diff([]string{command.Label}, w.Issue(repo, 7).Labels); d != "" {
		t.Error(d)
	}
	holds, err := w.place.Holds(t.Context(), 0)
	if err != nil || len(holds) != 1 || holds[0].By != "will" || holds[0].Reason != "the audit @all runs" || holds[0].At.IsZero() {
		t.Errorf("%+v, %v", holds, err)
	}
	// It holds upgrades wherever they are asked for, and nothing else.
	for issue, body := range map[int]string{7: "/zenml-upgrade upgrade", 3: "/zenml-upgrade upgrade 0.98.0"} {
		if a := w.say(issue, "ann", body); a.Code != "held" || !strings.Contains(a.Text, "by will") {
			t.Errorf("%+v", a)
		}
	}
	if a := w.say(7, "ann", "/zenml-upgrade rehearse"); a.Outcome != command.Started {
		t.Errorf("%+v", a)
	}
	// One place holds one hold: a second one would end with the first.
	if a := w.say(7, "ann", "/zenml-upgrade hold me too"); a.Code != "already_held" {
		t.Errorf("%+v", a)
	}
	if a := w.say(3, "ann", "/zenml-upgrade hold me too"); a.Outcome != command.HeldUp {
		t.Errorf("%+v", a)
	}
	if a := w.say(3, "ann", "/zenml-upgrade unhold"); a.Outcome != command.Released {
		t.Errorf("%+v", a)
	}
	// Only its holder, maintainers and operators lift it; a label that another one takes off counts as on.
	if a := w.say(7, "pat", "/zenml-upgrade unhold"); a.Code != "not_allowed" {
		t.Errorf("%+v", a)
	}
	w.Label(repo, 7, "tri", command.Label, false)
	if a := w.say(7, "ann", "/zenml-upgrade upgrade"); a.Code != "held" || !strings.Contains(a.Text, "tri took the label off") {
		t.Errorf("%+v", a)
	}
	if a := w.say(7, "will", "/zenml-upgrade unhold"); a.Outcome != command.Released {
		t.Errorf("%+v", a)
	}
	if a := w.say(7, "ann", "/zenml-upgrade upgrade"); a.Outcome != command.Started {
		t.Errorf("%+v", a)
	}
}

// A label that people put on and take off by hand counts by who did it.
func TestHoldByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Label(repo, 3, "tri", command.Label, true)
	if a := w.say(7, "ann", "/zenml-upgrade upgrade"); a.Code != "held" || !strings.Contains(a.Text, "on #3 by tri") {
		t.Errorf("%+v", a)
	}
	w.Label(repo, 3, "ann", command.Label, false)
	if a := w.say(3, "ann", "/zenml-upgrade upgrade 0.98.0"); a.Outcome != command.Started {
		t.Errorf("%+v", a)
	}
	// What was lifted before does not lift what comes after.
	w.say(7, "ann", "/zenml-upgrade hold z")
	w.say(7, "ann", "/zenml-upgrade unhold")
	// A bot that takes it off without anybody's command lifts nothing; nor does a hold's edited comment name its holder.
	id := w.event(7, "will", "/zenml-upgrade hold x")
	w.answer(id)
	w.Label(repo, 7, bot, command.Label, false)
	if a := w.say(7, "ann", "/zenml-upgrade upgrade"); a.Code != "held" {
		t.Errorf("%+v", a)
	}
	w.EditComment(repo, id.ID, "/zenml-upgrade hold y")
	if a := w.say(7, "will", "/zenml-upgrade unhold"); a.Code != "not_allowed" {
		t.Errorf("%+v", a)
	}
	if a := w.say(7, "oli", "/zenml-upgrade unhold"); a.Outcome != command.Released {
		t.Errorf("%+v", a)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, version := range []string{"0.97.0", "0.98.0"} {
		d, err := deploy.Begin(t.Context(), w.place.GitHub, deploy.Target{Repository: acme, Environment: "staging", Version: version, Commit: head})
		if err == nil {
			err = d.End(t.Context(), deploy.Success, "upgraded")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for issue, author := range map[int]string{7: "tri", 8: "ann", 3: "oli"} {
		e := w.event(issue, author, "/zenml-upgrade status")
		a := w.answer(e)
		_, replies := w.seen(issue, e.ID)
		if a.Outcome != command.Told || len(replies) != 1 || !strings.Contains(replies[0], "| staging | staging | 0.98.0 |") || !strings.Contains(replies[0], "| prod | production | nothing recorded |") {
			t.Errorf("%+v, %q", a, replies)
		}
	}
	// What runs there is what a rollback goes back from.
	if a := w.say(7, "ann", "/zenml-upgrade rollback staging"); a.Run == nil || a.Run.Version != "0.98.0" || a.Run.Mode != "rollback" {
		t.Errorf("%+v", a)
	}
}

// A start of which GitHub does not say whether it took place is told as that, and never repeated.
func TestFaultsOfGitHub(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		fail    github.Failure
		outcome command.Outcome
		started int
	}{
		{"a cut answer", github.Failure{Operation: "actions/create-workflow-dispatch", Status: 502, Body: "bad", After: true}, command.Uncertain, 1},
		{"an error before", github.Failure{Operation: "actions/create-workflow-dispatch", Status: 500, Body: "{}"}, command.Uncertain, 0},
		{"no right", github.Failure{Operation: "actions/create-workflow-dispatch", Status: 403, Body: `{"message":"Resource not accessible by integration"}`}, command.Refused, 0},
		{"the record of edits", github.Failure{Operation: "query($id:ID!){node(id:$id){...on IssueComment{lastEditedAt}}}", Status: 200, Body: `{"data":{"node":null}}`}, "", 0},
		{"the role", github.Failure{Operation: "repos/get-collaborator-permission-level", Status: 403, Body: `{"message":"no"}`}, "", 0},
		{"the record of pushes", github.Failure{Operation: "repos/list-activities", Status: 403, Body: `{"message":"no"}`}, "", 0},
		{"the record of pushes is about something else", github.Failure{Operation: "repos/list-activities", Status: 200, Body: `[{"id":1,"ref":"refs/heads/main","after":"` + head + `","timestamp":"2020-01-01T00:00:00Z"}]`}, "", 0},
		{"the holds", github.Failure{Operation: "issues/list-for-repo", Status: 403, Body: `{"message":"no"}`}, "", 0},
		{"the claim", github.Failure{Operation: "reactions/create-for-issue-comment", Status: 403, Body: `{"message":"Resource not accessible by integration"}`}, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := w.event(7, "ann", "/zenml-upgrade upgrade")
			w.Fail(tt.fail)
			a, err := w.place.Answer(t.Context(), e, files)
			var got command.Outcome
			if a != nil {
				got = a.Outcome
			}
			if err == nil || got != tt.outcome || len(w.Dispatches(repo)) != tt.started {
				t.Errorf("%+v, %v, started %v", a, err, w.Dispatches(repo))
			}
			if reactions, _ := w.seen(7, e.ID); !strings.Contains(fmt.Sprint(reactions), "confused") {
				t.Errorf("reactions %v", reactions)
			}
		})
	}
}

// Two jobs for one comment at once: one starts.
func TestOneStartOfOneComment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.event(7, "ann", "/zenml-upgrade upgrade")
	done := make(chan *command.Answer, 8)
	for range cap(done) {
		go func() {
			a, err := w.place.Answer(context.WithoutCancel(t.Context()), e, files)
			if err != nil {
				t.Error(err)
			}
			done <- a
		}()
	}
	started := 0
	for range cap(done) {
		if a := <-done; a != nil && a.Outcome == command.Started {
			started++
		}
	}
	if started != 1 || len(w.Dispatches(repo)) != 1 {
		t.Errorf("%d say so, started %v", started, w.Dispatches(repo))
	}
}

// The gate of the run that a command started judges the comment once more.
func TestCommentRule(t *testing.T) {
	t.Parallel()
	main := "refs/heads/main"
	run := command.Run{Mode: "upgrade", Environment: "staging", Version: "0.98.0", Commit: head}
	for _, tt := range []struct {
		name   string
		ref    string
		change func(*world, int64, *command.Run)
		want   string // of the verdict and what was got
	}{
		{"as asked", main, func(*world, int64, *command.Run) {}, "open: ann asked for upgrade of staging to 0.98.0 at commit " + head},
		{"on another branch", "refs/heads/raise", func(*world, int64, *command.Run) {}, "closed: the workflow was started on"},
		{"edited since", main, func(w *world, id int64, _ *command.Run) { w.EditComment(repo, id, "/zenml-upgrade upgrade") }, "closed: the comment was edited"},
		{"deleted since", main, func(w *world, id int64, _ *command.Run) { w.RemoveComment(repo, id) }, "unknown: not known: GitHub"},
		{"no maintainer any more", main, func(w *world, _ int64, _ *command.Run) { w.Allow(repo, "ann", "write") }, "closed: upgrade needs the role maintain"},
		{"pushed since", main, func(w *world, _ int64, _ *command.Run) {
			w.AddPush(repo, github.Push{Branch: "raise", Before: head, After: next, Kind: "force_push"})
		}, "closed: the branch has moved on"},
		{"another version", main, func(_ *world, _ int64, r *command.Run) { r.Version = "0.97.0" }, "closed: ann asked for upgrade of staging to 0.98.0"},
		{"another mode", main, func(_ *world, _ int64, r *command.Run) { r.Mode = "rollback" }, "closed: ann asked for upgrade"},
		{"another environment", main, func(_ *world, _ int64, r *command.Run) { r.Environment = "prod" }, "closed: ann asked for upgrade of staging"},
		{"another commit", main, func(_ *world, _ int64, r *command.Run) { r.Commit = next }, "closed: ann asked"},
		{"no commit", main, func(_ *world, _ int64, r *command.Run) { r.Commit = "" }, "closed: ann asked"},
		{"GitHub is down", main, func(w *world, _ int64, _ *command.Run) {
			w.Fail(github.Failure{Operation: "repos/get-collaborator-permission-level", Status: 403, Body: "{}"})
		}, "unknown: not known: GitHub"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e, want := w.event(7, "ann", "/zenml-upgrade upgrade"), run
			tt.change(w, e.ID, &want)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			got := judge(ctx, w.place.Rule(e.ID, tt.ref, want, func(*command.Asked) {}))
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
	var none *command.Place
	if got := judge(t.Context(), none.Rule(1, main, run, nil)); !strings.HasPrefix(got, "unknown") {
		t.Error(got)
	}
}
