package deploy_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/deploy"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
)

const (
	repo = "acme/churn"
	bot  = "github-actions[bot]"
)

var (
	acme   = forge.Repository{Owner: "acme", Name: "churn"}
	commit = strings.Repeat("a", 40)
	other  = strings.Repeat("b", 40)
)

func world(t *testing.T) (*github.Server, *forge.Writer) {
	t.Helper()
	s := github.New(t)
	s.AddRepository(repo)
	s.AddToken("writer", github.JobToken("deployments"))
	w, err := forge.NewWriter(forge.Access{APIURL: s.URL, GraphQLURL: s.GraphQLURL, Token: "writer"})
	if err != nil {
		t.Fatal(err)
	}
	return s, w
}

func target(version string) deploy.Target {
	return deploy.Target{Repository: acme, Environment: "staging", Version: version, Commit: commit, Address: "https://zenml.example.org", RunURL: "https://github.com/acme/churn/actions/runs/5"}
}

// upgrade brings a version to staging and says how that ended; an empty end leaves it under way.
func upgrade(t *testing.T, w *forge.Writer, to deploy.Target, end string) {
	t.Helper()
	d, err := deploy.Begin(t.Context(), w, to)
	if err == nil {
		err = d.Underway(t.Context())
	}
	if err == nil && end != "" {
		err = d.End(t.Context(), end, "ZenML "+to.Version+": "+end)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// states are the statuses of every deployment, the oldest first, each with its description.
func states(s *github.Server) []string {
	var out []string
	for _, d := range s.Deployments(repo) {
		line := d.Environment + " " + d.Description + ":"
		for _, st := range d.Statuses {
			line += " " + st.State
			if st.EnvironmentURL != "" {
				line += "(" + st.EnvironmentURL + ")"
			}
		}
		out = append(out, line)
	}
	return out
}

func TestRecord(t *testing.T) {
	t.Parallel()
	s, w := world(t)
	upgrade(t, w, target("0.97.0"), deploy.Success)
	upgrade(t, w, target("0.98.0"), "") // its runner was lost
	upgrade(t, w, target("0.98.0"), deploy.Failure)
	upgrade(t, w, target("0.98.0"), deploy.Success)
	secret := target("0.98.0")
	secret.Environment, secret.Address, secret.Production = "live", "", true
	upgrade(t, w, secret, deploy.Success)
	upgrade(t, w, secret, deploy.Success)
	if d := cmp.Diff([]string{
		"staging ZenML 0.97.0: queued in_progress success(https://zenml.example.org) inactive",
		"staging ZenML 0.98.0: queued in_progress error",
		"staging ZenML 0.98.0: queued in_progress failure",
		"staging ZenML 0.98.0: queued in_progress success(https://zenml.example.org)",
		"live ZenML 0.98.0: queued in_progress success inactive",
		"live ZenML 0.98.0: queued in_progress success",
	}, states(s)); d != "" {
		t.Error(d)
	}
	for _, d := range s.Deployments(repo) {
		if d.Task != deploy.Task || d.Ref != commit || d.Production != (d.Environment == "live") || d.Statuses[0].LogURL != secret.RunURL {
			t.Errorf("%+v", d)
		}
	}
}

// What is put back by hand is no longer recorded as running, and production does not follow it.
func TestRolledBackByHand(t *testing.T) {
	t.Parallel()
	up := func(w *forge.Writer, version, end string) { upgrade(t, w, target(version), end) }
	withdraw := func(version string) func(*forge.Writer) error {
		return func(w *forge.Writer) error { return deploy.Withdraw(t.Context(), w, target(version)) }
	}
	unable := func(w *forge.Writer) error { return deploy.Break(t.Context(), w, target(""), "rollback_failed") }
	const success = " success(https://zenml.example.org)"
	for name, tt := range map[string]struct {
		before func(*forge.Writer)
		do     func(*forge.Writer) error
		want   []string
		gate   gate.Verdict // for 0.98.0
	}{
		"of what ran":          {func(w *forge.Writer) { up(w, "0.98.0", deploy.Success) }, withdraw("0.97.0"), []string{success + " inactive"}, gate.Closed},
		"to nobody knows what": {func(w *forge.Writer) { up(w, "0.98.0", deploy.Success) }, withdraw(""), []string{success + " inactive"}, gate.Closed},
		"of two": {func(w *forge.Writer) { up(w, "0.98.0", deploy.Success); up(w, "0.99.0", deploy.Success) }, withdraw("0.98.0"),
			[]string{success + " inactive", success + " inactive"}, gate.Closed},
		"of one that was frozen": {func(w *forge.Writer) { up(w, "0.98.0", deploy.Success); up(w, "0.99.0", deploy.Broken) }, withdraw("0.98.0"),
			[]string{success, " error failure"}, gate.Open},
		"of a lost one": {func(w *forge.Writer) { up(w, "0.98.0", deploy.Success); up(w, "0.99.0", "") }, withdraw("0.98.0"),
			[]string{success, " failure"}, gate.Open},
		"to before all that": {func(w *forge.Writer) { up(w, "0.98.0", deploy.Success); up(w, "0.99.0", deploy.Failure) }, withdraw("0.97.0"),
			[]string{success + " inactive", " failure"}, gate.Closed},
		"twice":              {func(w *forge.Writer) { up(w, "0.98.0", deploy.Success); _ = withdraw("0.97.0")(w) }, withdraw("0.97.0"), []string{success + " inactive"}, gate.Closed},
		"of nothing":         {func(*forge.Writer) {}, withdraw("0.97.0"), nil, gate.Closed},
		"in vain":            {func(w *forge.Writer) { up(w, "0.98.0", deploy.Success) }, unable, []string{success + " error"}, gate.Closed},
		"in vain, twice":     {func(w *forge.Writer) { up(w, "0.98.0", deploy.Success); _ = unable(w) }, unable, []string{success + " error"}, gate.Closed},
		"in vain, then well": {func(w *forge.Writer) { up(w, "0.98.0", deploy.Success); _ = unable(w) }, withdraw("0.97.0"), []string{success + " error failure"}, gate.Closed},
		"upgraded again": {func(w *forge.Writer) {
			up(w, "0.98.0", deploy.Success)
			_ = withdraw("0.97.0")(w)
			up(w, "0.98.0", deploy.Success)
		}, withdraw("0.98.0"),
			[]string{success + " inactive", success}, gate.Open},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, w := world(t)
			tt.before(w)
			if err := tt.do(w); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, line := range states(s) {
				_, after, _ := strings.Cut(line, "in_progress")
				got = append(got, after)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
			order := deploy.Order{Repository: acme, Staging: []string{"staging"}, Version: "0.98.0", Commit: commit}
			if g := ask(t, order.Rule(w.Reader)); g.Verdict != tt.gate {
				t.Errorf("%+v", g)
			}
		})
	}
}

// A patch that serves in place of the version that failed is what is recorded as running.
func TestRolledForward(t *testing.T) {
	t.Parallel()
	s, w := world(t)
	upgrade(t, w, target("0.97.0"), deploy.Success)
	d, err := deploy.Begin(t.Context(), w, target("0.98.0"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Underway(t.Context()), d.Forward(t.Context(), "0.98.1")); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{
		"staging ZenML 0.97.0: queued in_progress success(https://zenml.example.org) inactive",
		"staging ZenML 0.98.0: queued in_progress failure",
		"staging ZenML 0.98.1: in_progress success(https://zenml.example.org)",
	}, states(s)); d != "" {
		t.Error(d)
	}
	for version, want := range map[string]gate.Verdict{"0.97.0": gate.Closed, "0.98.0": gate.Closed, "0.98.1": gate.Open} {
		order := deploy.Order{Repository: acme, Staging: []string{"staging"}, Version: version, Commit: commit}
		if g := ask(t, order.Rule(w.Reader)); g.Verdict != want {
			t.Errorf("%s: %+v", version, g)
		}
	}
}

// An answer that fails after it took effect makes no second deployment.
func TestRecordOverBadAnswers(t *testing.T) {
	t.Parallel()
	s, w := world(t)
	s.Fail(github.Failure{Operation: "repos/create-deployment", Status: 502, Body: "bad", After: true}, github.Failure{Operation: "repos/create-deployment-status", Status: 500, Body: "{}"})
	d, err := deploy.Begin(t.Context(), w, target("0.98.0"))
	if err != nil {
		t.Fatal(err)
	}
	s.Fail(github.Failure{Operation: "repos/create-deployment-status", Status: 502, Body: "bad", After: true})
	if err := errors.Join(d.Underway(t.Context()), d.End(t.Context(), deploy.Success, "upgraded")); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff([]string{"staging ZenML 0.98.0: queued in_progress success(https://zenml.example.org)"}, states(s)); d != "" {
		t.Error(d)
	}
}

func ask(t *testing.T, r gate.Rule) gate.Gate {
	t.Helper()
	return gate.Judge(t.Context(), []gate.Rule{r})[0]
}

func TestStagingGate(t *testing.T) {
	t.Parallel()
	order := deploy.Order{Repository: acme, Staging: []string{"staging"}, Version: "0.98.0", Commit: commit, Operators: []string{"Oli"}}
	payload := map[string]any{"tool": deploy.Task, "version": "0.98.0", "key": "x"}
	success := []github.DeploymentStatus{{State: "success"}}
	for _, tt := range []struct {
		name string
		make func(s *github.Server, up func(to deploy.Target, end string))
		ask  func(deploy.Order) deploy.Order
		want gate.Verdict
		got  string
	}{
		{"the same version at the same commit", func(_ *github.Server, up func(deploy.Target, string)) { up(target("0.98.0"), deploy.Success) }, nil, gate.Open, "staging runs ZenML 0.98.0 since"},
		{"nothing", func(*github.Server, func(deploy.Target, string)) {}, nil, gate.Closed, "no upgrade of staging is active"},
		{"another version", func(_ *github.Server, up func(deploy.Target, string)) { up(target("0.97.0"), deploy.Success) }, nil, gate.Closed, "staging runs ZenML 0.97.0"},
		{"another commit", func(_ *github.Server, up func(deploy.Target, string)) {
			to := target("0.98.0")
			to.Commit = other
			up(to, deploy.Success)
		}, nil, gate.Closed, "upgraded at commit " + other},
		{"another version after it", func(_ *github.Server, up func(deploy.Target, string)) {
			up(target("0.98.0"), deploy.Success)
			up(target("0.99.0"), deploy.Success)
		}, nil, gate.Closed, "staging runs ZenML 0.99.0"},
		{"one after it that was rolled back", func(_ *github.Server, up func(deploy.Target, string)) {
			up(target("0.98.0"), deploy.Success)
			up(target("0.99.0"), deploy.Failure)
		}, nil, gate.Open, "staging runs ZenML 0.98.0"},
		{"one after it that is under way", func(_ *github.Server, up func(deploy.Target, string)) {
			up(target("0.98.0"), deploy.Success)
			up(target("0.99.0"), "")
		}, nil, gate.Closed, "to ZenML 0.99.0 is under way"},
		{"one after it that waits for a person", func(_ *github.Server, up func(deploy.Target, string)) {
			up(target("0.98.0"), deploy.Success)
			up(target("0.99.0"), deploy.Broken)
		}, nil, gate.Closed, "waits for a person"},
		{"failed", func(_ *github.Server, up func(deploy.Target, string)) { up(target("0.98.0"), deploy.Failure) }, nil, gate.Closed, "no upgrade of staging is active"},
		{"another job's deployments", func(s *github.Server, up func(deploy.Target, string)) {
			up(target("0.98.0"), deploy.Success)
			s.AddDeployment(repo, github.Deployment{Ref: other, Environment: "staging", Creator: bot, Statuses: success})
		}, nil, gate.Open, "staging runs"},
		{"made inactive by GitHub itself", func(s *github.Server, _ func(deploy.Target, string)) {
			s.AddDeployment(repo, github.Deployment{Ref: commit, Environment: "staging", Task: deploy.Task, Creator: bot, Payload: payload, Statuses: []github.DeploymentStatus{{State: "success"}, {State: "inactive"}}})
		}, nil, gate.Open, "staging runs"},
		{"made inactive by a person", func(s *github.Server, _ func(deploy.Target, string)) {
			s.AddDeployment(repo, github.Deployment{Ref: commit, Environment: "staging", Task: deploy.Task, Creator: bot, Payload: payload, Statuses: []github.DeploymentStatus{{State: "success"}, {State: "inactive", Creator: "ann"}}})
		}, nil, gate.Closed, "no upgrade of staging is active"},
		{"superseded by one that is gone", func(s *github.Server, up func(deploy.Target, string)) {
			up(target("0.98.0"), deploy.Success)
			up(target("0.99.0"), deploy.Success)
			s.AddDeploymentStatus(repo, s.Deployments(repo)[1].ID, github.DeploymentStatus{State: "inactive", Creator: "ann"})
		}, nil, gate.Closed, "no upgrade of staging is active"},
		{"made up by a person", func(s *github.Server, _ func(deploy.Target, string)) {
			s.AddDeployment(repo, github.Deployment{Ref: commit, Environment: "staging", Task: deploy.Task, Creator: "mallory", Payload: payload, Statuses: success})
		}, nil, gate.Closed, "recorded by mallory"},
		{"called a success by a person", func(s *github.Server, _ func(deploy.Target, string)) {
			s.AddDeployment(repo, github.Deployment{Ref: commit, Environment: "staging", Task: deploy.Task, Creator: bot, Payload: payload, Statuses: []github.DeploymentStatus{{State: "failure"}, {State: "success", Creator: "mallory"}}})
		}, nil, gate.Closed, "and mallory, who are neither"},
		{"recorded by an operator", func(s *github.Server, _ func(deploy.Target, string)) {
			s.AddDeployment(repo, github.Deployment{Ref: commit, Environment: "staging", Task: deploy.Task, Creator: "oli", Payload: `{"tool":"zenml-upgrade","version":"0.98.0"}`, Statuses: success})
		}, nil, gate.Open, "staging runs"},
		{"a payload that says nothing", func(s *github.Server, _ func(deploy.Target, string)) {
			s.AddDeployment(repo, github.Deployment{Ref: commit, Environment: "staging", Task: deploy.Task, Creator: bot, Payload: "0.98.0", Statuses: success})
		}, nil, gate.Closed, "a version that is not known"},
		{"one of two stagings", func(_ *github.Server, up func(deploy.Target, string)) { up(target("0.98.0"), deploy.Success) },
			func(o deploy.Order) deploy.Order { o.Staging = []string{"early", "staging"}; return o }, gate.Closed, "no upgrade of early is active; staging runs"},
		{"no commit", func(*github.Server, func(deploy.Target, string)) {}, func(o deploy.Order) deploy.Order { o.Commit = ""; return o }, gate.Unknown, "give the input commit"},
		{"no staging", func(*github.Server, func(deploy.Target, string)) {}, func(o deploy.Order) deploy.Order { o.Staging = nil; return o }, gate.Unknown, "no environment of kind staging"},
		{"GitHub refuses", func(s *github.Server, _ func(deploy.Target, string)) {
			s.Fail(github.Failure{Operation: "repos/list-deployments", Status: 403, Body: "{}"})
		}, nil, gate.Unknown, "GitHub"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, w := world(t)
			tt.make(s, func(to deploy.Target, end string) { upgrade(t, w, to, end) })
			o := order
			if tt.ask != nil {
				o = tt.ask(order)
			}
			g := ask(t, o.Rule(w.Reader))
			if g.Verdict != tt.want || !strings.Contains(g.Got, tt.got) || (g.Next == "") != g.Lets() {
				t.Errorf("%+v\nwant %s: %s", g, tt.want, tt.got)
			}
		})
	}
	if g := ask(t, order.Rule(nil)); g.Verdict != gate.Unknown || !strings.Contains(g.Got, "gates.production.staging") {
		t.Errorf("%+v", g)
	}
}

