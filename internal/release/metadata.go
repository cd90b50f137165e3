package release

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

// requirement is one Requires-Dist line. Both dialects are read (facts 5.1): up to 0.85 poetry's
// `click (>=8.0.1,<8.1.4) ; extra == "server"`, from 0.90 `click>=8.0.1,<=8.2.1; extra == 'server'`.
type requirement struct{ name, bounds, marker string }

var requirementLine = regexp.MustCompile(`^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?\s*\(?([^();]*)\)?\s*(?:;\s*(.*))?$`)

func parseRequirement(line string) (requirement, bool) {
	m := requirementLine.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return requirement{}, false
	}
	r := requirement{name: pyenv.Normalize(m[1]), bounds: canonical(m[3]), marker: strings.ReplaceAll(strings.TrimSpace(m[4]), `"`, `'`)}
	if m[2] != "" {
		r.bounds = strings.ReplaceAll(m[2], " ", "") + r.bounds
	}
	return r, true
}

// canonical writes bounds the same way whoever wrote them: no blanks, the lower bound first.
func canonical(bounds string) string {
	var parts []string
	for p := range strings.SplitSeq(bounds, ",") {
		if p = strings.Join(strings.Fields(p), ""); p != "" {
			parts = append(parts, p)
		}
	}
	slices.SortFunc(parts, func(a, b string) int { return strings.Compare(b, a) }) // ">" sorts after "<"
	return strings.Join(parts, ",")
}

var extraMarker = regexp.MustCompile(`\bextra\s*==`)

// requirements are what a package needs itself (core), and which extras need what.
func requirements(m *pyenv.Metadata) (core map[string]string, optional map[string][]string) {
	core, optional = map[string]string{}, map[string][]string{}
	for _, line := range m.RequiresDist {
		r, ok := parseRequirement(line)
		switch {
		case !ok:
			core[line] = "" // a form not known is compared as it stands, so that a change of it shows
		case extraMarker.MatchString(r.marker):
			for _, e := range extraName.FindAllStringSubmatch(r.marker, -1) {
				if !slices.Contains(optional[r.name], e[1]) {
					optional[r.name] = append(optional[r.name], e[1])
				}
			}
		default:
			says := r.bounds
			if r.marker != "" {
				says += "; " + r.marker
			}
			if core[r.name] != "" && core[r.name] != says {
				says = core[r.name] + " | " + says
			}
			core[r.name] = says
		}
	}
	return core, optional
}

// CompareMetadata compares what two wheels of ZenML say of themselves: the Python versions they
// run on and what they need without extras. Declared is false: the notes are not asked here.
func CompareMetadata(older, newer *pyenv.Metadata) []Finding {
	out := []Finding{}
	add := func(c Category, title string) {
		out = append(out, Finding{
			ID: ID(newer.Version, c, title), Version: newer.Version, Category: c, Title: title, Text: title,
			Source: "metadata", Affects: Unknown, Searched: []string{}, Evidence: []Evidence{}, CVEs: []string{},
		})
	}
	if a, b := canonical(older.RequiresPython), canonical(newer.RequiresPython); a != b {
		add(PythonSupport, fmt.Sprintf("Requires-Python changes from %s to %s", shown(a), shown(b)))
	}
	before, _ := requirements(older)
	after, optional := requirements(newer)
	names := make([]string, 0, len(before)+len(after))
	for n := range before {
		names = append(names, n)
	}
	for n := range after {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		a, was := before[n]
		b, is := after[n]
		switch {
		case was && !is && len(optional[n]) > 0:
			slices.Sort(optional[n])
			add(Dependency, fmt.Sprintf("%s (%s) is no longer a core requirement: only extras need it (%s)", n, shown(a), strings.Join(optional[n], ", ")))
		case was && !is:
			add(Dependency, fmt.Sprintf("%s (%s) is no longer required", n, shown(a)))
		case !was:
			add(Dependency, fmt.Sprintf("%s (%s) is required now", n, shown(b)))
		case a != b:
			add(Dependency, fmt.Sprintf("%s changes from %s to %s", n, shown(a), shown(b)))
		}
	}
	return out
}

// shown names bounds, or that there are none.
func shown(bounds string) string {
	if bounds == "" {
		return "any version"
	}
	return bounds
}

// MarkDeclared sets Declared on findings of CompareMetadata that notes speak of: a dependency that
// a finding of the notes names, a change of Python versions when the notes tell of one.
func MarkDeclared(metadata, notes []Finding) {
	for i := range metadata {
		m := &metadata[i]
		name, _, _ := strings.Cut(m.Title, " ")
		word := regexp.MustCompile(`(?i)(^|[^\w-])` + strings.ReplaceAll(regexp.QuoteMeta(name), "-", "[-_. ]") + `($|[^\w-])`)
		m.Declared = slices.ContainsFunc(notes, func(n Finding) bool {
			switch {
			case n.Source != "notes":
				return false
			case m.Category == PythonSupport:
				return n.Category == PythonSupport
			}
			return (n.Category == Dependency || n.Category == Breaking) && word.MatchString(n.Text)
		})
	}
}
