package stagingupgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/command"
	"github.com/zenml-upgrade/zenml-upgrade/internal/deploy"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

const (
	off        = "off"
	production = "production"
	staging    = "staging"
	// longestRecord bounds what a slow GitHub may add to the end of a run.
	longestRecord = time.Minute
)

// guard holds the gates of a run against GitHub, and keeps GitHub's record of it.
type guard struct {
	in     *Inputs
	set    *settings
	rt     *action.Runtime
	github *forge.Writer  // nil: GitHub is not asked
	place  *command.Place // nil likewise
	run    int64          // of the workflow; 0: none
	runURL string

	asked      *command.Asked
	approvals  []deploy.Approved // null: not asked
	deployment *deploy.Deployment
	underway   bool
	state      string // that the deployment was given last
	notes      []error
}

// newGuard connects to GitHub where the run can be told from the outside: in a repository, with a token.
// That it cannot leaves gates unknown, and keeps no run from putting back what an earlier one left.
func newGuard(in *Inputs, set *settings, rt *action.Runtime) *guard {
	g := &guard{in: in, set: set, rt: rt}
	if in.GithubToken == "" || rt.Getenv("GITHUB_REPOSITORY") == "" {
		return g
	}
	w, err := action.GitHubWriter(rt, in.GithubToken, false)
	var place *command.Place
	if err == nil {
		place, err = action.Place(rt, w, set.cfg)
	}
	if err != nil {
		g.notes = append(g.notes, err)
		return g
	}
	g.github, g.place = w, place
	if g.run, err = strconv.ParseInt(rt.Getenv("GITHUB_RUN_ID"), 10, 64); err == nil {
		g.runURL = gha.RunURL(rt.Getenv)
	}
	return g
}

// rules are the gates of this run. Only what changes a server waits for them, but a comment has to ask
// for whatever it started.
func (g *guard) rules() []gate.Rule {
	kind, gates := g.set.env.Kind, g.set.cfg.Gates.Of(g.set.env.Kind)
	cuts, plans := g.set.mode == upgrade.Upgrade, g.set.mode == upgrade.Plan
	var rules []gate.Rule
	if g.set.comment > 0 && !plans {
		run := command.Run{Mode: string(g.set.mode), Environment: g.set.environment, Version: g.in.To, Commit: g.in.Commit}
		if g.set.mode == upgrade.Rollback {
			run.Version = g.in.From // the backup says where to
		}
		rules = append(rules, g.place.Rule(g.set.comment, g.rt.Getenv("GITHUB_REF"), run, func(a *command.Asked) { g.asked = a }))
	}
	onRunner := g.rt.Getenv("GITHUB_ACTIONS") == "true"
	if (cuts || plans) && gates.Hold != off && (onRunner || kind == production) {
		rules = append(rules, g.place.HoldRule(g.issue))
	}
	if (cuts || plans) && kind == production && gates.Staging != off {
		order := deploy.Order{Version: g.in.To, Commit: g.in.Commit, Staging: g.set.cfg.Staging(), Operators: g.set.cfg.Operators}
		var reader *forge.Reader
		if g.github != nil {
			order.Repository, reader = g.place.Repository, g.github.Reader
		}
		rules = append(rules, order.Rule(reader))
	}
	if a := gates.Approvals; cuts && a != nil {
		wanted := deploy.Wanted{Count: a.Count, Environments: a.Environments, From: g.set.cfg.Approvers(*a)}
		if len(wanted.Environments) == 0 {
			wanted.Environments = []string{g.set.environment}
		}
		rules = append(rules, wanted.Rule(g.askers, g.readApprovals))
	}
	return rules
}

// issue is where the upgrade was asked for.
func (g *guard) issue() int {
	if g.asked == nil {
		return 0
	}
	return g.asked.Comment.Issue
}

// askers are those whose own wish this upgrade is.
func (g *guard) askers() []string {
	who := []string{g.rt.Getenv("GITHUB_ACTOR"), g.rt.Getenv("GITHUB_TRIGGERING_ACTOR")}
	if g.asked != nil {
		who = append(who, g.asked.By.Login)
	}
	return who
}

func (g *guard) readApprovals(ctx context.Context) ([]deploy.Approved, error) {
	if g.github == nil || g.run == 0 {
		return nil, errors.New("GitHub holds the approvals, and it is not asked: run as a job of a workflow that names the environment, and give github-token")
	}
	var err error
	g.approvals, err = deploy.Approvals(ctx, g.github.Reader, g.place.Repository, g.run)
	return g.approvals, err
}

