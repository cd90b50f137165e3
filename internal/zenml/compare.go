package zenml

import (
	"bytes"
	"slices"

	"github.com/google/uuid"
)

// IDs are the ids of objects, sorted, each once: 16 bytes an object, for there may be hundreds of thousands.
type IDs []uuid.UUID

// NewIDs sorts a list in place and takes what is there twice out of it.
func NewIDs(list []uuid.UUID) IDs {
	slices.SortFunc(list, compareIDs)
	return slices.Compact(list)
}

// Has says whether an id is among them.
func (ids IDs) Has(id uuid.UUID) bool {
	_, found := slices.BinarySearchFunc(ids, id, compareIDs)
	return found
}

func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

// Loss compares one kind before and after.
type Loss struct {
	Before  int      `json:"before"`
	After   int      `json:"after"`
	Missing []string `json:"missing"` // ids that were there before, sorted
	Status  string   `json:"status"`  // one of the Status constants
}

// What a comparison of a kind came to.
const (
	StatusCompared = "compared"   // both sides were read
	StatusNew      = "new"        // the old version does not have this kind: nothing to lose
	StatusUnknown  = "unknown"    // one side could not be read
	StatusGone     = "not_in_new" // the new version does not have this kind
)

// OK says that nothing is known to be lost and nothing is unknown.
func (l Loss) OK() bool { return len(l.Missing) == 0 && l.Status != StatusUnknown }

// Compare tells per kind what of before is missing after. What was added is no loss. A kind that
// could not be read on either side is unknown, which is not OK.
func Compare(before, after Inventory) map[string]Loss {
	out := map[string]Loss{}
	all := map[string]bool{}
	for _, inv := range []Inventory{before, after} {
		for k := range inv.Kinds {
			all[k] = true
		}
		for k := range inv.Unreadable {
			all[k] = true
		}
	}
	for k := range all {
		old, hadOld := before.Kinds[k]
		now, hasNow := after.Kinds[k]
		l := Loss{Before: len(old), After: len(now), Missing: []string{}, Status: StatusCompared}
		_, closedOld := before.Unreadable[k]
		_, closedNow := after.Unreadable[k]
		switch {
		case closedOld || closedNow:
			l.Status = StatusUnknown
		case !hadOld:
			l.Status = StatusNew
		case !hasNow:
			l.Status = StatusGone
		}
		if l.Status != StatusUnknown {
			for _, id := range old {
				if !now.Has(id) {
					l.Missing = append(l.Missing, id.String())
				}
			}
		}
		out[k] = l
	}
	return out
}
