package tracking

import (
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
)

// Phase is a phase of the checklist whose steps are boxes.
type Phase struct {
	Title string `json:"t"`
	Note  string `json:"n,omitempty"`
	Steps []Step `json:"s"`
}

// Step is a step of the guide.
type Step struct {
	ID    string           `json:"i"`
	Text  string           `json:"t"`
	By    checklist.Prover `json:"b"`           // who can prove it
	Done  string           `json:"d,omitempty"` // what in the configuration ticks it; empty for nothing
	Notes []string         `json:"n,omitempty"`
}

// Proof is what a run knows of a step. It counts when the run's action is the one that can prove the step.
type Proof struct {
	Step      string          `json:"s"`
	State     checklist.State `json:"x"` // done, failed, or open with what is known
	Evidence  string          `json:"e,omitempty"`
	Elsewhere bool            `json:"-"` // it holds for every environment, not only for the run's
}

// Figure is a line of the report.
type Figure struct {
	Name  string `json:"n"`
	Value string `json:"v"`
}

// Entry is how a step of an upgrade or a rollback ended.
type Entry struct {
	Step    string    `json:"s"`
	Status  string    `json:"e"`
	At      time.Time `json:"a,omitzero"` // zero for a step that was not reached
	Seconds float64   `json:"d"`
}

// Steps takes a checklist apart into its boxes and what is proved of them by the runs that can.
func Steps(list []checklist.Phase) (phases []Phase, proofs []Proof) {
	for _, p := range list {
		if !p.Boxed() || len(p.Steps) == 0 {
			continue
		}
		phase := Phase{Title: p.Heading(), Note: p.Note}
		for _, s := range p.Steps {
			step := Step{ID: s.ID, Text: s.Words(), By: s.ProvedBy}
			if s.State == checklist.Undecided {
				step.Notes = append(step.Notes, "undecided: whether anything breaks is not known")
			}
			if s.Moved != nil {
				step.Notes = append(step.Notes, "changed: "+*s.Moved)
			}
			step.Notes = append(step.Notes, s.Notes...)
			proof := Proof{Step: s.ID, State: s.State, Evidence: s.Evidence, Elsewhere: true}
			switch {
			case s.ProvedBy == checklist.Person && s.State == checklist.Done:
				step.Done = s.Evidence
			case s.ProvedBy == checklist.Person || s.State == checklist.Undecided || s.State == checklist.Open && s.Evidence == "":
			default:
				proofs = append(proofs, proof)
			}
			phase.Steps = append(phase.Steps, step)
		}
		phases = append(phases, phase)
	}
	return phases, proofs
}
