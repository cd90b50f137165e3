package command

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
)

func TestHeadAt(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	a, b, zero := strings.Repeat("a", 40), strings.Repeat("b", 40), strings.Repeat("0", 40)
	push := func(seconds int, from, to, kind string) forge.Push {
		return forge.Push{Before: from, After: to, Kind: kind, At: at.Add(time.Duration(seconds) * time.Second)}
	}
	for _, tt := range []struct {
		name   string
		pushes []forge.Push // the newest first
		all    bool
		now    string
		want   string
		code   string
	}{
		{"pushed before", []forge.Push{push(-1, zero, a, "branch_creation")}, true, a, a, ""},
		{"pushed twice before", []forge.Push{push(-1, b, a, "push"), push(-5, zero, b, "branch_creation")}, true, a, a, ""},
		{"pushed after", []forge.Push{push(1, a, b, "push"), push(-1, zero, a, "branch_creation")}, true, b, "", "head_moved"},
		{"pushed after, and the pull request does not show it yet", []forge.Push{push(1, a, b, "force_push"), push(-1, zero, a, "branch_creation")}, true, a, "", "head_moved"},
		{"pushed after, and the record does not show it yet", []forge.Push{push(-1, zero, a, "branch_creation")}, true, b, "", "head_moved"},
		{"pushed away and back", []forge.Push{push(2, b, a, "force_push"), push(1, a, b, "push"), push(-1, zero, a, "branch_creation")}, true, a, "", "head_moved"},
		{"in the same second", []forge.Push{push(0, a, b, "push"), push(-1, zero, a, "branch_creation")}, true, b, "", "head_unknown"},
		{"in the same second, to the same", []forge.Push{push(0, zero, a, "branch_creation")}, true, a, "", "head_unknown"},
		{"no record", nil, true, a, "", "head_unknown"},
		{"a full page, all of it after", []forge.Push{push(1, b, a, "push")}, false, a, "", "head_moved"},
		{"the branch is gone after the merge", []forge.Push{push(9, a, zero, "branch_deletion"), push(-1, zero, a, "branch_creation")}, true, a, a, ""},
		{"gone and restored to the same", []forge.Push{push(10, zero, a, "branch_creation"), push(9, a, zero, "branch_deletion"), push(-1, zero, a, "branch_creation")}, true, a, a, ""},
		{"a branch of its own", []forge.Push{push(-1, b, a, "pr_merge")}, false, "", a, ""},
	} {
		got, err := headAt(tt.pushes, tt.all, at.Add(400*time.Millisecond), tt.now)
		var refused *RefusedError
		code := ""
		if errors.As(err, &refused) {
			code = refused.Code
		}
		if got != tt.want || code != tt.code || err != nil && refused == nil {
			t.Errorf("%s: %q, %v, want %q, %q", tt.name, got, err, tt.want, tt.code)
		}
	}
}
