package verdict

import "testing"

func TestSumIsTheWorstReason(t *testing.T) {
	t.Parallel()
	reason := func(d Decision) Reason { return Reason{Code: "because_" + string(d), Decision: d} }
	for _, c := range []struct {
		reasons  []Reason
		decision Decision
		code     string
	}{
		{nil, Pass, "fine"},
		{[]Reason{reason(Pass)}, Pass, "fine"},
		{[]Reason{reason(Review), reason(Unknown)}, Unknown, "because_unknown"},
		{[]Reason{reason(Block), reason(Unknown), reason(Review)}, Block, "because_block"},
		{[]Reason{{Code: "first", Decision: Block}, {Code: "second", Decision: Block}}, Block, "first"},
	} {
		if d, code := Sum(c.reasons, "fine"); d != c.decision || code != c.code {
			t.Errorf("%v: %s %s, want %s %s", c.reasons, d, code, c.decision, c.code)
		}
	}
}
