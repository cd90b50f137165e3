// Package verdict holds the words in which every action answers.
package verdict

import "slices"

// Decision is what a run concludes.
type Decision string

// The decisions, from harmless to worst. Unknown ranks below Block because a proven breakage
// says more than a missing fact; both stop a merge by default.
const (
	Pass    Decision = "pass"
	Review  Decision = "review"
	Unknown Decision = "unknown"
	Block   Decision = "block"
)

var order = []Decision{Pass, Review, Unknown, Block}

// Known says whether d is one of the four.
func (d Decision) Known() bool { return slices.Contains(order, d) }

// Compare orders decisions from harmless to worst.
func Compare(a, b Decision) int { return slices.Index(order, a) - slices.Index(order, b) }

// Worse returns the worse of two decisions.
func Worse(a, b Decision) Decision {
	if Compare(b, a) > 0 {
		return b
	}
	return a
}

// Reason is one ground for a decision.
type Reason struct {
	Code     string   `json:"code"`     // stable, snake_case
	Text     string   `json:"text"`     // one sentence for a person
	Evidence []string `json:"evidence"` // files, lines, ids or urls that show it
	Decision Decision `json:"decision"` // what this reason alone would decide
}

// Because returns a reason whose evidence is never nil.
func Because(d Decision, code, text string, evidence []string) Reason {
	return Reason{Code: code, Text: text, Evidence: append([]string{}, evidence...), Decision: d}
}

// Sum returns the worst decision among reasons and the code that led to it; Pass and fallback
// when there is none.
func Sum(reasons []Reason, fallback string) (Decision, string) {
	decision, code := Pass, fallback
	for _, r := range reasons {
		if w := Worse(decision, r.Decision); w != decision {
			decision, code = w, r.Code
		}
	}
	return decision, code
}
