package impact

import (
	"regexp"
	"slices"
	"strings"
)

// told is what a finding's text names: the things that change, not those that replace them.
type told struct {
	names   []string // code spans
	subject string   // what the first sentence is about, in lower case
	text    string   // the whole text without addresses and names of people
}

var (
	links     = regexp.MustCompile(`\[([^\]\n]*)\]\([^)\n]*\)`)
	addresses = regexp.MustCompile(`https?://\S+`)
	people    = regexp.MustCompile(`\bby @\S+( in\b)?|\(?\[?(PR )?#\d+\]?\)?`)
	sentence  = regexp.MustCompile(`[.!?:;](\s|$)|\n\s*\n|\n\s*[*-]\s|\n#`)
	spanned   = regexp.MustCompile("`([^`\n]{1,200})`")
	fences    = regexp.MustCompile("(?s)```.*?(```|$)")
	arrow     = regexp.MustCompile(`->|→|=>|\bnow is\b|\bis now\b|\bbecomes?\b|\brenamed (to|into|as)\b|\breplaced (by|with)\b|\bmoved (to|into)\b|\brelocated (to|into)\b|\bin favou?r of\b|\bsuperseded by\b|\bfrom .{1,80}\bto\b|(?i:\b(?:renam|mov|chang|switch|convert|refactor|migrat)\w* .{1,120}\b(?:in)?to\b)`)
	// advice begins what the reader is told to do instead.
	advice  = regexp.MustCompile(`(?i)(^|[,;(]\s*|\b(please|instead|should|must|can|need to|have to|now|simply|just|to)\s+)(use|call|install|run|set|switch to|migrate to|import|pass|add|adopt|try|implement|enable|configure)\s+(the\s+|a\s+|an\s+|new\s+|it with\s+)*$`)
	instead = regexp.MustCompile(`(?i)\b(instead of|rather than|in place of|replac(?:e|es|ing)|no longer|previously|formerly|deprecated)\s+(\w+\s+){0,2}$`)
	fresh   = regexp.MustCompile(`(?i)\b(new|newly added|additional|added|introduced?s?|introducing|dedicated)\s+(\w+\s+){0,2}$`)
)

// tell reads a finding's text.
func tell(text string) told {
	whole := clear(text)
	t := told{text: whole}
	prose := fences.ReplaceAllString(whole, "\n\n")
	parts := sentences(prose)
	for i, s := range parts {
		t.names = append(t.names, subjects(s)...)
		if i == 0 {
			t.subject = subjectOf(s)
		}
	}
	for _, n := range replaced(whole) {
		if !slices.Contains(t.names, n) {
			t.names = append(t.names, n)
		}
	}
	return t
}

func clear(text string) string {
	text = links.ReplaceAllString(text, "$1")
	text = addresses.ReplaceAllString(text, "")
	return people.ReplaceAllString(text, "")
}

// sentences divides prose; a point inside a code span ends none.
func sentences(prose string) []string {
	hidden := spanned.ReplaceAllStringFunc(prose, func(s string) string { return "`" + strings.Repeat("x", len(s)-2) + "`" })
	var out []string
	from := 0
	for _, m := range sentence.FindAllStringIndex(hidden, -1) {
		out = append(out, strings.TrimSpace(prose[from:m[0]]))
		from = m[1]
	}
	out = append(out, strings.TrimSpace(prose[from:]))
	return slices.DeleteFunc(out, func(s string) bool { return strings.Trim(s, "*-#> ") == "" })
}

// subjects returns the code spans of a sentence that change, without those that come instead.
func subjects(s string) []string {
	var out []string
	taken := false
	for _, m := range spanned.FindAllStringSubmatchIndex(s, -1) {
		before := s[:m[0]]
		switch {
		case instead.MatchString(before):
			taken = false
		case taken: // what is told to do goes on to the end of the sentence
		case advice.MatchString(strings.TrimLeft(before, "*- ")) || fresh.MatchString(before) || arrow.MatchString(before):
			taken = true
		}
		if !taken {
			out = append(out, strings.TrimSpace(s[m[2]:m[3]]))
		}
	}
	return out
}

