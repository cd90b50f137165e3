package repo

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

// mostIncludes bounds how many files one set is read from.
const mostIncludes = 100

// Line is one requirement in a file of the repository.
type Line struct {
	File string
	Line int    // 1-based
	Text string // PEP 508, without comments and options
	Name string // normalised
}

// Set is what one installation asks for: a requirements file with what it includes, or the
// dependencies of a project with at most one of its groups.
type Set struct {
	Name        string // file, with the group in brackets
	Files       []string
	Lines       []Line
	Constraints []Line
	Others      []Line // what asks for a package by address or path, and options such as an index
	Gaps        []Gap  // lines that cannot be judged
}

// ZenML returns the line that asks for ZenML.
func (s *Set) ZenML() (Line, bool) {
	i := slices.IndexFunc(s.Lines, func(l Line) bool { return l.Name == "zenml" })
	if i < 0 {
		return Line{}, false
	}
	return s.Lines[i], true
}

var requirementsName = regexp.MustCompile(`(?i)^(.*[-_.])?requirements([-_.].*)?\.(txt|in)$`)

// isRequirementsText says whether a file is a requirements file: requirements*.txt, *requirements.in,
// or anything with that ending in a folder named requirements.
func isRequirementsText(p string) bool {
	ext := path.Ext(p)
	return requirementsName.MatchString(path.Base(p)) || path.Base(path.Dir(p)) == "requirements" && (ext == ".txt" || ext == ".in")
}

// Sets finds every set of requirements in the repository that asks for ZenML, and what of the files
// could not be read. files are all requirement files that were looked at.
func Sets(t *Tree) (sets []Set, files []string, gaps []Gap) {
	for _, g := range t.Skipped {
		if !IsPython(g.File) {
			gaps = append(gaps, g)
		}
	}
	found, files, unread := AllSets(t)
	for _, s := range found {
		if _, ok := s.ZenML(); ok {
			sets = append(sets, s)
		} else if i := slices.IndexFunc(s.Gaps, func(g Gap) bool { return strings.Contains(g.Why, "zenml") }); i >= 0 {
			gaps = append(gaps, s.Gaps[i])
		}
	}
	return sets, files, append(gaps, unread...)
}

// AllSets finds every set of requirements, whatever it asks for. A file that is no TOML, YAML or INI
// is a gap.
func AllSets(t *Tree) (found []Set, files []string, gaps []Gap) {
	for _, p := range t.Files {
		var more []Set
		var err error
		switch {
		case isRequirementsText(p):
			s := Set{Name: p}
			s.read(t, p, false, map[string]bool{})
			more = []Set{s}
		case IsRequirements(p):
			more, err = formats[formatName(p)](t, p)
		default:
			continue
		}
		if err != nil {
			gaps = append(gaps, unreadable(p, err))
			continue
		}
		found, files = append(found, more...), append(files, p)
	}
	return found, files, gaps
}

var (
	// plainLine is a requirement by name, with extras, bounds and marker; no address, no path.
	plainLine  = regexp.MustCompile(`^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[A-Za-z0-9._, -]*\])?\s*(\(?\s*(?:(?:===|~=|==|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+\s*,?\s*)*\)?)\s*(;[^@]*)?$`)
	include    = regexp.MustCompile(`^(-r|-c|--requirement|--constraint)(?:\s*=\s*|\s*)(\S.*)$`)
	hashOption = regexp.MustCompile(`\s--hash[= ]\S+`)
	comment    = regexp.MustCompile(`(^|\s)#.*$`)
	// userInfo is the user and password in an address.
	userInfo = regexp.MustCompile(`://[^/\s]*@`)
	// settled are options that change nothing about which versions hold together.
	settled = regexp.MustCompile(`^--(no-cache-dir|prefer-binary|only-binary\b.*|require-hashes|disable-pip-version-check|use-feature\b.*)$`)
)

