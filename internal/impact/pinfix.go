package impact

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// mostRounds bounds how often the resolver may name further pins of one set.
const mostRounds = 8

// culprits are the lines that must move, and why.
type culprits struct {
	lines  []repo.Line
	proofs []string          // of each line: the resolver's words with all other culprits loosened
	pins   map[string]string // what comes out with all of them loosened; nil when nothing does
}

func same(a, b repo.Line) bool { return a.File == b.File && a.Line == b.Line && a.Text == b.Text }

func at(list []repo.Line, l repo.Line) int {
	return slices.IndexFunc(list, func(o repo.Line) bool { return same(o, l) })
}

// found is a change that was proved, and the lines it moves.
type found struct {
	culprits
	change []moved
}

// explain finds the user's pins that stand against the new version and the smallest change that
// resolves: only the lines that must move, each to the version nearest to the one in use, in the
// owner's style. The whole set is resolved with the change before it is proposed.
func (a *asker) explain(ctx context.Context, first *pyenv.Conflict, old map[string]string) ([]PinConflict, error) {
	if found, err := a.again(ctx, first); found != nil || err != nil {
		return found, err
	}
	if found, err := a.direct(ctx, first, old); found != nil || err != nil {
		return found, err
	}
	c, err := a.culprits(ctx, first)
	if err != nil {
		return nil, err
	}
	if len(c.lines) == 0 {
		l, _ := a.set.ZenML()
		own := a.conflict(l, first.Proof)
		own.NeededBy = ""
		return []PinConflict{own}, nil
	}
	var change []moved
	if c.pins != nil {
		if change, err = a.smallest(ctx, c, old); err != nil {
			return nil, err
		}
	}
	if change != nil {
		a.last = &found{*c, change}
	}
	return a.conflicts(c, change), nil
}

func (a *asker) conflicts(c *culprits, change []moved) []PinConflict {
	var out []PinConflict
	for i, l := range c.lines {
		p := a.conflict(l, c.proofs[i])
		for _, m := range change {
			if same(m.Line, l) {
				fix := paste(a.raw(l), change, m)
				p.Fix = &fix
			}
		}
		out = append(out, p)
	}
	return out
}

// again tries what helped on the Python before, where the same one line stood in the way.
func (a *asker) again(ctx context.Context, first *pyenv.Conflict) ([]PinConflict, error) {
	if a.last == nil || len(a.last.lines) != 1 || at(a.named(first.Proof, nil), a.last.lines[0]) < 0 {
		return nil, nil
	}
	if _, conflict, err := a.try(ctx, a.last.lines, a.last.change); err != nil || conflict != nil {
		return nil, err
	}
	return a.conflicts(&culprits{lines: a.last.lines, proofs: []string{first.Proof}}, a.last.change), nil
}

// direct tries the bound that a proof names, where one line alone stands in the way: no version can
// be nearer.
func (a *asker) direct(ctx context.Context, first *pyenv.Conflict, old map[string]string) ([]PinConflict, error) {
	lines := a.named(first.Proof, nil)
	if len(lines) != 1 {
		return nil, nil
	}
	l := lines[0]
	v := bound(needed(first.Proof, l.Name), old[l.Name])
	if v == "" {
		return nil, nil
	}
	change := []moved{move(l, a.raw(l), v)}
	if _, conflict, err := a.try(ctx, lines, change); err != nil || conflict != nil {
		return nil, err
	}
	a.last = &found{culprits{lines: lines, proofs: []string{first.Proof}}, change}
	return a.conflicts(&a.last.culprits, change), nil
}

// bound returns the end of a range that is nearest to a version outside of it; empty when the range
// names none such as >=8.3.3.
func bound(needs []string, old string) string {
	if needs == nil || old == "" {
		return ""
	}
	for c := range strings.SplitSeq(needs[2], ",") {
		m := clauseParts.FindStringSubmatch(c)
		if m == nil || strings.Contains(m[3], "*") {
			continue
		}
		if d := version.Compare(old, m[3]); m[1] == "==" || m[1] == ">=" && d < 0 || m[1] == "<=" && d > 0 {
			return m[3]
		}
	}
	return ""
}

// needed finds in uv's words who asks what of a package: "Because zenml>=0.98.0 depends on
// click>=8.3.3,<=8.5.0 and ..." gives the asker and the range; nil when it does not say.
func needed(proof, name string) []string {
	needs := regexp.MustCompile(`(\S+) depends on ` + regexp.QuoteMeta(name) + `([^\s,]*(?:,[<>=!~][^\s,]*)*)`)
	return needs.FindStringSubmatch(oneLine(proof))
}

// try resolves the whole set with a change.
func (a *asker) try(ctx context.Context, lines []repo.Line, change []moved) (map[string]string, *pyenv.Conflict, error) {
	return a.ask(ctx, a.question(a.to, func(l repo.Line) string {
		if i := at(lines, l); i >= 0 {
			return l.With(change[i].bounds)
		}
		return l.Text
	}))
}

