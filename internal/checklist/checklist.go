// Package checklist holds ZenML's upgrade guide as data: its phases and steps with their
// conditions, what a run proved of them, and where facts put a step elsewhere than the guide does.
package checklist

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
)

// Deployment is how the server is run; the empty one is OSS.
type Deployment string

// The deployments of the configuration file.
const (
	OSS           Deployment = "oss"
	ProSelfHosted Deployment = "pro-self-hosted"
	ProSaaS       Deployment = "pro-saas"
)

// State says what is known of a step.
type State string

// Only a run's own proof makes a step Done; Failed is a proof of the opposite. Undecided steps
// belong to one of the two lists of which it is not known yet which one holds.
const (
	Done      State = "done"
	Open      State = "open"
	Failed    State = "failed"
	Undecided State = "undecided"
)

// Audience is the guide's tag of a step: for whom it is.
type Audience string

// The guide's tags. What has none is for everyone. SelfHostedPro is ours, for a step of our own.
const (
	Everyone      Audience = "all"
	SelfHosted    Audience = "self_hosted"
	Pro           Audience = "pro"
	SelfHostedPro Audience = "pro_self_hosted"
)

// List says to which of the guide's two lists for the production upgrade a step belongs.
type List string

// The lists; a step of neither has none.
const (
	NonBreaking List = "non_breaking"
	Breaking    List = "breaking"
)

// Prover is who can say that a step is done: one of the three actions, or a person.
type Prover string

// The provers. An action named here proves the step where it supports the deployment; a step stays
// open until its run did.
const (
	Person         Prover = "person"
	ReleaseCheck   Prover = "release-check"
	CompatTest     Prover = "compat-test"
	StagingUpgrade Prover = "staging-upgrade"
)

// Phase is a chapter of the guide; those with a Number are its five phases.
type Phase struct {
	ID       string `json:"id"`
	Number   int    `json:"number"` // 1 to 5; 0 for what the guide says before and after its phases
	Title    string `json:"title"`
	Duration string `json:"duration"` // the guide's estimate; empty outside of the five
	Note     string `json:"note"`     // what the guide tells users of the hosted ZenML Pro; empty for others
	Steps    []Step `json:"steps"`
}

// Step is one box of the guide, or one point of it.
type Step struct {
	ID       string   `json:"id"` // stable: phase and words
	Group    string   `json:"group"`
	Text     string   `json:"text"`
	Audience Audience `json:"audience"`
	List     *List    `json:"list"` // null outside of the two lists
	ProvedBy Prover   `json:"proved_by"`
	State    State    `json:"state"`
	Evidence string   `json:"evidence"` // what proved the state; empty when open
	Moved    *string  `json:"moved"`    // why it does not stand, or read, as in the guide; null when it does
	Notes    []string `json:"notes"`    // what facts add to it
}

// Conditions decide which steps of the guide apply, and in which order.
type Conditions struct {
	Deployment Deployment
	Breaking   *bool // nil when not known: the steps of both lists are undecided
	From, To   string
	Path       []hops.Hop
	Before     []string // what must hold before the server is upgraded
	Orders     []Order  // what the release notes say of clients and server
	Acks       []Acknowledged
}

// Proof is what a run knows of a step.
type Proof struct {
	State    State
	Evidence string
}

// Make returns the chapters with the steps that apply, in the order that holds for this upgrade,
// and the states that proofs (by step id) give them. A step without a proof is open. An id that no
// step has is an error of the caller's.
func Make(c Conditions, proofs map[string]Proof) ([]Phase, error) {
	out := make([]Phase, 0, len(guide))
	used := 0
	for _, p := range guide {
		phase := Phase{ID: p.id, Number: p.phase, Title: p.title, Duration: p.duration, Steps: []Step{}}
		if c.Deployment == ProSaaS {
			phase.Note = p.saas
		}
		for _, g := range p.groups {
			for _, s := range g.steps {
				proof, proved := proofs[s.id]
				if proved {
					used++
				}
				if step := c.step(g, s); c.applies(step) {
					if proved {
						step.State, step.Evidence = proof.State, proof.Evidence
					}
					phase.Steps = append(phase.Steps, step)
				}
			}
		}
		if p.id == "changes" {
			phase.Steps = append(phase.Steps, acknowledged(c.Acks)...)
		}
		out = append(out, phase)
	}
	if used != len(proofs) {
		return nil, fmt.Errorf("making the checklist: %d of %d proofs are of no step in the guide", len(proofs)-used, len(proofs))
	}
	c.rewrite(out)
	return out, nil
}

// placeholder stands for what the server runs by itself, which has two names.
const placeholder = "{templates}"

func (c Conditions) step(g group, s step) Step {
	out := Step{ID: s.id, Group: g.title, Text: s.text, Audience: Everyone, ProvedBy: Person, State: Open, Notes: []string{}}
	for _, a := range []Audience{g.audience, s.audience} {
		if a != "" {
			out.Audience = a
		}
	}
	if s.by != "" && (s.by != StagingUpgrade || c.Deployment != ProSaaS) { // that one upgrades servers of your own
		out.ProvedBy = s.by
	}
	if g.list != "" {
		out.List = &g.list
		if c.Breaking == nil {
			out.State = Undecided
		}
	}
	out.Text = strings.ReplaceAll(s.text, placeholder, hops.Runnable(c.From, c.To))
	return out
}

func (c Conditions) applies(s Step) bool {
	pro := c.Deployment == ProSaaS || c.Deployment == ProSelfHosted
	switch {
	case s.Audience == SelfHosted && c.Deployment == ProSaaS,
		s.Audience == SelfHostedPro && c.Deployment != ProSelfHosted,
		s.Audience == Pro && !pro:
		return false
	case strings.Contains(s.ID, "-templates") && s.Audience == Pro && hops.Runnable(c.From, c.To) == "":
		return false // the old version has neither run templates nor snapshots
	case s.List != nil && c.Breaking != nil:
		return (*s.List == Breaking) == *c.Breaking
	}
	return true
}

// Acknowledged is a breaking change that hits and that somebody answers for: its migration is a
// step of the plan, ticked in the configuration.
type Acknowledged struct {
	Finding, Title, Owner string
	Migrated              bool
}

func acknowledged(list []Acknowledged) []Step {
	var out []Step
	for _, a := range list {
		s := Step{
			ID: "change-" + a.Finding, Group: "Migration of acknowledged changes", Text: a.Title, Audience: Everyone,
			ProvedBy: Person, State: Open, Notes: []string{"answers for it: " + a.Owner},
		}
		if a.Migrated {
			s.State, s.Evidence = Done, "ticked in the configuration"
		}
		if !slices.ContainsFunc(out, func(o Step) bool { return o.ID == s.ID }) {
			out = append(out, s)
		}
	}
	return out
}
