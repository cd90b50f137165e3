package integrations

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
)

// Source is the source of the findings made here.
const Source = "integrations"

// Changes are the findings of two versions' integrations: removed, added, requiring something else,
// and what one version could not say. A repository that requires a package of an integration's own
// uses it; core names those that ZenML itself requires. notes are the release notes' findings, for
// Declared.
func Changes(older, newer map[string]Integration, core []string, to string, used *Usage, notes []release.Finding) []release.Finding {
	out := []release.Finding{}
	shared := common(core, older, newer)
	add := func(name string, c release.Category, title, text string, packages []string) {
		f := release.Finding{
			ID: release.ID(to, c, title), Version: to, Category: c, Title: title, Text: text, Source: Source,
			Declared: declared(name, notes), Searched: []string{}, Evidence: []release.Evidence{}, CVEs: []string{},
		}
		used.answer(&f, name, slices.Concat(older[name].Flavors, newer[name].Flavors), packages)
		out = append(out, f)
	}
	all := maps.Clone(older)
	maps.Copy(all, newer)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		was, had := older[name]
		is, has := newer[name]
		switch {
		case !has:
			add(name, release.Breaking, fmt.Sprintf("Integration %s is removed", name),
				fmt.Sprintf("Integration `%s` is removed. It required: %s.", name, shown(was.Requirements)), nil)
		case !had:
			add(name, release.Feature, fmt.Sprintf("Integration %s is new", name),
				fmt.Sprintf("Integration `%s` is new. It requires: %s.", name, shown(is.Requirements)), nil)
		case was.Requirements == nil || is.Requirements == nil:
			add(name, release.Dependency, fmt.Sprintf("Integration %s: what it requires could not be read", name),
				fmt.Sprintf("What integration `%s` requires could not be read from both versions.", name), nil)
		default:
			if lines, packages := compare(was.Requirements, is.Requirements); len(lines) > 0 {
				title := fmt.Sprintf("Integration %s requires other packages: %s", name, strings.Join(lines, "; "))
				add(name, release.Dependency, title, title, slices.DeleteFunc(packages, func(p string) bool { return shared[p] }))
			}
		}
	}
	return out
}

// common are packages that say nothing of one integration: ZenML's own and those of several.
func common(core []string, versions ...map[string]Integration) map[string]bool {
	out, first := map[string]bool{}, map[string]string{}
	for _, c := range core {
		out[pyenv.Normalize(packageName.FindString(c))] = true
	}
	for _, v := range versions {
		for name, integration := range v {
			for p := range byPackage(integration.Requirements) {
				out[p] = out[p] || first[p] != "" && first[p] != name
				first[p] = name
			}
		}
	}
	return out
}

func shown(requirements []string) string {
	switch {
	case requirements == nil:
		return "could not be read"
	case len(requirements) == 0:
		return "nothing"
	}
	return strings.Join(requirements, ", ")
}

// compare tells by package what is required otherwise, in words, and which packages that are.
func compare(was, is []string) (lines, packages []string) {
	before, after := byPackage(was), byPackage(is)
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a, b := strings.Join(before[name], " and "), strings.Join(after[name], " and ")
		switch {
		case a == b:
			continue
		case a == "":
			lines = append(lines, b+" is new")
		case b == "":
			lines = append(lines, a+" is gone")
		default:
			lines = append(lines, a+" becomes "+b)
		}
		packages = append(packages, name)
	}
	return lines, packages
}

var packageName = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`)

func byPackage(requirements []string) map[string][]string {
	out := map[string][]string{}
	for _, r := range requirements {
		name := pyenv.Normalize(packageName.FindString(r))
		if line := strings.Join(strings.Fields(r), " "); !slices.Contains(out[name], line) {
			out[name] = append(out[name], line)
		}
		slices.Sort(out[name])
	}
	return out
}

// declared says whether the notes speak of the integration by name.
func declared(name string, notes []release.Finding) bool {
	form := regexp.MustCompile(`(?i)(^|[^\w-])` + strings.ReplaceAll(regexp.QuoteMeta(name), "_", "[-_ ]?") + `($|[^\w-])`)
	return slices.ContainsFunc(notes, func(f release.Finding) bool {
		return f.Source == "notes" && f.Category != release.Security && f.Category != release.KnownIssue && form.MatchString(f.Text)
	})
}