func TestApprovals(t *testing.T) {
	t.Parallel()
	s, w := world(t)
	s.AddApproval(repo, 5, github.Approval{Login: "ann", State: "approved", Comment: "::error::go", Environments: []string{"live"}})
	s.AddApproval(repo, 5, github.Approval{Login: "bob", State: "approved", Environments: []string{"second"}})
	s.AddApproval(repo, 6, github.Approval{Login: "eve", State: "approved", Environments: []string{"live"}})
	run := "https://github.com/acme/churn/actions/runs/5"
	s.AddDeployment(repo, github.Deployment{Ref: commit, Environment: "live", Creator: bot, Statuses: []github.DeploymentStatus{
		{State: "pending", LogURL: run + "/job/1"}, {State: "queued", LogURL: run + "/job/1"}, {State: "in_progress", LogURL: run + "/job/1"},
	}})
	s.AddDeployment(repo, github.Deployment{Ref: commit, Environment: "live", Creator: bot, Statuses: []github.DeploymentStatus{{State: "queued", LogURL: run + "5/job/1"}}})
	got, err := deploy.Approvals(t.Context(), w.Reader, acme, 5)
	if err != nil {
		t.Fatal(err)
	}
	at := s.Deployments(repo)[0].Statuses[1].CreatedAt.UTC().Truncate(time.Second)
	if d := cmp.Diff([]deploy.Approved{
		{Login: "ann", State: "approved", Comment: "::error::go", Environments: []string{"live"}, LetInAt: &at},
		{Login: "bob", State: "approved", Environments: []string{"second"}},
	}, got); d != "" {
		t.Error(d)
	}
}

