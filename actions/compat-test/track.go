package compattest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/tracking"
)

// decodeTracking reads which tracking issue is wanted. A shard is a part of a test, which proves no step.
func (c *compatTest) decodeTracking(cfg *config.Config) (err error) {
	if !c.in.Asked() || cfg == nil {
		return nil
	}
	var faults []error
	if c.in.Shard != "" {
		faults = append(faults, fault.BadInput("shard and tracking-issue are both given: a part of the test proves no step", "give tracking-issue to the run that aggregates"))
	}
	picked, _, errPick := cfg.Pick(strings.TrimSpace(c.in.Environment))
	c.track, err = c.in.Wish(picked, cfg)
	c.deployment = checklist.Deployment(cfg.Deployment)
	return errors.Join(append(faults, errPick, err)...)
}

// tracked is what a whole result tells the tracking issue, null when none is wanted.
func (c *compatTest) tracked(r *compat.Result) *action.Track {
	if c.track == nil {
		return nil
	}
	run := tracking.Run{From: *r.From, To: *r.To, By: checklist.CompatTest, Proofs: proofs(r), Decision: r.Decision, Says: r.Document().Headline}
	for _, reason := range r.Reasons {
		run.Codes = append(run.Codes, reason.Code)
	}
	// What breaks is not known here: a release-check makes the whole list.
	list, err := checklist.Make(checklist.Conditions{Deployment: c.deployment, From: *r.From, To: *r.To}, nil)
	if err == nil {
		run.Phases, _ = tracking.Steps(list)
	}
	return &action.Track{Wish: *c.track, Run: run}
}

// groups are the guide's steps that checks prove, by how the checks' names begin. Those of phase 3 are about a
// server of the team's, which no check here has seen.
var groups = []struct{ step, begins, what string }{
	{"2-existing-pipelines", "pipeline:", "configured pipeline"},
	{"2-basic-pipeline", "basic", "check"},
	{"2-complex-pipeline", "complex", "check"},
	{"2-integration-pipeline", "integration:", "integration"},
	{"2-artifact-pipeline", "artifact", "check"},
}

// proofs are the guide's steps of which the test can say something: broken when the upgrade breaks one check of
// a group, done when all of them are well.
func proofs(r *compat.Result) []tracking.Proof {
	var out []tracking.Proof
	put := func(step, what string, n, good, broken int) {
		p := tracking.Proof{Step: step, State: checklist.Done, Evidence: fmt.Sprintf("%s passed on the new version", report.Count(good, what)), Elsewhere: true}
		if broken > 0 {
			p.State, p.Evidence = checklist.Failed, fmt.Sprintf("the upgrade breaks %s", report.Count(broken, what))
		} else if n == 0 || good < n {
			return // what was skipped, wavers or was broken before proves nothing
		}
		out = append(out, p)
	}
	count := func(begins string) (n, good, broken int) {
		for _, c := range r.Checks {
			if !strings.HasPrefix(c.Name, begins) {
				continue
			}
			n++
			switch c.Verdict {
			case compat.OK, compat.Fixed:
				good++
			case compat.BrokenByUpgrade:
				broken++
			case compat.AlreadyBroken, compat.Flaky, compat.NotCompared:
			}
		}
		return n, good, broken
	}
	for _, g := range groups {
		n, good, broken := count(g.begins)
		put(g.step, g.what, n, good, broken)
	}
	n, good, broken := count("")
	put("2-local-test", "check", n, good, broken)
	n, good, broken = artifacts(r)
	put("2-artifacts-load", "artifact", n, good, broken)
	put("plan-artifacts", "artifact", n, good, broken)
	return out
}

// artifacts counts what the old version loads, and what of it the new one does alike.
func artifacts(r *compat.Result) (n, good, broken int) {
	for i := range r.Artifacts {
		a := &r.Artifacts[i]
		n++
		switch {
		case a.LoadOld == compat.Passed && a.LoadNew == compat.Failed, a.SameValue != nil && !*a.SameValue:
			broken++
		case a.LoadOld == compat.Passed && a.LoadNew == compat.Passed && a.SameValue != nil:
			good++
		}
	}
	return n, good, broken
}
