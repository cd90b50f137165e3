package report

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// zeroWidth is put inside what would otherwise be read as a command. It is not seen and splits
// the word for every reader that acts on it.
const zeroWidth = "\u200b"

// clean removes what no report may carry: control characters, which steer terminals, and
// formatting characters (direction overrides, tags), which make text look like what it is not.
// Line ends become \n; text that is not UTF-8 gets the replacement character.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r' || r == '\u2028' || r == '\u2029':
			return '\n'
		case r == '\u200c' || r == '\u200d': // joiners: part of Persian words and of emoji
			return r
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
}

// oneLine is clean text on one line, runs of blanks made one.
func oneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

// inline is clean text on one line that keeps a blank at either end, so that spans do not grow
// together.
func inline(s string) string {
	flat := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, clean(s))
	body := strings.Join(strings.Fields(flat), " ")
	switch {
	case body == "" && flat != "":
		return " "
	case body == "":
		return ""
	}
	if flat[0] == ' ' {
		body = " " + body
	}
	if flat[len(flat)-1] == ' ' {
		body += " "
	}
	return body
}

// verbatim is clean text of several lines, without the line end that closes it.
func verbatim(s string) string {
	return strings.TrimRight(strings.ReplaceAll(clean(s), "\t", "    "), " \n")
}

// defuse makes sure that the workflow runner, which reads every line a step prints, sees no
// command in text: "::" at the start of a line and "##[" anywhere (actions/runner,
// ActionCommand.cs).
func defuse(text string) string {
	text = strings.ReplaceAll(text, "##[", "##"+zeroWidth+"[")
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if blank := len(l) - len(strings.TrimLeftFunc(l, unicode.IsSpace)); strings.HasPrefix(l[blank:], "::") {
			lines[i] = l[:blank] + ":" + zeroWidth + l[blank+1:]
		}
	}
	return strings.Join(lines, "\n")
}

var plainHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$`)

// webURL returns u as it may stand in a link, or "" when it is no plain http(s) address.
// Addresses with a user part are refused: they hold passwords or imitate another host.
func webURL(s string) string {
	if s == "" || s != oneLine(s) || strings.Contains(s, " ") || len(s) > 2000 {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.User != nil || !plainHost.MatchString(u.Host) || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	return u.String()
}

// shorten cuts text to at most n characters.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// Count writes a number of things: "1 check", "3 checks".
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// words for the decision that head every report.
func decisionWord(d verdict.Decision) string {
	switch d {
	case verdict.Pass:
		return "Pass"
	case verdict.Review:
		return "Review"
	case verdict.Block:
		return "Block"
	case verdict.Unknown:
		return "Unknown"
	}
	// A report without a known decision is a defect of its maker and must not look like a pass.
	return "Unknown"
}

// Title is the verdict of a document in one line of n characters at most, for places that show it as
// it is.
func Title(d Document, n int) string {
	return shorten(decisionWord(d.Decision)+": "+oneLine(d.Headline), n)
}

// Line is text from outside as one line of n characters at most, for places that show it as it is.
func Line(s string, n int) string { return shorten(oneLine(s), n) }

// Clean is text from outside without control and formatting characters, its lines kept.
func Clean(s string) string { return clean(s) }

// first is the first n characters of text, for names that stay themselves when they are cut.
func first(s string, n int) string { return string([]rune(s)[:min(n, len([]rune(s)))]) }
