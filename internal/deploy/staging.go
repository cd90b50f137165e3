package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
)

// Order is what must have run in staging before production.
type Order struct {
	Repository forge.Repository
	Staging    []string // the environments of kind staging
	Version    string
	Commit     string   // empty when it is not known
	Operators  []string // people whose word about a deployment counts beside a workflow's
}

// Rule is the gate staging: the newest active deployment to staging is of the same version at the same
// commit.
func (o Order) Rule(r *forge.Reader) gate.Rule {
	return gate.Rule{
		Name: "staging", Needed: fmt.Sprintf("the newest active deployment to staging is of ZenML %s at the same commit", o.Version),
		Ask: func(ctx context.Context) (gate.Answer, error) { return o.ask(ctx, r) },
	}
}

func (o Order) ask(ctx context.Context, r *forge.Reader) (gate.Answer, error) {
	switch {
	case r == nil:
		return gate.Answer{}, errors.New("GitHub holds the record, and it is not asked: run as a job of a workflow and give github-token, or set gates.production.staging to off")
	case o.Commit == "":
		return gate.Answer{}, errors.New("the commit of this upgrade is not given: give the input commit, the one that was upgraded in staging")
	case len(o.Staging) == 0:
		return gate.Answer{}, errors.New("the configuration has no environment of kind staging: add it, or set gates.production.staging to off")
	}
	answer := gate.Answer{Open: true}
	for _, name := range o.Staging {
		active, newer, err := Look(ctx, r, o.Repository, name)
		if err != nil {
			return gate.Answer{}, err
		}
		got, next := o.judge(name, active, newer)
		answer.Evidence = append(answer.Evidence, o.evidence(name, active, newer)...)
		if answer.Got = strings.TrimPrefix(answer.Got+"; "+got, "; "); next != "" {
			answer.Open, answer.Next = false, next
		}
	}
	return answer, nil
}

// judge says what is in an environment, and what to do when it is not what is needed.
func (o Order) judge(name string, active *Standing, newer []Standing) (got, next string) {
	for _, s := range newer {
		switch {
		case s.Underway():
			return fmt.Sprintf("an upgrade of %s to %s is under way", name, s.what()), "wait until it has ended"
		case s.State == Broken && s == newer[0]:
			return fmt.Sprintf("the newest upgrade of %s, to %s, waits for a person", name, s.what()), "settle " + name + " first, then upgrade it"
		}
	}
	again := fmt.Sprintf("upgrade %s to %s at commit %s first", name, o.Version, o.Commit)
	switch {
	case active == nil:
		return fmt.Sprintf("no upgrade of %s is active", name), again
	case !o.believed(active.By) || !o.believed(active.StateBy):
		return fmt.Sprintf("the active deployment to %s was recorded by %s and %s, who are neither a workflow nor operators", name, active.By.Login, active.StateBy.Login), again
	case active.Version != o.Version:
		return fmt.Sprintf("%s runs %s", name, active.what()), again
	case active.Commit != o.Commit:
		return fmt.Sprintf("%s runs %s, upgraded at commit %s", name, active.what(), active.Commit), again
	}
	return fmt.Sprintf("%s runs %s since %s", name, active.what(), active.At.UTC().Format(time.RFC3339)), ""
}

// believed says whether somebody's word about a deployment counts. Whoever may push can write one.
func (o Order) believed(who forge.Account) bool {
	return who.Bot || has(o.Operators, who.Login)
}

func (s Standing) what() string {
	if s.Version == "" {
		return "a version that is not known"
	}
	return "ZenML " + s.Version
}

func (o Order) evidence(name string, active *Standing, newer []Standing) []string {
	var out []string
	for _, s := range append(slices.Clone(newer), deref(active)...) {
		out = append(out, fmt.Sprintf("deployment %d to %s: %s at %s, %s since %s %s", s.ID, name, s.what(), s.Commit, s.State, s.At.UTC().Format(time.RFC3339), s.RunURL))
	}
	return out
}

func deref(s *Standing) []Standing {
	if s == nil {
		return nil
	}
	return []Standing{*s}
}
