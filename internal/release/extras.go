package release

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

// ExtraChange is a finding of one of ZenML's extras.
type ExtraChange struct {
	Extra string
	Finding
}

// CompareExtras compares what the extras of two wheels require: each that is new, gone or requires
// something else. Whom it hits is open.
func CompareExtras(older, newer *pyenv.Metadata) []ExtraChange {
	before, after := extras(older), extras(newer)
	all := maps.Clone(before)
	maps.Copy(all, after)
	out := []ExtraChange{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		was, had := before[name]
		is, has := after[name]
		var title string
		switch {
		case !had:
			title = fmt.Sprintf("Extra %s is new: it requires %s", name, packagesOf(is))
		case !has:
			title = fmt.Sprintf("Extra %s is removed: it required %s", name, packagesOf(was))
		default:
			changes := differences(was, is)
			if len(changes) == 0 {
				continue
			}
			title = fmt.Sprintf("Extra %s changes: %s", name, strings.Join(changes, "; "))
		}
		out = append(out, ExtraChange{Extra: name, Finding: Finding{
			ID: ID(newer.Version, Dependency, title), Version: newer.Version, Category: Dependency, Title: cut(title, longestTitle), Text: cut(title, longestText),
			Source: "metadata", Affects: Unknown, Searched: []string{}, Evidence: []Evidence{}, CVEs: []string{},
		}})
	}
	return out
}

func packagesOf(packages map[string]string) string {
	if len(packages) == 0 {
		return "nothing"
	}
	return strings.Join(slices.Sorted(maps.Keys(packages)), ", ")
}

// differences tells by package what is required otherwise.
func differences(was, is map[string]string) []string {
	all := maps.Clone(was)
	maps.Copy(all, is)
	var out []string
	for _, p := range slices.Sorted(maps.Keys(all)) {
		a, had := was[p]
		b, has := is[p]
		switch {
		case !had:
			out = append(out, fmt.Sprintf("%s (%s) is required now", p, shown(b)))
		case !has:
			out = append(out, fmt.Sprintf("%s (%s) is no longer required", p, shown(a)))
		case a != b:
			out = append(out, fmt.Sprintf("%s changes from %s to %s", p, shown(a), shown(b)))
		}
	}
	return out
}

var extraName = regexp.MustCompile(`\bextra\s*==\s*'([^']+)'`)

// extras are the packages with their bounds that each extra requires. Poetry joins the extras of one
// requirement by or; uv writes a line for each.
func extras(m *pyenv.Metadata) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, e := range m.Extras {
		out[pyenv.Normalize(e)] = map[string]string{}
	}
	for _, line := range m.RequiresDist {
		r, ok := parseRequirement(line)
		if !ok {
			continue // CompareMetadata tells of it
		}
		for _, e := range extraName.FindAllStringSubmatch(r.marker, -1) {
			packages := out[pyenv.Normalize(e[1])]
			if packages == nil {
				packages = map[string]string{}
				out[pyenv.Normalize(e[1])] = packages
			}
			if old, twice := packages[r.name]; twice && old != r.bounds {
				packages[r.name] = old + " | " + r.bounds
			} else {
				packages[r.name] = r.bounds
			}
		}
	}
	return out
}
