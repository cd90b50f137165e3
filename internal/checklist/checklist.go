// Package checklist holds ZenML's upgrade guide as data: its phases and steps with their
// conditions, and what a run proved of them.
package checklist

import (
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
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

// Only a run's own proof makes a step Done; Failed is a proof of the opposite.
const (
	Done   State = "done"
	Open   State = "open"
	Failed State = "failed"
)

// Phase is one of the guide's five.
type Phase struct {
	Number   int    `json:"number"`
	Title    string `json:"title"`
	Duration string `json:"duration"` // the guide's estimate
	Steps    []Step `json:"steps"`
}

// Step is one box of the guide, or one point of it.
type Step struct {
	ID       string `json:"id"` // stable: phase and words
	Group    string `json:"group"`
	Text     string `json:"text"`
	State    State  `json:"state"`
	Evidence string `json:"evidence"` // what proved the state; empty when open
	audience audience
	change   change
}

type audience int

const (
	everyone audience = iota
	selfHosted
	proOnly
)

type change int

const (
	anyChange change = iota
	nonBreaking
	breaking
)

// Conditions decide which steps of the guide apply.
type Conditions struct {
	Deployment Deployment
	Breaking   *bool // nil when not known: the steps of both kinds are listed
}

// Proof is what a run knows of a step.
type Proof struct {
	State    State
	Evidence string
}

// Make returns the phases with the steps that apply and the states that proofs (by step id) give
// them. A step without a proof is open. An id that no step has is an error of the caller's.
func Make(c Conditions, proofs map[string]Proof) ([]Phase, error) {
	out := make([]Phase, 0, len(guide))
	used := 0
	for _, p := range guide {
		phase := p
		phase.Steps = []Step{}
		for _, s := range p.Steps {
			proof, ok := proofs[s.ID]
			if ok {
				used++
			}
			if !c.applies(s) {
				continue
			}
			s.State = Open
			if ok {
				s.State, s.Evidence = proof.State, proof.Evidence
			}
			phase.Steps = append(phase.Steps, s)
		}
		out = append(out, phase)
	}
	if used != len(proofs) {
		return nil, fmt.Errorf("making the checklist: %d of %d proofs are of no step in the guide", len(proofs)-used, len(proofs))
	}
	return out, nil
}

func (c Conditions) applies(s Step) bool {
	switch {
	case s.audience == selfHosted && c.Deployment == ProSaaS,
		s.audience == proOnly && c.Deployment != ProSaaS && c.Deployment != ProSelfHosted:
		return false
	case c.Breaking != nil:
		return s.change == anyChange || (s.change == breaking) == *c.Breaking
	}
	return true
}

// Section renders the phases for a report.
func Section(phases []Phase) report.Section {
	s := report.Section{Title: "Checklist of the upgrade guide", Folded: true}
	for _, p := range phases {
		if len(p.Steps) == 0 {
			continue
		}
		s.Blocks = append(s.Blocks, report.Para{Text: report.Text{{Plain: fmt.Sprintf("Phase %d: %s (%s)", p.Number, p.Title, p.Duration), Bold: true}}})
		var list report.Checklist
		for _, step := range p.Steps {
			text := step.Group + ": " + step.Text
			if step.State == Failed {
				text += " - failed"
			}
			if step.Evidence != "" {
				text += " (" + step.Evidence + ")"
			}
			list.Items = append(list.Items, report.CheckItem{Done: step.State == Done, Text: report.T(text)})
		}
		s.Blocks = append(s.Blocks, list)
	}
	return s
}
