package impact

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// Pins is what the resolver says of the repository's requirements.
type Pins struct {
	Files     []Pin             `json:"files"`
	Conflicts []PinConflict     `json:"conflicts"`
	Resolved  map[string]Answer `json:"resolved"` // Python version to the worst answer of any set
	Sets      []SetAnswer       `json:"sets"`
	Already   []Already         `json:"already_conflicting"`
	Unjudged  []repo.Gap        `json:"unjudged"`
}

// Pin is a line that asks for ZenML.
type Pin struct {
	Set     string  `json:"set"`
	File    string  `json:"file"`
	Line    int     `json:"line"`
	Yours   string  `json:"yours"`
	Version *string `json:"version"` // null when the line allows several
	Fix     *string `json:"fix"`     // the line with the new version; null when it allows that already
}

// PinConflict is a requirement of the user's that the new version cannot live with.
type PinConflict struct {
	Set      string `json:"set"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Python   string `json:"python"`
	Package  string `json:"package"`
	Yours    string `json:"yours"`
	NeededBy string `json:"needed_by"`
	Proof    string `json:"proof"` // the resolver's words
	// Fix is a line to put in place of the user's; null when no change was proved to help. The
	// fixes of one set and Python are one change, proved as a whole.
	Fix *string `json:"fix"`
}

// Already is a set that does not resolve with the old version either.
type Already struct {
	Set    string `json:"set"`
	Python string `json:"python"`
	Proof  string `json:"proof"`
}

// Answer is how resolving the sets with the new version ended.
type Answer string

// The answers, from good to worst.
const (
	Resolves           Answer = "resolves"
	Unjudged           Answer = "unknown"
	AlreadyConflicting Answer = "already_conflicting"
	PythonRefused      Answer = "python_unsupported"
	Conflicts          Answer = "conflict"
)

var answers = []Answer{Resolves, Unjudged, AlreadyConflicting, PythonRefused, Conflicts}

// FindPins lists the lines that ask for ZenML.
func FindPins(sets []repo.Set) []Pin {
	out := []Pin{}
	for _, s := range sets {
		l, _ := s.ZenML()
		p := Pin{Set: s.Name, File: l.File, Line: l.Line, Yours: l.Text}
		if v := l.PinnedVersion(); v != "" {
			p.Version = &v
		}
		out = append(out, p)
	}
	return out
}

// Asked is a set of requirements with the Python versions it is installed on.
type Asked struct {
	repo.Set
	Pythons []string
}

// SetAnswer is how one set ended on one Python.
type SetAnswer struct {
	Set    string `json:"set"`
	Python string `json:"python"`
	Answer Answer `json:"answer"`
}

// cell is what came out for one set and one Python.
type cell struct {
	set       *repo.Set
	python    string
	answer    Answer
	conflicts []PinConflict
	already   *Already
	gap       *repo.Gap
}

// CheckPins asks the resolver whether every set holds together with ZenML's pin replaced by the new
// version, on each of its Python versions. What cannot be asked or judged is in Unjudged. The tree
// is where fixes get the owner's own lines from.
func CheckPins(ctx context.Context, x *pyenv.Index, t *repo.Tree, sets []Asked, from, to string) *Pins {
	out := &Pins{Files: []Pin{}, Conflicts: []PinConflict{}, Resolved: map[string]Answer{}, Sets: []SetAnswer{}, Already: []Already{}, Unjudged: []repo.Gap{}}
	var rows [][]*cell
	var askers []*asker
	group := errgroup.Group{}
	group.SetLimit(4)
	for i := range sets {
		s := &sets[i]
		s.Gaps = append(slices.Clone(s.Gaps), repo.Unfollowed(t, &s.Set)...)
		out.Unjudged = append(out.Unjudged, s.Gaps...)
		a := &asker{x: x, tree: t, set: s.Set, from: from, to: to}
		out.Files = append(out.Files, a.pin())
		var row []*cell
		for _, python := range s.Pythons {
			row = append(row, &cell{set: &s.Set, python: python})
		}
		rows, askers = append(rows, row), append(askers, a)
	}
	together(ctx, x, slices.Concat(rows...), to)
	for i, a := range askers {
		group.Go(func() error {
			for _, c := range rows[i] {
				if a.python = c.python; c.answer == "" {
					a.judge(ctx, c)
				}
			}
			return nil
		})
	}
	_ = group.Wait() // a failure is in its cell
	for _, c := range slices.Concat(rows...) {
		out.add(c)
	}
	out.Unjudged = unique(out.Unjudged)
	return out
}

func (p *Pins) add(c *cell) {
	p.Conflicts = append(p.Conflicts, c.conflicts...)
	if c.already != nil {
		p.Already = append(p.Already, *c.already)
	}
	if c.gap != nil {
		p.Unjudged = append(p.Unjudged, *c.gap)
	}
	if c.answer == Resolves && len(c.set.Gaps) > 0 {
		c.answer = Unjudged
	}
	p.Sets = append(p.Sets, SetAnswer{Set: c.set.Name, Python: c.python, Answer: c.answer})
	if slices.Index(answers, c.answer) > slices.Index(answers, p.Resolved[c.python]) {
		p.Resolved[c.python] = c.answer
	}
}

func unique(gaps []repo.Gap) []repo.Gap {
	seen := map[repo.Gap]bool{}
	return slices.DeleteFunc(gaps, func(g repo.Gap) bool {
		was := seen[g]
		seen[g] = true
		return was
	})
}

// asker asks about one set, on one Python version after the other.
type asker struct {
	x                *pyenv.Index
	tree             *repo.Tree
	set              repo.Set
	python, from, to string
	last             *found // what helped on the Python before
}

// pin returns the set's line of ZenML, with what it becomes.
func (a *asker) pin() Pin {
	p := FindPins([]repo.Set{a.set})[0]
	l, _ := a.set.ZenML()
	m := move(l, a.raw(l), a.to)
	if m.text != m.own {
		fix := paste(a.raw(l), []moved{m}, m)
		p.Fix = &fix
	}
	return p
}

// judge fills a cell in.
func (a *asker) judge(ctx context.Context, c *cell) {
	unknown := func(why string) {
		c.answer, c.gap = Unjudged, &repo.Gap{File: a.set.Name, Why: fmt.Sprintf("the resolver gave no answer for Python %s: %s", a.python, why)}
	}
	_, conflict, err := a.resolve(ctx, a.to, nil)
	switch {
	case err != nil:
		unknown(err.Error())
		return
	case conflict == nil:
		c.answer = Resolves
		return
	case pythonRefused.MatchString(oneLine(conflict.Proof)):
		c.answer = PythonRefused
		return
	case unanswerable(conflict.Proof) != "":
		unknown(unanswerable(conflict.Proof))
		return
	}
	old, before, err := a.resolve(ctx, a.from, nil)
	switch {
	case err != nil:
		unknown(err.Error())
		return
	case before != nil && unanswerable(before.Proof) != "":
		unknown(unanswerable(before.Proof))
		return
	case before != nil:
		c.answer, c.already = AlreadyConflicting, &Already{Set: a.set.Name, Python: a.python, Proof: before.Proof}
		return
	}
	if c.conflicts, err = a.explain(ctx, conflict, old); err != nil {
		unknown(err.Error())
		return
	}
	c.answer = Conflicts
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// pythonRefused is uv's proof that ZenML itself does not run on a Python: no pin is to blame.
var pythonRefused = regexp.MustCompile(`does not satisfy Python\S+ and (you require )?zenml|zenml\S* depends on Python`)

var (
	noWheel = regexp.MustCompile(`(\S+) (?:has|have) no (?:usable )?wheels`)
	builds  = regexp.MustCompile(`building from source is disabled`)
	absent  = regexp.MustCompile(`(?:Because |because |and )?(\S+) was not found in the package registry`)
	noZenML = regexp.MustCompile(`there (?:is|are) no versions? of (zenml\S*)`)
)

// unanswerable says why a refusal proves nothing of the upgrade; empty for one that does.
func unanswerable(proof string) string {
	text := oneLine(proof)
	if m := absent.FindStringSubmatch(text); m != nil {
		return m[1] + " is not on the package index that this machine uses (an index that the repository names is not followed)"
	}
	if m := noZenML.FindStringSubmatch(text); m != nil {
		return m[1] + " is not on the package index that this machine uses"
	}
	if m := noWheel.FindStringSubmatch(text); m != nil {
		return m[1] + " has no wheel for it, and building one would run its code"
	}
	if builds.MatchString(text) {
		return "a package has no wheel, and building one would run its code"
	}
	return ""
}

// question puts the set as a question, with ZenML's own pin replaced and every other line as told.
func (a *asker) question(v string, line func(repo.Line) string) pyenv.Question {
	q := pyenv.Question{Python: a.python}
	for _, l := range a.set.Lines {
		if l.Name == "zenml" {
			q.Requirements = append(q.Requirements, l.With("=="+v))
		} else {
			q.Requirements = append(q.Requirements, line(l))
		}
	}
	for _, l := range a.set.Constraints {
		if l.Name != "zenml" {
			q.Constraints = append(q.Constraints, line(l))
		}
	}
	return q
}

// ask puts a question. The conflict is the resolver's refusal, the error anything else.
func (a *asker) ask(ctx context.Context, q pyenv.Question) (map[string]string, *pyenv.Conflict, error) {
	pins, err := a.x.Resolve(ctx, q)
	var conflict *pyenv.Conflict
	if errors.As(err, &conflict) {
		return nil, conflict, nil
	}
	return pins, nil, err
}

// resolve asks with the bounds of some lines left away.
func (a *asker) resolve(ctx context.Context, v string, loose []repo.Line) (map[string]string, *pyenv.Conflict, error) {
	return a.ask(ctx, a.question(v, func(l repo.Line) string {
		if at(loose, l) >= 0 {
			return l.With("")
		}
		return l.Text
	}))
}
