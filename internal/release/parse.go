package release

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Longest is the most lines a finding covers (contract).
const Longest = 40

// Bounds of what a finding keeps of the notes.
const (
	longestTitle = 160
	longestText  = 4000
)

// Parse reads the findings out of one release's notes. body is GitHub's Markdown as it was
// written; line numbers are 1-based and inclusive in it. url, the release's page, may be empty.
// Fixes and improvements that say nothing of their own give no finding. The order is the body's.
func Parse(version, body, url string) []Finding { return read(body).findings(version, url) }

func (d *document) findings(version, url string) []Finding {
	p := &pass{doc: d, version: version, seen: map[string]bool{}}
	if url != "" {
		p.url = &url
	}
	for i := 0; i < len(p.doc.units); {
		i += p.unit(i)
	}
	return p.out
}

// pass is one reading of a body.
type pass struct {
	doc     *document
	version string
	url     *string
	seen    map[string]bool
	carry   []Category // what a paragraph said of the list items that follow it
	out     []Finding
}

// unit classifies the unit at i and returns how many units that took.
func (p *pass) unit(i int) int {
	u := p.doc.units[i]
	where := p.doc.placeOf(u)
	if pointer.in(u.said) {
		return 1
	}
	switch where.is {
	case sectionBreaking, sectionMixed:
		return p.breaking(i, where)
	case sectionChanged:
		if u.item {
			p.add(u.from, u.to, prTitle(u.plain), titleCategories(u.said))
		}
	case sectionQuiet:
		p.add(u.from, u.to, u.plain, strong(wordCategories(u.said, sectionQuiet)))
	default:
		return p.prose(i, where)
	}
	return 1
}

// strong keeps the categories that matter wherever they are said.
func strong(cats []Category) []Category {
	return slices.DeleteFunc(cats, func(c Category) bool { return c != Breaking && c != Security })
}

// breaking takes a unit of a section of breaking changes: a list item or paragraph of its own, or
// the whole subsection when it stands in one.
func (p *pass) breaking(i int, where place) int {
	u := p.doc.units[i]
	last := i
	if u.heads[len(u.heads)-1] != where.head {
		last = p.subsection(i)
	}
	from, to := u.from, p.doc.units[last].to
	if p.first(i) && !u.item && u.heads[len(u.heads)-1] != where.head {
		from = p.doc.heads[u.heads[len(u.heads)-1]].from
	}
	if last == i && u.intro && p.introduces(i) && !breakingWords.in(hear(announces.ReplaceAllString(u.plain, ""))) {
		return 1
	}
	var said []string
	for _, v := range p.doc.units[i : last+1] {
		said = append(said, v.plain)
	}
	words := strings.Join(said, " ")
	cats := wordCategories(hear(words), where.is)
	if !slices.Contains(cats, Breaking) && !(where.is == sectionMixed && slices.Contains(cats, Deprecation)) {
		cats = append([]Category{Breaking}, cats...)
	}
	title := words
	if from < u.from {
		title = p.doc.heads[u.heads[len(u.heads)-1]].plain
	}
	p.add(from, to, title, cats)
	return last - i + 1
}

// subsection returns the last unit under the same innermost heading as the unit at i, when they
// are short enough for one finding and no list of separate items.
func (p *pass) subsection(i int) int {
	units := p.doc.units
	if !p.first(i) {
		return i
	}
	last, items := i, 0
	for last+1 < len(units) && slices.Equal(units[last+1].heads, units[i].heads) {
		last++
	}
	for _, u := range units[i : last+1] {
		if u.item && !u.coded {
			items++
		}
	}
	if items > 1 {
		return i
	}
	from := p.doc.heads[units[i].heads[len(units[i].heads)-1]].from
	for last > i && units[last].to-from >= Longest {
		last--
	}
	return last
}

// first says whether a unit is the first under its innermost heading.
func (p *pass) first(i int) bool {
	return i == 0 || !slices.Equal(p.doc.units[i-1].heads, p.doc.units[i].heads)
}

// introduces says whether list items follow the paragraph at i under the same headings.
func (p *pass) introduces(i int) bool {
	units := p.doc.units
	return i+1 < len(units) && units[i+1].item && slices.Equal(units[i+1].heads, units[i].heads)
}