func TestApprovalsGate(t *testing.T) {
	t.Parallel()
	one := func(login, state string, environments ...string) deploy.Approved {
		return deploy.Approved{Login: login, State: state, Environments: environments}
	}
	wanted := deploy.Wanted{Count: 2, Environments: []string{"live", "second"}, From: []string{"Ann", "bob", "cat"}}
	for _, tt := range []struct {
		name  string
		list  []deploy.Approved
		asked []string
		want  gate.Verdict
	}{
		{"two people", []deploy.Approved{one("ann", "approved", "live"), one("bob", "approved", "second")}, nil, gate.Open},
		{"one person twice", []deploy.Approved{one("ann", "approved", "live"), one("Ann", "approved", "second")}, nil, gate.Closed},
		{"one who may not", []deploy.Approved{one("ann", "approved", "live"), one("eve", "approved", "live")}, nil, gate.Closed},
		{"for another environment", []deploy.Approved{one("ann", "approved", "live"), one("bob", "approved", "staging")}, nil, gate.Closed},
		{"one who asked for it", []deploy.Approved{one("ann", "approved", "live"), one("bob", "approved", "live")}, []string{"", "BOB"}, gate.Closed},
		{"a rejection", []deploy.Approved{one("ann", "approved", "live"), one("bob", "approved", "live"), one("eve", "rejected", "second")}, nil, gate.Closed},
		{"pending", []deploy.Approved{one("ann", "approved", "live"), one("bob", "pending", "live")}, nil, gate.Closed},
		{"nobody", nil, nil, gate.Closed},
	} {
		g := ask(t, wanted.Rule(func() []string { return tt.asked }, func(context.Context) ([]deploy.Approved, error) { return tt.list, nil }))
		if g.Verdict != tt.want {
			t.Errorf("%s: %+v", tt.name, g)
		}
	}
}
