package pin

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Move says what became of a place.
type Move string

// The moves. Unclear is a place that changed and does not say from or to exactly which version;
// Respelled one whose version stayed while something else about it changed.
const (
	Same       Move = "same"
	Upgraded   Move = "upgraded"
	Downgraded Move = "downgraded"
	Added      Move = "added"
	Removed    Move = "removed"
	Respelled  Move = "respelled"
	Unclear    Move = "unclear"
)

// Change is one place at the base and at the head; one of the two is null when it is not there.
type Change struct {
	Move Move `json:"move"`
	Base *Pin `json:"base"`
	Head *Pin `json:"head"`
}

// At is the place as it is now, or was when it is gone.
func (c *Change) At() *Pin {
	if c.Head != nil {
		return c.Head
	}
	return c.Base
}

// Compare pairs the pins of two trees by file, kind and place, and those of one such in their order.
func Compare(base, head []Pin) []Change {
	type key struct {
		file, place string
		kind        Kind
	}
	places := map[key][]Change{}
	var order []key
	for i := range base {
		k := key{base[i].File, base[i].Place, base[i].Kind}
		if places[k] == nil {
			order = append(order, k)
		}
		places[k] = append(places[k], Change{Base: &base[i]})
	}
	for i := range head {
		k := key{head[i].File, head[i].Place, head[i].Kind}
		if places[k] == nil {
			order = append(order, k)
		}
		if at := slices.IndexFunc(places[k], func(c Change) bool { return c.Head == nil }); at >= 0 {
			places[k][at].Head = &head[i]
		} else {
			places[k] = append(places[k], Change{Head: &head[i]})
		}
	}
	out := []Change{}
	for _, k := range order {
		out = append(out, places[k]...)
	}
	for i := range out {
		out[i].Move = move(out[i].Base, out[i].Head)
	}
	slices.SortStableFunc(out, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.At().File, b.At().File), cmp.Compare(a.At().Line, b.At().Line))
	})
	return out
}

func move(base, head *Pin) Move {
	switch {
	case base == nil:
		return Added
	case head == nil:
		return Removed
	case base.Version != nil && head.Version != nil:
		c := version.Compare(*base.Version, *head.Version)
		switch {
		case c < 0:
			return Upgraded
		case c > 0:
			return Downgraded
		}
	case base.Text != head.Text:
		return Unclear
	}
	if base.Text != head.Text {
		return Respelled
	}
	return Same
}

// Span is from which version to which a project moves; null when no place says it exactly.
type Span struct {
	Project string  `json:"project"`
	From    *string `json:"from"`
	To      *string `json:"to"`
}

// Spans sums the changes up: per project the lowest version that is left and the highest that is
// reached, of the places that count ZenML's versions. Projects that do not move are left out.
func Spans(changes []Change) []Span {
	out := []Span{}
	for i := range changes {
		c := &changes[i]
		if c.Move == Same || c.Move == Respelled || !c.At().Counts() {
			continue
		}
		at := slices.IndexFunc(out, func(s Span) bool { return s.Project == c.At().Project })
		if at < 0 {
			out = append(out, Span{Project: c.At().Project})
			at = len(out) - 1
		}
		s := &out[at]
		if c.Base != nil && c.Base.Version != nil && (s.From == nil || version.Compare(*c.Base.Version, *s.From) < 0) {
			s.From = c.Base.Version
		}
		if c.Head != nil && c.Head.Version != nil && (s.To == nil || version.Compare(*c.Head.Version, *s.To) > 0) {
			s.To = c.Head.Version
		}
	}
	slices.SortFunc(out, func(a, b Span) int { return cmp.Compare(a.Project, b.Project) })
	return out
}

// Widest is the lowest from and the highest to of all spans, empty where no span says it.
func Widest(spans []Span) (from, to string) {
	for _, s := range spans {
		if s.From != nil && (from == "" || version.Compare(*s.From, from) < 0) {
			from = *s.From
		}
		if s.To != nil && (to == "" || version.Compare(*s.To, to) > 0) {
			to = *s.To
		}
	}
	return from, to
}

// Agrees says whether a place allows a version. One that names no version does, such as the tag
// latest: it says nothing against.
func (p *Pin) Agrees(v string) bool {
	switch {
	case !p.Counts():
		return true
	case p.Version != nil:
		return version.Compare(*p.Version, v) == 0
	case p.Kind == Requirement && p.Bounds != "":
		return version.Allows(strings.TrimSuffix(p.Bounds, ","), v)
	}
	return true
}

// ChangedUnread returns the gaps of files that differ between two commits: what the change did there
// is not known. A link differs when what it leads to does, a submodule when its commit does.
func ChangedUnread(base, head *repo.Tree, baseGaps, headGaps []repo.Gap) []repo.Gap {
	var out []repo.Gap
	seen := map[string]bool{}
	add := func(g repo.Gap) {
		if !seen[g.File] && base.ID(g.File) != head.ID(g.File) {
			seen[g.File] = true
			out = append(out, g)
		}
	}
	for _, g := range slices.Concat(headGaps, baseGaps) {
		add(g)
	}
	for _, t := range []*repo.Tree{head, base} {
		for _, g := range t.Skipped {
			if !repo.IsPython(g.File) {
				add(g)
			}
		}
		for _, l := range t.Links {
			if CanHold(l) && !repo.IsPython(l) {
				add(repo.Gap{File: l, Why: "it is a symbolic link and was not followed"})
				target := t.Follow(l)
				if !seen[l] && (base.ID(target) != head.ID(target)) {
					seen[l] = true
					out = append(out, repo.Gap{File: l, Why: "it is a symbolic link to a file that changed, and was not followed"})
				}
			}
		}
	}
	return out
}