// prose takes a unit outside the sections of breaking changes: by its section and its words.
func (p *pass) prose(i int, where place) int {
	u := p.doc.units[i]
	cats := wordCategories(u.said, where.is)
	if len(u.heads) == 0 && !advisory.in(u.said) {
		// The lead sums up what follows: "security enhancements" is told where it stands.
		cats = slices.DeleteFunc(cats, func(c Category) bool { return c == Security })
	}
	own, named := sectionCategory[where.is]
	if named && !(u.intro && p.introduces(i)) && !slices.Contains(cats, own) {
		cats = append(cats, own)
	}
	cats = p.carried(i, cats)
	if where.is == sectionUpcoming {
		cats = slices.DeleteFunc(cats, func(c Category) bool { return c == Breaking })
	}
	// A feature's heading says more than its first sentence, and one line for it is enough.
	title := u.plain
	if where.is == sectionNone && len(u.heads) > 0 && p.first(i) && !u.folded {
		title = p.doc.heads[u.heads[len(u.heads)-1]].plain
		if len(cats) == 0 {
			cats = []Category{Feature}
		}
	} else if where.is == sectionFeature && len(cats) == 0 && u.item {
		cats = []Category{Feature}
	}
	p.add(u.from, u.to, title, cats)
	return 1
}

// carried adds to a list item what the paragraph before the list said of all its items ("the
// following methods have been removed:").
func (p *pass) carried(i int, cats []Category) []Category {
	u := p.doc.units[i]
	if !u.item || p.first(i) {
		p.carry = nil
		if !u.item && p.introduces(i) && following.in(u.said) {
			p.carry = slices.Clone(cats)
		}
		return cats
	}
	for _, c := range p.carry {
		if !slices.Contains(cats, c) {
			cats = append(cats, c)
		}
	}
	return cats
}

var sectionCategory = map[section]Category{
	sectionUpcoming: Deprecation, sectionDeprecation: Deprecation, sectionSecurity: Security,
	sectionMigration: Migration, sectionKnown: KnownIssue, sectionPython: PythonSupport,
	sectionDependency: Dependency, sectionHelm: Helm,
}

// add makes one finding a category, in pieces of at most Longest lines.
func (p *pass) add(from, to int, title string, cats []Category) {
	for _, c := range cats {
		for a := from; a <= to; a += Longest {
			b := min(to, a+Longest-1)
			text := strings.Join(p.doc.lines[a-1:b], "\n")
			id := ID(p.version, c, text)
			if p.seen[id] {
				continue
			}
			p.seen[id] = true
			p.out = append(p.out, Finding{
				ID: id, Version: p.version, Category: c, Title: cut(firstSentence(title), longestTitle), Text: cut(text, longestText),
				Lines: &[2]int{a, b}, Source: "notes", Declared: true, URL: p.url,
				Affects: Unknown, Searched: []string{}, Evidence: []Evidence{}, CVEs: []string{},
			})
		}
	}
}

// ID names a finding by what it says, not by where it stands: editing the notes around it or
// wrapping its lines leaves it as it is.
func ID(version string, c Category, text string) string {
	normal := strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}), " ")
	sum := sha256.Sum256([]byte(version + "\x00" + string(c) + "\x00" + normal))
	return version + "-" + string(c) + "-" + hex.EncodeToString(sum[:5])
}

var (
	prTail = regexp.MustCompile(`^ by @\S+( 🤖)?( and @\S+)* in (https?://\S+|\[?#\d+\S*)\s*$`)
	// pointer is a line that only leads elsewhere: pull requests, documentation, the whole release.
	pointer     = say(`^(view full release on github|full changelog: \S+|(read|see) the (docs|documentation)|learn more( about [\w &]+)?|(pr )?#\d+|[\s|])+$`)
	announces   = regexp.MustCompile(`(?i)\b(is |are )?(a |some |few |several )*breaking( changes?)?\b`)
	following   = say(`\b(following|these|below)\b`)
	sentenceEnd = regexp.MustCompile(`[.!?]\s+\p{Lu}`)
)

// prTitle is a line of the generated list without its author and address.
func prTitle(s string) string {
	if at := strings.LastIndex(s, " by @"); at >= 0 && prTail.MatchString(s[at:]) {
		return s[:at]
	}
	return s
}

func firstSentence(s string) string {
	if at := sentenceEnd.FindStringIndex(s); at != nil && at[0] > 20 {
		return s[:at[0]+1]
	}
	return s
}

// cut shortens s to at most n bytes, whole characters.
func cut(s string, n int) string {
	if s = strings.ToValidUTF8(s, "\uFFFD"); len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