var (
	oldFence = regexp.MustCompile("(?is)(?:old|before|previous(?:ly)?)\\b[^\n`]*\\n+```\\w*\\n(.*?)```")
	newFence = regexp.MustCompile("(?is)(?:new|after|now)\\b[^\n`]*\\n+```\\w*\\n(.*?)```")
	imports  = regexp.MustCompile(`(?m)^\s*from\s+(zenml[\w.]*)\s+import\s+([\w, ]+)`)
	keywords = regexp.MustCompile(`@(step|pipeline)\((\w+)=`)
)

// replaced returns what an example of the old way has and that of the new way has not.
func replaced(text string) []string {
	collect := func(re *regexp.Regexp) []string {
		var out []string
		for _, f := range re.FindAllStringSubmatch(text, -1) {
			for _, m := range imports.FindAllStringSubmatch(f[1], -1) {
				for _, name := range strings.Split(m[2], ",") {
					out = append(out, m[1]+"."+strings.TrimSpace(name))
				}
			}
			for _, m := range keywords.FindAllStringSubmatch(f[1], -1) {
				out = append(out, "@"+m[1]+"("+m[2]+"=...)")
			}
		}
		return out
	}
	now := collect(newFence)
	return slices.DeleteFunc(collect(oldFence), func(n string) bool { return strings.HasSuffix(n, ".") || slices.Contains(now, n) })
}

var (
	verbs = regexp.MustCompile(`(?is)\s+(has|have|had|is|are|was|were|will|would|must|should|shall|may|might|can|cannot|could|need|needs|no longer|now|does|do|did|comes?|requires?|includes?|uses?|returns?|works?|changed?s?|gets?|becomes?|retrieves?|reads?|takes?)\b.*$`)
	// imperative begins the title of a pull request: "Remove KServe integration".
	imperative  = regexp.MustCompile(`(?i)^(remov(?:e|ed|ing|al of)|we(?:'ve| have)? removed|delet(?:e|ed|ing)|drop(?:ped|ping)?|renam(?:e|ed|ing)|refactor(?:ed|ing)?|mov(?:e|ed|ing)|replac(?:e|ed|ing)|deprecat(?:e|ed|ing)|disabl(?:e|ed|ing)|prevent(?:s|ed|ing)?|updat(?:e|ed|es|ing)|upgrad(?:e|ed|ing)|restrict(?:s|ed|ing)?|chang(?:e|ed|ing)|sunset(?:ting)?|migrat(?:e|ed|ing)|unif(?:y|ied)|restructur(?:e|ed|ing))\s+`)
	conditional = regexp.MustCompile(`(?i)^(if|unless|when|in case|for those|since|as|with)\b`)
	behind      = regexp.MustCompile(`(?is)\s+(into|to|from|by|in|of|out of|with|for|as|on|outside|when|if|so|because|since|due|and)\b.*$`)
)

// opening returns the first sentence, with the one below it when it is a heading.
func opening(text string) string {
	parts := sentences(fences.ReplaceAllString(text, "\n\n"))
	switch {
	case len(parts) == 0:
		return text
	case len(parts) > 1 && strings.HasPrefix(parts[0], "#"):
		return parts[0] + "\n" + parts[1]
	}
	return parts[0]
}

// subjectOf returns the noun phrase that a sentence is about: what stands before its verb, or behind
// the verb of an order.
func subjectOf(s string) string {
	s = strings.Trim(strings.ReplaceAll(s, "**", ""), "*-#>_ \t")
	s = strings.ReplaceAll(s, "`", "")
	if conditional.MatchString(s) { // it is about the reader
		return ""
	}
	if m := imperative.FindString(s); m != "" {
		return strings.ToLower(behind.ReplaceAllString(strings.TrimSpace(s[len(m):]), ""))
	}
	return strings.ToLower(verbs.ReplaceAllString(s, ""))
}