// judge is upgrade.Options.Gates. When all is open the deployment goes on: it is made before the backup,
// and is in progress from the moment in which the running server is about to be stopped.
func (g *guard) judge(ctx context.Context, clear bool) []gate.Gate {
	gates := gate.Judge(ctx, g.rules())
	if g.set.mode == upgrade.Upgrade && clear && len(gate.Shut(gates)) == 0 {
		g.advance(ctx)
	}
	return gates
}

func (g *guard) target() (deploy.Target, bool) {
	commit := cmp.Or(g.in.Commit, g.rt.Getenv("GITHUB_SHA"))
	if g.github == nil || !repo.IsCommitID(commit) || g.set.mode != upgrade.Upgrade {
		return deploy.Target{}, false
	}
	return deploy.Target{
		Repository: g.place.Repository, Environment: g.set.environment, Production: g.set.env.Kind == production, From: g.in.From, Version: g.in.To,
		Commit: commit, Address: g.set.env.EnvironmentURL, RunURL: g.runURL,
	}, true
}

func (g *guard) advance(ctx context.Context) {
	target, ok := g.target()
	if !ok {
		return
	}
	if g.underway { // the second way forward of a run that proved its rollback
		return
	}
	if g.deployment != nil {
		g.underway = true
		g.note(deploy.InProgress, g.deployment.Underway(ctx))
		return
	}
	if g.approvals == nil && g.run != 0 { // no gate asked for them; they are evidence all the same
		if _, err := g.readApprovals(ctx); err != nil {
			g.notes = append(g.notes, err)
		}
	}
	var err error
	g.deployment, err = deploy.Begin(ctx, g.github, target)
	g.note(deploy.Queued, err)
}

// note keeps what could not be recorded: it changes nothing about the upgrade, but production will not
// follow what is not recorded.
func (g *guard) note(state string, err error) {
	if err != nil {
		g.notes = append(g.notes, err)
		return
	}
	g.state = state
}

// end records how the run ended.
func (g *guard) end(ctx context.Context, rep *upgrade.Report) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestRecord)
	defer cancel()
	if g.deployment == nil {
		g.wentBack(ctx, rep)
		return
	}
	state := deploy.Broken // an outcome that is none of these waits for a person
	switch rep.Outcome {
	case upgrade.RolledForward:
		g.note(deploy.Success, g.deployment.Forward(ctx, rep.Target))
		return
	case upgrade.Upgraded:
		state = deploy.Success
	case upgrade.RolledBack, upgrade.Refused, upgrade.Interrupted:
		state = deploy.Failure
	default:
	}
	what := fmt.Sprintf("ZenML %s: %s", g.in.To, cmp.Or(string(rep.Outcome), "no outcome"))
	g.note(state, g.deployment.End(ctx, state, what))
}

// wentBack records the end of a run that made no deployment of its own, but put back what an earlier
// one left, or what serves: mode rollback. Every other such run left the environment as it was.
func (g *guard) wentBack(ctx context.Context, rep *upgrade.Report) {
	back := rep.Outcome == upgrade.RolledBack
	if !back && rep.Outcome != upgrade.Frozen && rep.Outcome != upgrade.RollbackFailed {
		return
	}
	if g.github == nil {
		if g.set.env.Kind == staging {
			g.notes = append(g.notes, errors.New("GitHub was not asked: make the deployments to "+g.set.environment+" that are recorded there inactive"))
		}
		return
	}
	// A run by hand leads to its target, and one that puts back to what ran before.
	target := deploy.Target{Repository: g.place.Repository, Environment: g.set.environment, Version: cmp.Or(rep.Target, rep.Running), RunURL: g.runURL}
	if back {
		g.note(deploy.Failure, deploy.Withdraw(ctx, g.github, target))
		return
	}
	g.note(deploy.Broken, deploy.Break(ctx, g.github, target, string(rep.Outcome)))
}

// fill puts what GitHub told into the result.
func (g *guard) fill(r *Result) {
	r.Approvals = g.approvals
	if g.state != "" {
		r.Deployment = &g.state
	}
	if g.asked != nil {
		r.AskedBy, r.FromComment = &g.asked.By.Login, &g.asked.Comment.URL
	}
	if g.github != nil {
		r.GitHub.Requests, r.GitHub.Writes = g.github.Requests(), g.github.Writes()
	}
	for _, err := range g.notes {
		r.Reasons = append(r.Reasons, verdict.Because(verdict.Review, "deployment_unrecorded",
			"GitHub's record of what runs here is not complete, and production follows what is recorded: "+err.Error(), nil))
	}
}
