package gate

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	answer := func(a Answer, err error) func(context.Context) (Answer, error) {
		return func(context.Context) (Answer, error) { return a, err }
	}
	got := Judge(t.Context(), []Rule{
		{"a", "x", answer(Answer{Open: true, Got: "y", Next: "unsaid", Evidence: []string{"e"}}, nil)},
		{"b", "x", answer(Answer{Got: "y", Next: "z"}, nil)},
		{"c_d", "x", answer(Answer{Open: true, Got: "y"}, errors.New("down"))},
	})
	want := []Gate{
		{Name: "a", Needed: "x", Got: "y", Evidence: []string{"e"}, Verdict: Open},
		{Name: "b", Needed: "x", Got: "y", Evidence: []string{}, Verdict: Closed, Next: "z"},
		{Name: "c_d", Needed: "x", Got: "not known: down", Evidence: []string{}, Verdict: Unknown, Next: "mend what keeps it from being known, then run again"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want[1:], Shut(got)); d != "" {
		t.Error(d)
	}
	if s := got[2].Sentence(); s != "gate c d is unknown: needed is x; not known: down" {
		t.Error(s)
	}
}
