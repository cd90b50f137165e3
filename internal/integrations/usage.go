package integrations

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// Usage is where a repository names integrations and flavors, and what it requires.
type Usage struct {
	modules  map[string][]release.Evidence // integrations by import, installation or list
	flavors  map[string][]release.Evidence // flavors of stack components
	packages map[string][]release.Evidence // requirement lines by normalised name
	whole    bool                          // everything could be looked at
}

// mostEvidence bounds the places told for one finding.
const mostEvidence = 10

var (
	read = []string{".py", ".pyi", ".ipynb", ".yaml", ".yml", ".json", ".toml", ".sh", ".tf", ".mk"}

	moduleForm  = regexp.MustCompile(`\bzenml\.integrations\.(\w+)|\bfrom\s+zenml\.integrations\s+import\s+(\w+)`)
	installForm = regexp.MustCompile(`\bzenml\s+integration\s+(?:install|export-requirements|upgrade)\s+([^#&|;]*)`)
	listForm    = regexp.MustCompile(`\b(?:required_)?integrations\b["']?\s*[:=]\s*\[?([^\]#]*)`)
	itemForm    = regexp.MustCompile(`^\s*-\s*["']?([\w-]+)["']?\s*(?:#.*)?$`)
	flavorForm  = regexp.MustCompile(`(?:\bflavor["']?\s*[:=]\s*|--flavor[= ]\s*)["']?([\w-]+)`)
	shortForm   = regexp.MustCompile(`\bzenml\b.*\s(?:register|update)\b.*\s-f[= ]\s*["']?([\w-]+)`)
	settingForm = regexp.MustCompile(`\b(?:orchestrator|step_operator|experiment_tracker|artifact_store|container_registry|model_deployer|deployer|image_builder|data_validator|feature_store|alerter|annotator|model_registry)\.([a-z]\w*)`)
	name        = regexp.MustCompile(`[A-Za-z][\w-]*`)
)

// Search reads the repository's files once.
func Search(t *repo.Tree, sets []repo.Set, gaps []repo.Gap) *Usage {
	u := &Usage{modules: map[string][]release.Evidence{}, flavors: map[string][]release.Evidence{}, packages: map[string][]release.Evidence{}, whole: len(t.Skipped)+len(gaps) == 0}
	for _, s := range sets {
		for _, l := range slices.Concat(s.Lines, s.Constraints) {
			note(u.packages, l.Name, release.Evidence{File: l.File, Line: l.Line, Message: "requires " + l.Name})
		}
	}
	for _, p := range t.Files {
		if base := path.Base(p); !slices.Contains(read, path.Ext(p)) && base != "Makefile" && !strings.HasPrefix(base, "Dockerfile") {
			continue
		}
		data, err := t.Read(p)
		if err != nil {
			u.whole = false
			continue
		}
		if bytes.IndexByte(data, 0) < 0 {
			u.file(p, string(data))
		}
	}
	return u
}

func note(m map[string][]release.Evidence, key string, e release.Evidence) {
	if len(m[key]) < mostEvidence && !slices.Contains(m[key], e) {
		m[key] = append(m[key], e)
	}
}

func (u *Usage) file(p, text string) {
	listed := false // the lines before are a list of integrations
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		at := func(what string) release.Evidence { return release.Evidence{File: p, Line: n, Message: what} }
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, m := range moduleForm.FindAllStringSubmatch(line, -1) {
			note(u.modules, m[1]+m[2], at("imports zenml.integrations."+m[1]+m[2]))
		}
		item := itemForm.FindStringSubmatch(line)
		if listed = listed && item != nil; listed {
			note(u.modules, key(item[1]), at("lists integration "+item[1]))
		}
		for _, form := range []*regexp.Regexp{installForm, listForm} {
			if m := form.FindStringSubmatch(line); m != nil {
				listed = listed || form == listForm && strings.TrimSpace(m[1]) == ""
				for _, w := range name.FindAllString(m[1], -1) {
					note(u.modules, key(w), at("names integration "+key(w)))
				}
			}
		}
		for _, form := range []*regexp.Regexp{flavorForm, shortForm, settingForm} {
			for _, m := range form.FindAllStringSubmatch(line, -1) {
				note(u.flavors, m[1], at("names flavor "+m[1]))
			}
		}
	}
}

// key is an integration's name however it is written: MLFLOW and scikit-learn too.
func key(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }

// answer fills in whether the repository uses the integration, or requires a package that it now
// requires otherwise.
func (u *Usage) answer(f *release.Finding, integration string, flavors, packages []string) {
	f.Searched = append(f.Searched, "imports of zenml.integrations."+integration, "lists and installations of the integration "+integration)
	f.Evidence = append(f.Evidence, u.modules[key(integration)]...)
	slices.Sort(flavors)
	for _, flavor := range slices.Compact(flavors) {
		f.Searched = append(f.Searched, "stack components and settings of the flavor "+flavor)
		f.Evidence = append(f.Evidence, u.flavors[flavor]...)
	}
	for _, p := range packages {
		f.Searched = append(f.Searched, "requirement files for "+p)
		f.Evidence = append(f.Evidence, u.packages[p]...)
	}
	f.Evidence = f.Evidence[:min(len(f.Evidence), mostEvidence)]
	switch {
	case len(f.Evidence) > 0:
		f.Affects = release.Yes
	case u.whole:
		f.Affects = release.No
	default:
		f.Affects = release.Unknown
	}
}
