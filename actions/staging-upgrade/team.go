package stagingupgrade

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
	"github.com/zenml-upgrade/zenml-upgrade/internal/driver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// decodeTeam says whether the team's pipelines are run. Unasked they run in staging alone; asked for, on a
// development server too.
func (s *settings) decodeTeam(in *Inputs) (err error) {
	has := s.cfg != nil && len(s.cfg.Pipelines) > 0
	s.team, err = action.Bool("team-pipelines", cmp.Or(in.TeamPipelines, strconv.FormatBool(has && s.env.Kind == "staging")))
	switch {
	case err != nil || !s.team || !s.known:
	case s.env.Kind == "production":
		s.team = false
		err = fault.BadInput("team-pipelines is true for an environment of kind production", "run them in staging: on production nothing of the team's is run")
	case !has:
		err = fault.BadInput("team-pipelines is true, and the configuration has no pipelines", "add pipelines to the configuration file, or leave team-pipelines away")
	}
	return err
}

// readTeam takes in the pipelines that a cut-over runs, null when it runs none.
func (a *stagingUpgrade) readTeam(rt *action.Runtime) (*compat.Team, error) {
	s := a.set
	if !s.team || s.mode != upgrade.Upgrade || s.cfg == nil {
		return nil, nil
	}
	o := compat.TeamOptions{Pipelines: s.cfg.Pipelines, Repo: rt.Repo, Environ: rt.Environ, Secrets: rt.Secrets, Stores: a.in.ArtifactRoot}
	if s.driver == driverCommand && s.env.Hooks[driver.HookRun] != "" && s.env.Command != nil {
		hooks := a.serverHooks(rt)
		o.Hook = func(version string, env ...string) proc.Command {
			return hooks.Command(driver.HookRun, version, env...)
		}
	}
	return compat.NewTeam(o)
}

// otherCommit tells that the pipelines are not known to be those of the commit that is upgraded: what is
// checked out is what runs, and no code of a pull request gets at the server because somebody named its commit.
func otherCommit(ctx context.Context, rt *action.Runtime, commit string) []upgrade.Problem {
	if commit == "" {
		return nil
	}
	what := "which commit is checked out is not known"
	if git, _ := action.Checkout(rt); git != nil {
		id, _, err := git.Parents(ctx)
		if id == commit {
			return nil
		}
		if err == nil {
			what = "commit " + id + " is checked out"
		}
	}
	return []upgrade.Problem{{
		Code: "team_commit", What: fmt.Sprintf("the team's pipelines are not known to be those of commit %s: %s", commit, what),
		Remedy: "check that commit out, or run them with compat-test on its pull request",
	}}
}

// team runs the team's pipelines for an upgrade.
type team struct {
	*compat.Team
	environments environments
}

func (t *team) Prepare(ctx context.Context, v string) error {
	env, err := t.environments.client(ctx, v)
	if err != nil {
		return err
	}
	return t.Team.Prepare(v, env)
}

func (t *team) Run(ctx context.Context, address, key string) ([]upgrade.Check, error) {
	all, err := t.Team.Run(ctx, address, key)
	checks, failed := teamOutcome(all)
	return checks, cmp.Or(err, failed)
}

// teamOutcome makes checks of what was run; the first that failed is the error.
func teamOutcome(all []compat.Ran) (out []upgrade.Check, err error) {
	for _, ran := range all {
		out = append(out, upgrade.Check{Name: ran.Name, Status: upgrade.Status(ran.Status), Seconds: ran.Seconds, Detail: ran.Detail})
		if ran.Status == compat.Failed && err == nil {
			err = &upgrade.TeamError{
				What: fmt.Sprintf("%s failed on the new version; whether it passed on the old one is not known here, compat-test tells: %s", ran.Name, ran.Detail),
				Log:  ran.Tail,
			}
		}
	}
	return out, err
}

// judgeTeam names the light pipelines of which nothing is known on the server that now runs.
func (r *Result) judgeTeam() {
	if r.Outcome != upgrade.Upgraded && r.Outcome != upgrade.RolledForward {
		return
	}
	if unknown := r.notPassed(); len(unknown) > 0 {
		r.Reasons = append(r.Reasons, verdict.Because(verdict.Review, "team_unknown",
			fmt.Sprintf("%d of the team's %d light pipelines neither passed nor failed on the new version", len(unknown), len(r.light)), unknown))
	}
}

// notPassed names the light pipelines that did not pass.
func (r *Result) notPassed() []string {
	return slices.DeleteFunc(slices.Clone(r.light), r.passed)
}

// passed says whether a check passed on the real server the last time that it was made.
func (r *Result) passed(name string) bool {
	for _, c := range slices.Backward(r.Checks) {
		if c.Name == name && c.Server == "real" {
			return c.Status == upgrade.Passed
		}
	}
	return false
}

// teamFigure says in which downtime the team's pipelines lie.
func (r *Result) teamFigure() string {
	if r.RollbackProof != nil {
		return "The team's pipelines (within the downtime of the way that was gone back)"
	}
	return "The team's pipelines (within the downtime)"
}

// teamLog is the end of what a failed pipeline of the team's wrote. The log of a server is not shown: it
// may hold rows.
func (r *Result) teamLog() []report.Block {
	if !r.Failure.OfTeam || r.Failure.LogExcerpt == "" {
		return nil
	}
	return []report.Block{report.Para{Text: report.T("The end of what the pipeline wrote:")}, report.Code{Text: r.Failure.LogExcerpt}}
}