// read reads a requirements file and what it includes, inside the repository only.
func (s *Set) read(t *Tree, p string, constraint bool, seen map[string]bool) {
	if seen[p] {
		return
	}
	seen[p] = true
	if len(seen) > mostIncludes {
		s.Gaps = append(s.Gaps, Gap{File: p, Why: fmt.Sprintf("more than %d files include each other; it was not read", mostIncludes), Kind: Unread})
		return
	}
	data, err := t.Read(p)
	if err != nil {
		s.Gaps = append(s.Gaps, Gap{File: p, Why: "it could not be read", Kind: Unread})
		return
	}
	s.Files = append(s.Files, p)
	text, start := "", 0
	for i, raw := range strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n") {
		if text == "" {
			start = i + 1
		}
		raw = comment.ReplaceAllString(raw, "")
		if cut, more := strings.CutSuffix(raw, `\`); more {
			text += cut + " "
			continue
		}
		if text = strings.TrimSpace(text + raw); text != "" {
			s.line(t, p, start, text, constraint, seen)
		}
		text = ""
	}
	if text = strings.TrimSpace(text); text != "" {
		s.line(t, p, start, text, constraint, seen)
	}
}

func (s *Set) line(t *Tree, p string, n int, text string, constraint bool, seen map[string]bool) {
	gap := func(kind GapKind, why string) { s.Gaps = append(s.Gaps, Gap{File: p, Line: n, Why: why, Kind: kind}) }
	if m := include.FindStringSubmatch(text); m != nil {
		target := path.Join(path.Dir(p), strings.Trim(strings.TrimSpace(m[2]), `"'`))
		if !t.within(target) {
			gap(Unread, "it includes a file that is not in the repository")
			return
		}
		s.read(t, target, constraint || strings.HasSuffix(m[1], "c") || m[1] == "--constraint", seen)
		return
	}
	if hashOption.MatchString(text) {
		gap(Locked, "it is locked by a hash: the lock must be made anew for the new version")
		text = strings.TrimSpace(hashOption.ReplaceAllString(text, ""))
	}
	if settled.MatchString(text) {
		return
	}
	s.add(Line{File: p, Line: n, Text: text}, constraint)
}

// add takes a requirement in, or says why it cannot be judged.
func (s *Set) add(l Line, constraint bool) {
	m := plainLine.FindStringSubmatch(l.Text)
	if m == nil {
		why := "only requirements by name and version can be judged, not addresses, paths or options"
		if strings.Contains(strings.ToLower(l.Text), "zenml") {
			why += " (this one is about zenml)"
		}
		s.Gaps = append(s.Gaps, Gap{File: l.File, Line: l.Line, Why: why})
		l.Text = WithoutUser(l.Text)
		s.Others = append(s.Others, l)
		return
	}
	l.Name = pyenv.Normalize(m[1])
	if constraint {
		s.Constraints = append(s.Constraints, l)
	} else {
		s.Lines = append(s.Lines, l)
	}
}

// PinnedVersion returns the version that a line asks for exactly, empty when it allows several.
func (l Line) PinnedVersion() string {
	m := plainLine.FindStringSubmatch(l.Text)
	if m == nil {
		return ""
	}
	bounds := strings.Trim(strings.TrimSpace(m[3]), "()")
	v, exact := strings.CutPrefix(strings.ReplaceAll(bounds, " ", ""), "==")
	if !exact || strings.ContainsAny(v, ",*=") {
		return ""
	}
	return v
}

// With returns the line's requirement with other bounds, extras and marker kept.
func (l Line) With(bounds string) string {
	m := plainLine.FindStringSubmatch(l.Text)
	return strings.TrimSpace(m[1] + m[2] + bounds + " " + strings.TrimSpace(m[4]))
}

// Parts takes a requirement by name apart: its extras, bounds without blanks, and marker.
func (l Line) Parts() (extras []string, bounds, marker string) {
	m := plainLine.FindStringSubmatch(l.Text)
	if m == nil {
		return nil, "", ""
	}
	for e := range strings.SplitSeq(strings.Trim(m[2], "[]"), ",") {
		if e = strings.TrimSpace(e); e != "" {
			extras = append(extras, e)
		}
	}
	bounds = strings.Trim(strings.Join(strings.Fields(m[3]), ""), "()")
	return extras, strings.TrimSuffix(bounds, ","), strings.TrimSpace(strings.TrimPrefix(m[4], ";"))
}

// ParseLine reads one line in the form of a requirements file, which includes nothing here.
func ParseLine(file string, n int, text string) Set {
	s := Set{Name: file}
	if text = strings.TrimSpace(hashOption.ReplaceAllString(text, "")); text != "" && !strings.HasPrefix(text, "-") {
		s.add(Line{File: file, Line: n, Text: text}, false)
	}
	return s
}

// WithoutUser takes users and passwords out of the addresses in a text.
func WithoutUser(text string) string { return userInfo.ReplaceAllString(text, "://") }
