package pin

import (
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Outcome says what the changes of a pull request mean for ZenML.
type Outcome int

// The outcomes. Doubtful says that a place changed and no place says to which version.
const (
	NoUpgrade Outcome = iota
	Upgrades
	Downgrades
	Doubtful
)

// Decide tells what the changes between two commits mean, from which version to which (empty when
// no place says it), and the places that led to it.
func Decide(changes []Change) (o Outcome, from, to string, because []Change) {
	pick := func(moves ...Move) []Change {
		var out []Change
		for i := range changes {
			if changes[i].At().Counts() && slices.Contains(moves, changes[i].Move) {
				out = append(out, changes[i])
			}
		}
		return out
	}
	if down := pick(Downgraded); len(down) > 0 {
		from, to = Widest(Spans(down))
		return Downgrades, from, to, down
	}
	moved := pick(Upgraded, Added, Removed, Unclear)
	from, to = Widest(Spans(moved))
	if from == "" { // only new places: what stays says where the others come from
		from = lowest(changes)
	}
	doubtful := pick(Unclear)
	for _, c := range pick(Removed) {
		if !settled(changes, c.Base.Project) {
			doubtful = append(doubtful, c)
		}
	}
	switch {
	case from != "" && to != "" && version.Compare(from, to) < 0:
		return Upgrades, from, to, moved
	case len(doubtful) > 0:
		return Doubtful, from, to, doubtful
	case from == "" && len(pick(Added)) > 0:
		return NoUpgrade, "", to, nil // ZenML comes in new: nothing is upgraded
	}
	return NoUpgrade, from, from, nil
}

// lowest is the lowest version that any place says at the base.
func lowest(changes []Change) string {
	out := ""
	for i := range changes {
		if b := changes[i].Base; b != nil && b.Counts() && b.Version != nil && (out == "" || version.Compare(*b.Version, out) < 0) {
			out = *b.Version
		}
	}
	return out
}

// settled says whether a project that lost a place does not ask for ZenML any more, or has another
// place that says exactly which version.
func settled(changes []Change, project string) bool {
	left := 0
	for i := range changes {
		h := changes[i].Head
		if h == nil || h.Project != project || !h.Counts() {
			continue
		}
		if h.Version != nil {
			return true
		}
		left++
	}
	return left == 0
}

// Disagreeing are the places at the head that stand against a version.
func Disagreeing(pins []Pin, v string) []Pin {
	var out []Pin
	for i := range pins {
		if !pins[i].Agrees(v) {
			out = append(out, pins[i])
		}
	}
	return out
}
