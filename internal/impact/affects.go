package impact

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/usage"
)

// Known is what answers whether a finding hits the repository.
type Known struct {
	Tree   *repo.Tree
	Sets   []repo.Set
	Gaps   []repo.Gap // requirement files that could not be judged
	Python Python     // judged
	Code   *Code      // nil when the code could not be checked
	Pair   *Pair      // nil when nothing could be installed
	Usage  *usage.Index
	// What both versions define; nil when that could not be read.
	Old, New *usage.Symbols

	words map[string]bool // of the names of both versions
}

// mostEvidence bounds the places told for one finding.
const mostEvidence = 10

// answer is what a rule says of a finding.
type answer struct {
	affects  release.Affects
	reason   string
	decide   string // of Unknown: the fact that would decide
	searched []string
	evidence []release.Evidence
	settled  bool // no file that could not be read can change it
	onPython bool // only a Python file that could not be read can change it
}

// Answer fills in Affects and what it rests on for every finding, and links breakages in the code with
// the findings that name the same thing. No is said only after a search that would have found a use.
func (k *Known) Answer(findings []release.Finding) {
	wanted := map[string]bool{}
	for i := range findings {
		for _, about := range topics(tell(findings[i].Text).subject) {
			wanted[strings.Join(about.words, " ")] = true
		}
	}
	k.words = vocabulary(wanted, k.Old, k.New)
	for i := range findings {
		f := &findings[i]
		a := k.answer(f)
		if a.affects == release.No {
			a = k.doubt(a)
		}
		if a.affects == release.Unknown && a.decide == "" {
			a.decide = "what the change touches here: a person has to read it"
		}
		f.Affects, f.Reason, f.WouldDecide = a.affects, a.reason, nil
		if a.affects == release.Unknown {
			f.WouldDecide = &a.decide
		}
		f.Searched = append([]string{}, a.searched...)
		f.Evidence = distinct(append([]release.Evidence{}, a.evidence...))
	}
}

func (k *Known) answer(f *release.Finding) answer {
	switch {
	case f.Category == release.PythonSupport:
		return k.python()
	case f.Category == release.Dependency && f.Source == "metadata":
		return k.dependency(f.Title)
	}
	t := tell(f.Text)
	if f.Category == release.Feature {
		return k.feature(f, t)
	}
	linked := k.link(f, t)
	for _, rule := range []func(*release.Finding, told) (answer, bool){
		k.together, k.pythonDropped, k.extras, k.custom, k.content, k.integration, k.named, k.helm, k.about,
	} {
		if a, ok := rule(f, t); ok {
			return k.withLinked(a, linked)
		}
	}
	return k.withLinked(answer{affects: release.Unknown, reason: "The text names nothing that can be searched for."}, linked)
}

// withLinked lets the type checker's proof win over a search.
func (k *Known) withLinked(a answer, linked []release.Evidence) answer {
	if len(linked) == 0 {
		return a
	}
	a.searched = append([]string{"the type checker's breakages"}, a.searched...)
	a.evidence = append(linked, a.evidence...)
	a.affects, a.reason = release.Yes, "The type checker finds the code broken where it uses this."
	return a
}

// doubt takes a No back when something could not be read that could hide a use.
func (k *Known) doubt(a answer) answer {
	var hidden []string
	switch {
	case a.settled:
		return a
	case k.Usage == nil:
		hidden = append(hidden, "the repository's files")
	default:
		for _, g := range k.Usage.Gaps {
			if !a.onPython || repo.IsPython(g.File) || path.Ext(g.File) == "" {
				hidden = append(hidden, g.File)
			}
		}
	}
	slices.Sort(hidden)
	if hidden = slices.Compact(hidden); len(hidden) == 0 {
		return a
	}
	more := ""
	if len(hidden) > 3 {
		more = fmt.Sprintf(" and %d more", len(hidden)-3)
	}
	a.affects = release.Unknown
	a.reason = "No use was found, but not everything could be read."
	a.decide = "what stands in " + strings.Join(hidden[:min(3, len(hidden))], ", ") + more + ", which could not be read"
	return a
}