// culprits loosens the lines that the resolver names until the rest resolves, then puts back each
// that need not move.
func (a *asker) culprits(ctx context.Context, first *pyenv.Conflict) (*culprits, error) {
	c := &culprits{}
	proof := first.Proof
	for range mostRounds {
		more := a.named(proof, c.lines)
		if len(more) == 0 {
			return c, nil
		}
		for _, l := range more {
			c.lines, c.proofs = append(c.lines, l), append(c.proofs, proof)
		}
		pins, conflict, err := a.resolve(ctx, a.to, c.lines)
		if err != nil {
			return nil, err
		}
		if conflict == nil {
			c.pins = pins
			break
		}
		proof = conflict.Proof
	}
	for i := 0; i < len(c.lines) && len(c.lines) > 1; {
		others := slices.Delete(slices.Clone(c.lines), i, i+1)
		pins, conflict, err := a.resolve(ctx, a.to, others)
		switch {
		case err != nil:
			return nil, err
		case conflict == nil:
			c.lines, c.proofs, c.pins = others, slices.Delete(c.proofs, i, i+1), pins
		default:
			c.proofs[i] = conflict.Proof
			i++
		}
	}
	return c, nil
}

// smallest moves the culprits and proves the whole set with the change; nil when none was proved.
// The change has one element for each culprit.
func (a *asker) smallest(ctx context.Context, c *culprits, old map[string]string) ([]moved, error) {
	nearest, err := a.nearest(ctx, c, old)
	if err != nil {
		return nil, err
	}
	for _, to := range []map[string]string{nearest, c.pins} {
		var change []moved
		for _, l := range c.lines {
			change = append(change, move(l, a.raw(l), to[l.Name]))
		}
		_, conflict, err := a.try(ctx, c.lines, change)
		if err != nil {
			return nil, err
		}
		if conflict == nil {
			return change, nil
		}
	}
	return nil, nil
}

// nearest returns the versions nearest to those in use that hold together. Where the way is up it is
// the lowest one above, with the other requirements as the newest answer has them; where only
// older versions serve, the newest answer is the nearest.
func (a *asker) nearest(ctx context.Context, c *culprits, old map[string]string) (map[string]string, error) {
	up := map[string]string{}
	for _, l := range c.lines {
		if old[l.Name] != "" && version.Compare(c.pins[l.Name], old[l.Name]) > 0 {
			up[l.Name] = ">" + old[l.Name]
		}
	}
	if len(up) == 0 {
		return c.pins, nil
	}
	q := a.question(a.to, func(l repo.Line) string {
		bounds, goesUp := up[l.Name]
		switch {
		case goesUp && at(c.lines, l) >= 0:
			return l.With(bounds)
		case c.pins[l.Name] != "" && !goesUp:
			return l.With("==" + c.pins[l.Name])
		}
		return l.Text
	})
	for _, n := range slices.Sorted(maps.Keys(up)) { // one that is only constrained is chosen low only when asked for
		if !slices.ContainsFunc(a.set.Lines, func(l repo.Line) bool { return l.Name == n }) {
			q.Requirements = append(q.Requirements, n+up[n])
		}
	}
	q.Lowest = true
	pins, conflict, err := a.ask(ctx, q)
	if err != nil || conflict == nil {
		return pins, err
	}
	return c.pins, nil
}

// named returns the lines with bounds in this set whose package a proof speaks of, in order.
func (a *asker) named(proof string, already []repo.Line) []repo.Line {
	words := map[string]bool{}
	for _, w := range packageWord.FindAllString(proof, -1) {
		words[pyenv.Normalize(w)] = true
	}
	var out []repo.Line
	for _, l := range slices.Concat(a.set.Lines, a.set.Constraints) {
		bare := l.With("") == strings.TrimSpace(l.Text)
		if l.Name != "zenml" && !bare && words[l.Name] && at(already, l) < 0 && at(out, l) < 0 {
			out = append(out, l)
		}
	}
	return out
}

var packageWord = regexp.MustCompile(`[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`)

func (a *asker) conflict(l repo.Line, proof string) PinConflict {
	c := PinConflict{
		Set: a.set.Name, File: l.File, Line: l.Line, Python: a.python, Package: l.Name,
		Yours: l.Text, NeededBy: "zenml==" + a.to, Proof: proof,
	}
	if m := needed(proof, l.Name); m != nil {
		c.NeededBy = m[1] + " needs " + l.Name + m[2]
	}
	return c
}

// raw returns a line as its file has it; empty when it cannot be told.
func (a *asker) raw(l repo.Line) string {
	data, err := a.tree.Read(l.File)
	lines := strings.Split(string(data), "\n")
	if err != nil || l.Line < 1 || l.Line > len(lines) {
		return ""
	}
	return strings.TrimRight(lines[l.Line-1], "\r")
}
