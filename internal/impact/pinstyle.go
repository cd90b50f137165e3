package impact

import (
	"regexp"
	"strconv"
	"strings"

	pep440 "github.com/aquasecurity/go-pep440-version"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// restyle moves a version range so that it admits v and changes nothing else: own is the range as
// its owner writes it (==8.1.7, ~=8.1, >=8,<8.2, Poetry's ^8.1 and ~8.1), text the new one in the
// same style, bounds the same as PEP 440 has it.
func restyle(own, v string) (text, bounds string) {
	own = strings.Trim(strings.TrimSpace(own), "()")
	switch {
	case strings.HasPrefix(own, "^"):
		t := shorten(v, parts(own[1:]))
		return "^" + t, ">=" + t + ",<" + above(t, firstSet(t))
	case strings.HasPrefix(own, "~") && !strings.HasPrefix(own, "~="):
		t := shorten(v, parts(strings.TrimLeft(own, "~ ")))
		return "~" + t, ">=" + t + ",<" + above(t, min(2, parts(t)))
	case own != "" && own[0] >= '0' && own[0] <= '9':
		_, exact := clause("==", own, v)
		return exact, "==" + exact
	}
	var kept, plain []string
	for c := range strings.SplitSeq(own, ",") {
		m := clauseParts.FindStringSubmatch(strings.TrimSpace(c))
		if m == nil {
			continue
		}
		if op, with := clause(m[1], m[3], v); op != "" {
			kept, plain = append(kept, op+m[2]+with), append(plain, op+with)
		}
	}
	divider := ","
	if strings.Contains(own, ", ") {
		divider = ", "
	}
	return strings.Join(kept, divider), strings.Join(plain, ",")
}

var clauseParts = regexp.MustCompile(`^(===|~=|==|!=|<=|>=|<|>)(\s*)(\S+)$`)

// clause returns one comparison as it is when it admits v, else moved so that it does. An exclusion
// of v itself cannot be moved and is left out.
func clause(op, with, v string) (newOp, newWith string) {
	if specs, err := pep440.NewSpecifiers(op + with); err == nil {
		if p, err := pep440.Parse(v); err == nil && specs.Check(p) {
			return op, with
		}
	}
	short, any := strings.CutSuffix(with, ".*")
	switch op {
	case "==":
		if any {
			return op, shorten(v, parts(short)) + ".*"
		}
		return op, v
	case "~=":
		return op, shorten(v, max(2, parts(with)))
	case "<":
		return op, above(shorten(v, parts(with)), parts(with))
	case ">":
		return ">=", v
	case "!=":
		return "", ""
	}
	return op, v // ===, <=, >=
}

var numbers = regexp.MustCompile(`^\d+(?:\.\d+)*`)

// parts counts the numbers of a version: 8.1.7 has three.
func parts(v string) int {
	return max(1, strings.Count(numbers.FindString(v), ".")+1)
}

// shorten cuts a version to n numbers; one that has no more stays whole, rc1 and all.
func shorten(v string, n int) string {
	if parts(v) <= n {
		return v
	}
	return strings.Join(strings.Split(numbers.FindString(v), ".")[:n], ".")
}

// above returns the lowest version of n numbers above all that begin with those of v.
func above(v string, n int) string {
	list := strings.Split(numbers.FindString(v), ".")
	list = list[:min(n, len(list))]
	last, err := strconv.Atoi(list[len(list)-1])
	if err != nil {
		return v // no release of this length exists
	}
	list[len(list)-1] = strconv.Itoa(last + 1)
	return strings.Join(list, ".")
}

// firstSet is how many numbers of a version a caret holds fast: up to the first that is not zero.
func firstSet(v string) int {
	list := strings.Split(numbers.FindString(v), ".")
	for i, p := range list {
		if strings.Trim(p, "0") != "" {
			return i + 1
		}
	}
	return len(list)
}

// requirement takes a PEP 508 line apart that repo took in: what is before the bounds and they.
var requirement = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:\[[^\]]*\])?\s*([^;]*)`)

// quoted is a version range as a TOML table has it: "^8.1", "==8.1.7", "8.1.*".
var quoted = regexp.MustCompile(`["']\s*([\^~<>=!]*\s*\d[^"']*)["']`)

// moved is a line of the repository with its range moved to another version.
type moved struct {
	repo.Line
	own, text string // the range before and after, in the owner's style
	bounds    string // after, as PEP 440 has it
}

// move moves a line's range to v. raw is the line as the file has it: a Poetry or Pipenv table says
// its range apart from the name, and in a style of its own.
func move(l repo.Line, raw, v string) moved {
	m := moved{Line: l, own: strings.TrimSpace(requirement.FindStringSubmatch(l.Text)[1])}
	if !strings.Contains(raw, l.Text) {
		_, value, _ := strings.Cut(raw, "=")
		if q := quoted.FindStringSubmatch(value); q != nil {
			m.own = strings.TrimSpace(q[1])
		}
	}
	m.text, m.bounds = restyle(m.own, v)
	return m
}

// paste returns a line of a file with the ranges of all requirements moved that stand in it, ready to
// replace it. A line that is not as expected (continued, escaped) gives the requirement alone.
func paste(raw string, all []moved, l moved) string {
	out := strings.TrimSpace(raw)
	for _, m := range all {
		if m.File != l.File || m.Line.Line != l.Line.Line {
			continue
		}
		switch {
		case strings.Contains(out, m.Text):
			out = strings.Replace(out, m.Text, strings.Replace(m.Text, m.own, m.text, 1), 1)
		case strings.Contains(out, m.own):
			out = strings.Replace(out, m.own, m.text, 1)
		default:
			return l.With(l.text)
		}
	}
	if strings.HasSuffix(out, `\`) { // its hashes are those of the old version
		return l.With(l.text)
	}
	return out
}