func distinct(list []release.Evidence) []release.Evidence {
	type place struct {
		file string
		line int
	}
	seen := map[place]bool{}
	list = slices.DeleteFunc(list, func(e release.Evidence) bool {
		p := place{e.File, e.Line}
		was := seen[p]
		seen[p] = true
		return was
	})
	slices.SortStableFunc(list, func(a, b release.Evidence) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return list[:min(len(list), mostEvidence)]
}

// link ties a finding to the breakages whose symbol it names, or whose symbol is about its topic.
func (k *Known) link(f *release.Finding, t told) []release.Evidence {
	if k.Code == nil {
		return nil
	}
	var about []topic
	if len(t.names) == 0 && removes.MatchString(t.text) { // nothing more exact is named
		about = k.recognised(topics(t.subject))
	}
	var out []release.Evidence
	for i := range k.Code.Breakages {
		b := &k.Code.Breakages[i]
		names := Names(b.Message)
		if len(names) == 0 {
			continue
		}
		symbol := names[len(names)-1]
		named := slices.ContainsFunc(t.names, func(n string) bool { return sameSymbol(n, symbol, names) })
		topical := slices.ContainsFunc(about, func(a topic) bool { return !a.core() && speaks(symbol, a) })
		if named || topical {
			b.Findings = append(b.Findings, f.ID)
			out = append(out, release.Evidence{File: b.File, Line: b.Line, Message: b.Message})
		}
	}
	return out
}

// sameSymbol says whether a name in a finding's text is the symbol of a breakage. A class told before
// it must be one that the breakage speaks of.
func sameSymbol(told, symbol string, all []string) bool {
	told = bare(told)
	if told == symbol || strings.HasPrefix(told, "zenml.") && strings.HasPrefix(symbol, told+".") {
		return true
	}
	i := strings.LastIndexByte(told, '.')
	if i < 0 || told[i+1:] != symbol {
		return false
	}
	class := told[strings.LastIndexByte(told[:i], '.')+1 : i]
	return strings.ToLower(class) == class || slices.Contains(all, class)
}

// Proven lists what the new version of ZenML no longer defines, or newly calls deprecated, of what the
// code uses by a full name, apart from what the type checker tells already.
func (k *Known) Proven(from, to string) (broken, deprecated []Breakage) {
	if k.Usage == nil || k.Old == nil || k.New == nil {
		return nil, nil
	}
	seen := map[string]bool{}
	if k.Code != nil {
		for _, b := range slices.Concat(k.Code.Breakages, k.Code.Deprecated) {
			seen[fmt.Sprintf("%s:%d", b.File, b.Line)] = true
		}
	}
	for _, p := range k.Usage.All(usage.Import, usage.Attribute, usage.Subclass, usage.Reference, usage.Call, usage.Command) {
		at := fmt.Sprintf("%s:%d", p.File, p.Line)
		if p.Unreached != "" || seen[at] {
			continue
		}
		if name, ok := k.removed(p); ok {
			seen[at] = true
			broken = append(broken, Breakage{File: p.File, Line: p.Line, Rule: "zenml-removed", Findings: []string{},
				Message: fmt.Sprintf("ZenML %s has `%s`, ZenML %s has not", from, name, to)})
		} else if name, ok := k.deprecated(p); ok {
			seen[at] = true
			deprecated = append(deprecated, Breakage{File: p.File, Line: p.Line, Rule: "zenml-deprecated", Findings: []string{},
				Message: fmt.Sprintf("ZenML %s calls `%s` deprecated", to, name)})
		}
	}
	return broken, deprecated
}

// removed says whether the old version defines what a place uses and the new one does not.
func (k *Known) removed(p usage.Place) (string, bool) {
	if k.Old == nil || k.New == nil {
		return "", false
	}
	if p.Kind == usage.Command {
		words, _, ok := k.Old.Command(p.Name)
		if !ok {
			return "", false
		}
		_, still := k.New.Commands[words]
		return "zenml " + words, !still
	}
	if strings.ContainsAny(p.Name, "([") || !strings.HasPrefix(p.Name, "zenml") {
		return "", false
	}
	had, known := k.Old.Has(p.Name)
	if !had || !known {
		return "", false
	}
	has, known := k.New.Has(p.Name)
	return p.Name, known && !has
}

func (k *Known) deprecated(p usage.Place) (string, bool) {
	if p.Kind == usage.Command {
		words, now, ok := k.New.Command(p.Name)
		return "zenml " + words, ok && now && !k.Old.Commands[words]
	}
	if p.Kind != usage.Call && p.Kind != usage.Import || strings.ContainsAny(p.Name, "([") {
		return "", false
	}
	name, ok := k.New.DeprecatedName(p.Name)
	if _, before := k.Old.DeprecatedName(p.Name); !ok || before {
		return "", false
	}
	return name, true
}
