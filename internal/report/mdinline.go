package report

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// GitHub looks for @names, #numbers and addresses in the rendered text, after escapes and
// entities are gone: only another character between the two halves stops it.
const mdBreak = "&#8203;"

// mdSpecial are the characters that begin inline markup anywhere in a line. $ opens mathematics
// and is looked for before escapes are read, so it becomes an entity.
var mdSpecial = map[rune]string{
	'\\': `\\`, '`': "\\`", '*': `\*`, '[': `\[`, ']': `\]`, '~': `\~`, '!': `\!`, '#': `\#`, '^': `\^`, '{': `\{`, '}': `\}`,
	'&': "&amp;", '<': "&lt;", '>': "&gt;", '|': "&#124;", '$': "&#36;",
	'@': "@" + mdBreak,
}

var (
	mdIssue   = regexp.MustCompile(`#(\d)`)
	mdGH      = regexp.MustCompile(`(?i)(GH-)(\d)`)
	mdScheme  = regexp.MustCompile(`(:)(//)`)
	mdWWW     = regexp.MustCompile(`(?i)(www)(\.)`)
	mdMail    = regexp.MustCompile(`(?i)(mailto|xmpp)(:)`)
	mdSHA     = regexp.MustCompile(`\b[0-9a-f]{7,40}\b`)
	mdSix     = regexp.MustCompile(`.{6}`)
	mdOrdinal = regexp.MustCompile(`^(\d{1,9})([.)])( |$)`)
)

// split marks where a word that GitHub acts on has to be broken; the mark is put in later, by
// each encoder in its own way.
func split(s string) string {
	// Seven digits of a commit's name are enough to be linked.
	s = mdSHA.ReplaceAllStringFunc(s, func(sha string) string { return mdSix.ReplaceAllString(sha, "${0}"+zeroWidth) })
	s = mdIssue.ReplaceAllString(s, "#"+zeroWidth+"$1")
	for _, re := range []*regexp.Regexp{mdGH, mdScheme, mdWWW, mdMail} {
		s = re.ReplaceAllString(s, "${1}"+zeroWidth+"${2}")
	}
	return s
}

// mdPlain encodes one line of text so that GitHub shows it as it is: no markup, link, mention,
// reference, image, mathematics or HTML. It may stand anywhere but at the start of a line.
func mdPlain(s string) string {
	s = split(inline(s))
	var b strings.Builder
	prev := ' '
	for i, r := range s {
		switch enc, special := mdSpecial[r]; {
		case r == '\u200b':
			b.WriteString(mdBreak)
		case special:
			b.WriteString(enc)
		case r == '_' && !insideWord(prev, s[i+1:]):
			b.WriteString(`\_`)
		default:
			b.WriteRune(r)
		}
		prev = r
	}
	return b.String()
}

// insideWord says whether an underscore between prev and rest joins two word characters, where
// it marks no emphasis and snake_case can stay readable.
func insideWord(prev rune, rest string) bool {
	next, _ := utf8.DecodeRuneInString(rest)
	word := func(r rune) bool { return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
	return word(prev) && word(next)
}

// mdStart protects the first characters of a line, which could begin a heading, list, quotation,
// table, underline or workflow command.
func mdStart(s string) string {
	s = strings.TrimLeft(s, " ")
	if s == "" {
		return s
	}
	if strings.ContainsRune("+-=_:.", rune(s[0])) {
		return `\` + s
	}
	return mdOrdinal.ReplaceAllString(s, `${1}\${2}${3}`)
}

// mdCode encodes a code span. GitHub acts on nothing inside one.
func mdCode(s string, table bool) string {
	s = inline(s)
	if strings.TrimSpace(s) == "" {
		return ""
	}
	if table && strings.Contains(s, "|") {
		return "<code>" + mdPlain(s) + "</code>" // a bar ends the cell even inside a code span
	}
	fence := strings.Repeat("`", longestRun(s, '`')+1)
	if s[0] == '`' || s[len(s)-1] == '`' || (s[0] == ' ' && s[len(s)-1] == ' ') {
		s = " " + s + " "
	}
	return fence + s + fence
}

func longestRun(s string, c rune) int {
	longest, run := 0, 0
	for _, r := range s {
		if r == c {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	return longest
}

var (
	mdHrefEscape = strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", "|", "%7C", "`", "%60", `\`, "%5C",
		"[", "%5B", "]", "%5D", `"`, "%22", "'", "%27", "*", "%2A", "_", "%5F", "$", "%24", "!", "%21", "~", "%7E", "@", "%40", "&", "&amp;")
	// A link to another project's issue leaves a note there for everybody to see, also when it
	// is only quoted. GitHub's own redirecting host leaves none.
	mdBacklink = regexp.MustCompile(`(?i)^https?://(?:www\.)?github\.com(/[^/?#]+/[^/?#]+/(?:issues|pull|discussions|commit)/)`)
)

// mdSpan encodes one span.
func mdSpan(s Span, table bool) string {
	label := mdPlain(s.Plain)
	if s.Code != "" {
		label = mdCode(s.Code, table)
	}
	if href := webURL(s.URL); href != "" {
		if strings.TrimSpace(label) == "" {
			label = mdPlain(href)
		}
		href = mdBacklink.ReplaceAllString(href, "https://redirect.github.com${1}")
		label = "[" + strings.TrimSpace(label) + "](" + mdHrefEscape.Replace(href) + ")"
	}
	if s.Bold && strings.TrimSpace(label) != "" {
		label = "<strong>" + label + "</strong>" // ** does not close beside punctuation
	}
	return label
}

// mdText encodes spans for the inside of a line. Neighbours without markup are one text to
// GitHub, where "#" and "1" would meet, so they are encoded as one.
func mdText(t Text, table bool) string {
	var b strings.Builder
	plain := ""
	for _, s := range t {
		if s.Code == "" && !s.Bold && webURL(s.URL) == "" {
			plain += s.Plain
			continue
		}
		b.WriteString(mdPlain(plain) + mdSpan(s, table))
		plain = ""
	}
	return strings.TrimSpace(b.String() + mdPlain(plain))
}

// mdLine encodes spans that begin a line.
func mdLine(t Text) string { return mdStart(mdText(t, false)) }

// mdSummary encodes text for the inside of an HTML tag, where Markdown is not read but mentions
// and references are.
func mdSummary(s string) string {
	s = html.EscapeString(split(oneLine(s)))
	s = strings.ReplaceAll(s, "@", "@"+mdBreak)
	return strings.ReplaceAll(s, zeroWidth, mdBreak)
}

var mdLanguage = regexp.MustCompile(`^[a-z0-9+-]{1,20}$`)

// mdFence encodes a block of verbatim text.
func mdFence(language, text string) string {
	text = verbatim(text)
	fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	return fence + language + "\n" + text + "\n" + fence
}

// mdBlockLanguage is the language a fence may name: one that only colours. GitHub draws the
// others, which would not be verbatim.
func mdBlockLanguage(language string) string {
	switch language {
	case "mermaid", "math", "geojson", "topojson", "stl":
		return ""
	}
	if !mdLanguage.MatchString(language) {
		return ""
	}
	return language
}
