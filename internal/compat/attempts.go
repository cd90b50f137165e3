package compat

import (
	"context"
	"strings"
)

// attempts are one world's results, by check, in the order in which they came.
type attempts struct {
	names []string
	by    map[string]Attempt
}

func (a *attempts) set(name string, at Attempt) {
	if a.by == nil {
		a.by = map[string]Attempt{}
	}
	if _, ok := a.by[name]; !ok {
		a.names = append(a.names, name)
	}
	a.by[name] = at
}

// passed names the checks that passed.
func (a *attempts) passed() []string {
	var out []string
	for _, name := range a.names {
		if a.by[name].Status == Passed {
			out = append(out, name)
		}
	}
	return out
}

// without joins what came of checks that stand for several only when they were repeated, in their
// place; without an answer such a check bears the name of its group.
func (a *attempts) without(again *attempts) *attempts {
	out := &attempts{}
	for _, name := range a.names {
		group, _, several := strings.Cut(name, "=")
		if !several {
			out.set(name, a.by[name])
			continue
		}
		answered := false
		for _, child := range again.names {
			if strings.HasPrefix(child, group+":") {
				at := again.by[child]
				at.unsteady = at.Status == Passed
				out.set(child, at)
				answered = true
			}
		}
		if !answered {
			out.set(group, a.by[name])
		}
	}
	return out
}

// repeated joins a failed attempt and its repetition.
func repeated(failed, again Attempt) Attempt {
	if again.Status != Passed {
		return failed
	}
	again.unsteady, again.Detail = true, failed.Detail
	return again
}

// twice does a check, and once more when it fails: a pass then does not count as one.
func twice(ctx context.Context, do func() Attempt) Attempt {
	first := do()
	if first.Status != Failed || ctx.Err() != nil {
		return first
	}
	return repeated(first, do())
}

func cleaned(text *string) *string {
	if text == nil {
		return nil
	}
	s := clean(*text)
	return &s
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func failure(seconds *float64, detail string) Attempt {
	return Attempt{Status: Failed, Seconds: seconds, Detail: cleaned(&detail)}
}

func skip(why string) Attempt { return Attempt{Status: Skipped, Detail: &why} }
