package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/deploy"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
)

// Run is a run of staging-upgrade, as a command asks for one.
type Run struct {
	Mode        string
	Environment string
	Version     string
	Commit      string
}

// Plan says which run a command asks for. What the comment leaves out is found out: the environment, the
// version that the pull request raises ZenML to, or that a rollback goes back from.
func (p Place) Plan(ctx context.Context, a *Asked) (Run, error) {
	r := Run{Mode: string(a.Verb), Version: a.Version, Commit: a.Commit}
	var err error
	if r.Environment, err = p.environment(a); err != nil || r.Version != "" {
		return r, err
	}
	switch {
	case a.Verb == Rollback:
		active, _, err := deploy.Look(ctx, p.GitHub.Reader, p.Repository, r.Environment)
		if err != nil {
			return r, err
		}
		if active == nil || active.Version == "" {
			return r, refuse("version_unknown", fmt.Sprintf("no upgrade of %s is active, so what to go back from is not known", r.Environment), fmt.Sprintf("write the version that runs now: %s %s VERSION %s", Word, a.Verb, r.Environment))
		}
		r.Version = active.Version
	case a.Pull == nil:
		return r, refuse("version_missing", "an issue does not say to which version", fmt.Sprintf("write it: %s %s VERSION", Word, a.Verb))
	default:
		if r.Version, err = p.Pinned(ctx, a.Pull.BaseSHA, a.Commit); err != nil {
			return r, err
		}
		if r.Version == "" {
			return r, refuse("version_unknown", "the pull request does not say to exactly which version it raises ZenML", fmt.Sprintf("write it: %s %s VERSION", Word, a.Verb))
		}
	}
	return r, nil
}

// environment is the one named, the only one, or for what is tried first the only one of kind staging.
func (p Place) environment(a *Asked) (string, error) {
	all := slices.Sorted(maps.Keys(p.Config.Environments))
	list := strings.Join(all, ", ")
	if a.Environment != "" {
		if _, known := p.Config.Environments[a.Environment]; !known {
			return "", refuse("environment_unknown", fmt.Sprintf("%q is no environment of the configuration on the default branch", a.Environment), "write one of "+list)
		}
		return a.Environment, nil
	}
	if len(all) == 1 {
		return all[0], nil
	}
	if staging := p.Config.Staging(); len(staging) == 1 && a.Verb != Rollback {
		return staging[0], nil
	}
	if len(all) == 0 {
		return "", refuse("environment_missing", "the configuration on the default branch has no environment", "add one there")
	}
	return "", refuse("environment_missing", fmt.Sprintf("which environment %s is for has to be said", a.Verb), fmt.Sprintf("write one of them after it: %s", list))
}

var errNotAsked = errors.New("GitHub holds the answer, and it is not asked: run as a job of a workflow and give github-token")

// Rule is the gate comment: a command asks for this very run, and still holds. ref is what the workflow
// was started on; found is told who asked.
func (p *Place) Rule(id int64, ref string, run Run, found func(*Asked)) gate.Rule {
	return gate.Rule{
		Name: "comment", Needed: "a command, unedited, by somebody who may, at the commit that was and is head, asks for this very run",
		Ask: func(ctx context.Context) (gate.Answer, error) {
			if p == nil {
				return gate.Answer{}, errNotAsked
			}
			if ref != "refs/heads/"+p.DefaultBranch {
				return gate.Answer{Got: fmt.Sprintf("the workflow was started on %q", ref), Next: fmt.Sprintf("start it on the default branch, %q", p.DefaultBranch)}, nil
			}
			a, err := p.Check(ctx, id)
			var want Run
			if err == nil {
				found(a)
				want, err = p.Plan(ctx, a)
			}
			var refused *RefusedError
			switch {
			case errors.As(err, &refused):
				return gate.Answer{Got: refused.What, Next: refused.Next}, nil
			case err != nil:
				return gate.Answer{}, err
			}
			got := fmt.Sprintf("%s asked for %s of %s to %s at commit %s", a.By.Login, want.Mode, want.Environment, want.Version, want.Commit)
			answer := gate.Answer{Open: want == run, Got: got, Evidence: []string{a.Comment.URL}}
			if !answer.Open {
				answer.Next = fmt.Sprintf("this run is %s of %s to %s at commit %q: start it by a comment of its own, or without from-comment", run.Mode, run.Environment, run.Version, run.Commit)
			}
			return answer, nil
		},
	}
}
