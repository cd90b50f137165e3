package release

import (
	"regexp"
	"slices"
	"strings"
)

// section says what a heading announces.
type section int

const (
	sectionNone section = iota
	sectionBreaking
	sectionMixed    // breaking changes and deprecations in one list
	sectionUpcoming // breaking in a later version
	sectionDeprecation
	sectionSecurity
	sectionMigration
	sectionKnown
	sectionPython
	sectionDependency
	sectionHelm
	sectionChanged // the generated list of pull requests
	sectionFeature
	sectionImprove
	sectionFix
	sectionQuiet // documentation, thanks, contributors: nothing in it changes the software
)

// sectionWords are tried in order; the first that matches wins.
var sectionWords = []struct {
	is   section
	says phrase
}{
	{sectionNone, say(`\b(no|non|without)[- ](known )?breaking`)},
	{sectionUpcoming, say(`\b(upcoming|future|planned|coming)\b.*\b(breaking|removals?|incompatib)`)},
	{sectionMixed, say(`\bbreaking\b.*\bdeprecat|\bdeprecat\w*\b.*\bbreaking\b`)},
	{sectionBreaking, say(`\bbreaking\b|\bbackwards?[- ]incompatib|\bincompatible changes?\b|^removals?$|^removed$`)},
	{sectionChanged, say(`^what'?s changed$|^what’s changed$|^changelog$|^full changelog$`)},
	{sectionQuiet, say(`\b(contributors?|contributions?|documentation|docs|thanks|thank you|community|examples?)\b`)},
	{sectionKnown, say(`\bknown (issues?|problems?|bugs?|limitations?)\b`)},
	{sectionDeprecation, say(`\bdeprecat`)},
	{sectionPython, say(`\bpython (3|2)?\.?\d*.*\b(support|version|dropped|removed)|\bsupport\w* .*\bpython\b`)},
	{sectionMigration, say(`\b(caution|warning)\b.*\bback ?up|\bback ?up your\b|\b(database|db|schema|alembic)\b.*\bmigrations?\b`)},
	{sectionFix, say(`^(bug ?)?fix(es|ed)?\b|\bbug ?fixes\b|\bfixes$|\bfixed$`)},
	{sectionSecurity, say(`^security( fix(es)?| updates?| advisor(y|ies)| improvements?)?$|\bvulnerabilit`)},
	{sectionImprove, say(`^(improve(d|ments?)|enhancements?|other|others|miscellaneous|ui updates?|under the hood)\b|\bimprovements?$|\benhancements?$`)},
	{sectionDependency, say(`\bdependenc(y|ies)\b|^changes in \x60?[\w-]+\x60?$|\brequirements?\b`)},
	{sectionHelm, say(`\bhelm\b.*\b(values|changes?|keys?)\b`)},
	{sectionFeature, say(`^(new|key|major|main|notable)?\s*(features?|changes?|highlights?|additions?|integrations?)\b|\bfeatures\b`)},
}

var ornament = regexp.MustCompile(`[^\p{L}\p{N}'’ .\-` + "`" + `/&]+`)

// sectionOf reads a heading's words; emoji and punctuation are ornament.
func sectionOf(title string) section {
	title = strings.TrimSpace(ornament.ReplaceAllString(title, " "))
	heard := hear(strings.Join(strings.Fields(title), " "))
	for _, w := range sectionWords {
		if w.says.in(heard) {
			return w.is
		}
	}
	return sectionNone
}

// structural sections begin something new also below another section's heading.
func (s section) structural() bool {
	return slices.Contains([]section{sectionChanged, sectionFeature, sectionImprove, sectionFix, sectionQuiet, sectionKnown, sectionUpcoming}, s)
}

// place is where a unit stands: its nearest section and the heading that opens it.
type place struct {
	is   section
	head int // index of document.heads, -1 when none
}

// placeOf finds the section of a unit: the innermost heading that names one, where a section of
// breaking changes keeps what stands below it unless a structural heading begins something else.
func (d *document) placeOf(u unit) place {
	p := place{head: -1}
	for i := len(u.heads) - 1; i >= 0; i-- {
		h := u.heads[i]
		is := d.heads[h].is
		switch {
		case is == sectionBreaking || is == sectionMixed:
			if (p.is == sectionNone || !p.is.structural()) && d.holds(h, u) {
				p.is, p.head = is, h
			}
		case p.is == sectionNone && is != sectionNone:
			p.is, p.head = is, h
		}
		if p.is.structural() {
			break
		}
	}
	if p.is == sectionNone || u.fold == sectionFix && p.is != sectionBreaking {
		p.is = u.fold
	}
	return p
}

// holds says whether a unit below a heading of breaking changes belongs to it. From 0.93 on the
// notes put "### Breaking Changes" with its list first and the features after it as "####": one
// level lower, yet not inside. There the list is all of it, unless the words of the unit's own
// subsection break something too.
func (d *document) holds(h int, u unit) bool {
	inner := u.heads[len(u.heads)-1]
	if inner == h || d.heads[h].level < 3 {
		return true
	}
	return !d.heads[h].listed || d.heads[inner].speaks
}
