package content

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Only a table whose work is known to be the same on both sides is left out, and never one of another kind.
func TestDiffWork(t *testing.T) {
	t.Parallel()
	a, b := Table{Rows: 1, Fingerprint: "a"}, Table{Rows: 1, Fingerprint: "b"}
	state := func(key, tag Table, work map[string]Table) Fingerprint {
		return Fingerprint{Schema: "s", Tables: map[string]Table{"api_key": key, "tag": tag}, Work: work}
	}
	same, other := map[string]Table{"api_key": a}, map[string]Table{"api_key": b}
	remembering := func(requests, tag Table) Fingerprint {
		f := state(a, tag, same)
		f.Tables["api_transaction"] = requests
		return f
	}
	for name, c := range map[string]struct {
		before, after Fingerprint
		want          []string
	}{
		"only used":               {state(a, a, same), state(b, a, same), []string{}},
		"a key changed":           {state(a, a, same), state(b, a, other), []string{`table "api_key" differs (1 rows, then 1)`}},
		"used, and something new": {state(a, a, same), state(b, b, same), []string{`table "tag" differs (1 rows, then 1)`}},
		"not known before":        {state(a, a, nil), state(b, a, same), []string{`table "api_key" differs (1 rows, then 1)`}},
		"requests forgotten":      {remembering(a, a), remembering(b, a), []string{}},
		"and something new":       {remembering(a, a), remembering(b, b), []string{`table "tag" differs (1 rows, then 1)`}},
		"a table of them is gone": {remembering(a, a), state(a, a, same), []string{`table "api_transaction" is gone (had 1 rows)`}},
		"not known now":           {state(a, a, same), state(b, a, nil), []string{`table "api_key" differs (1 rows, then 1)`}},
	} {
		if d := cmp.Diff(c.want, c.before.DiffWork(c.after)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
