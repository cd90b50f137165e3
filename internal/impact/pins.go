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
}

// PinConflict is a requirement of the user's that the new version cannot live with.
type PinConflict struct {
	Set      string  `json:"set"`
	File     string  `json:"file"`
	Line     int     `json:"line"`
	Python   string  `json:"python"`
	Package  string  `json:"package"`
	Yours    string  `json:"yours"`
	NeededBy string  `json:"needed_by"`
	Proof    string  `json:"proof"` // the resolver's words
	Fix      *string `json:"fix"`   // null when no change was proved to help
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

// CheckPins asks the resolver whether every set holds together with ZenML's pin replaced by the new
// version, for each Python version. What cannot be asked or judged is in Unjudged.
func CheckPins(ctx context.Context, x *pyenv.Index, sets []repo.Set, pythons []string, from, to string) *Pins {
	out := &Pins{Files: FindPins(sets), Conflicts: []PinConflict{}, Resolved: map[string]Answer{}, Already: []Already{}, Unjudged: []repo.Gap{}}
	type cell struct {
		answer    Answer
		conflicts []PinConflict
		already   *Already
		gap       *repo.Gap
	}
	grid := make([]cell, len(sets)*len(pythons))
	group := errgroup.Group{}
	group.SetLimit(4)
	for i, s := range sets {
		for k, python := range pythons {
			c := &grid[i*len(pythons)+k]
			group.Go(func() error {
				a := asker{x: x, set: s, python: python, from: from, to: to}
				c.answer, c.conflicts, c.already, c.gap = a.ask(ctx)
				return nil
			})
		}
		out.Unjudged = append(out.Unjudged, s.Gaps...)
	}
	_ = group.Wait() // a failure is in its cell
	for i := range grid {
		c, python := &grid[i], pythons[i%len(pythons)]
		out.Conflicts = append(out.Conflicts, c.conflicts...)
		if c.already != nil {
			out.Already = append(out.Already, *c.already)
		}
		if c.gap != nil {
			out.Unjudged = append(out.Unjudged, *c.gap)
		}
		answer := c.answer
		if answer == Resolves && len(sets[i/len(pythons)].Gaps) > 0 {
			answer = Unjudged
		}
		if slices.Index(answers, answer) > slices.Index(answers, out.Resolved[python]) {
			out.Resolved[python] = answer
		}
	}
	out.Unjudged = unique(out.Unjudged)
	return out
}

func unique(gaps []repo.Gap) []repo.Gap {
	seen := map[repo.Gap]bool{}
	return slices.DeleteFunc(gaps, func(g repo.Gap) bool {
		was := seen[g]
		seen[g] = true
		return was
	})
}

// asker asks about one set on one Python version.
type asker struct {
	x                *pyenv.Index
	set              repo.Set
	python, from, to string
}

func (a *asker) ask(ctx context.Context) (Answer, []PinConflict, *Already, *repo.Gap) {
	unknown := func(err error) (Answer, []PinConflict, *Already, *repo.Gap) {
		return Unjudged, nil, nil, &repo.Gap{File: a.set.Name, Why: fmt.Sprintf("the resolver gave no answer for Python %s: %v", a.python, err)}
	}
	_, err := a.resolve(ctx, a.to, nil)
	var conflict *pyenv.Conflict
	switch {
	case err == nil:
		return Resolves, nil, nil, nil
	case !errors.As(err, &conflict):
		return unknown(err)
	case pythonRefused.MatchString(strings.Join(strings.Fields(conflict.Proof), " ")):
		return PythonRefused, nil, nil, nil
	case onlyWheels.MatchString(conflict.Proof):
		return unknown(errors.New("a package has no wheel, and building one would run its code"))
	}
	var old *pyenv.Conflict
	if _, err := a.resolve(ctx, a.from, nil); errors.As(err, &old) && !onlyWheels.MatchString(old.Proof) {
		return AlreadyConflicting, nil, &Already{Set: a.set.Name, Python: a.python, Proof: old.Proof}, nil
	} else if err != nil {
		return unknown(err)
	}
	found, err := a.explain(ctx, conflict)
	if err != nil {
		return unknown(err)
	}
	return Conflicts, found, nil, nil
}

// pythonRefused is uv's proof that ZenML itself does not run on a Python: no pin is to blame.
var pythonRefused = regexp.MustCompile(`does not satisfy Python\S+ and (you require )?zenml|zenml\S* depends on Python`)

var onlyWheels = regexp.MustCompile(`no usable wheels|building from source is disabled|has no wheels`)

// resolve asks with ZenML's own pin replaced and the named packages' bounds left away.
func (a *asker) resolve(ctx context.Context, v string, loose []string) (map[string]string, error) {
	q := pyenv.Question{Python: a.python}
	for _, l := range a.set.Lines {
		switch {
		case l.Name == "zenml":
			q.Requirements = append(q.Requirements, l.With("=="+v))
		case slices.Contains(loose, l.Name):
			q.Requirements = append(q.Requirements, l.With(""))
		default:
			q.Requirements = append(q.Requirements, l.Text)
		}
	}
	for _, l := range a.set.Constraints {
		if l.Name != "zenml" && !slices.Contains(loose, l.Name) {
			q.Constraints = append(q.Constraints, l.Text)
		}
	}
	return a.x.Resolve(ctx, q)
}

// mostRounds bounds how many pins of one set are named.
const mostRounds = 8

// explain finds the user's pins that stand against the new version. It loosens one after the other
// until the rest resolves; only then the versions that came out are a proved fix.
func (a *asker) explain(ctx context.Context, first *pyenv.Conflict) ([]PinConflict, error) {
	var out []PinConflict
	var loose []string
	proof := first.Proof
	for range mostRounds {
		candidates := a.named(proof, loose)
		if len(candidates) == 0 {
			break
		}
		next := ""
		for _, l := range candidates {
			pins, err := a.resolve(ctx, a.to, append(slices.Clone(loose), l.Name))
			var conflict *pyenv.Conflict
			if err == nil {
				out = append(out, a.conflict(l, proof))
				for i := range out {
					fix := out[i].Package + "==" + pins[out[i].Package]
					out[i].Fix = &fix
				}
				return out, nil
			}
			if !errors.As(err, &conflict) {
				return nil, err
			}
			if next == "" {
				next = conflict.Proof
			}
		}
		// Several pins stand in the way: go on without the first.
		out = append(out, a.conflict(candidates[0], proof))
		loose, proof = append(loose, candidates[0].Name), next
	}
	if len(out) == 0 {
		l, _ := a.set.ZenML()
		c := a.conflict(l, proof)
		c.NeededBy = ""
		out = append(out, c)
	}
	return out, nil
}

// named returns the set's bounded requirements and constraints that a proof speaks of.
func (a *asker) named(proof string, loose []string) []repo.Line {
	var out []repo.Line
	words := map[string]bool{}
	for _, w := range packageWord.FindAllString(proof, -1) {
		words[pyenv.Normalize(w)] = true
	}
	for _, l := range slices.Concat(a.set.Lines, a.set.Constraints) {
		bare := l.With("") == strings.TrimSpace(l.Text)
		again := slices.ContainsFunc(out, func(o repo.Line) bool { return o.Name == l.Name })
		if l.Name != "zenml" && !bare && !again && words[l.Name] && !slices.Contains(loose, l.Name) {
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
	// uv: "Because zenml>=0.98.0 depends on click>=8.3.3,<=8.5.0 and ..."
	needs := regexp.MustCompile(`(\S+) depends on (` + regexp.QuoteMeta(l.Name) + `[^\s,]*(?:,[<>=!~][^\s,]*)*)`)
	if m := needs.FindStringSubmatch(strings.Join(strings.Fields(proof), " ")); m != nil {
		c.NeededBy = m[1] + " needs " + m[2]
	}
	return c
}
