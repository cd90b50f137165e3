package impact

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
)

func (k *Known) python() answer {
	a := answer{settled: true, searched: []string{"the Python versions in use against ZenML's Requires-Python"}}
	switch {
	case k.Python.Supported == nil:
		a.affects, a.reason, a.decide = release.Unknown, "Which Python versions are used is not known.", "the Python versions in use: give python-versions"
	case *k.Python.Supported:
		a.affects, a.reason = release.No, "The new version supports every Python version in use."
	default:
		a.affects, a.reason = release.Yes, "A Python version in use is not supported any more."
		for _, u := range k.Python.UsedFrom {
			if slices.Contains(k.Python.Unsupported, u.Version) {
				a.evidence = append(a.evidence, release.Evidence{File: u.Source, Message: "Python " + u.Version + " is used and not supported"})
			}
		}
	}
	return a
}

// dependency asks whether the repository requires or imports a package of ZenML's own.
func (k *Known) dependency(title string) answer {
	name, _, _ := strings.Cut(title, " ")
	s := k.required(name)
	a := answer{onPython: true, affects: release.No, reason: "The repository neither requires nor imports it.", searched: []string{"requirement files for " + name, "imports of " + strings.Join(k.modulesOf(name), ", ")}}
	moved := strings.Contains(title, "only extras need it")
	switch {
	case len(s.sure) > 0:
		a.affects, a.reason = release.Yes, "The repository requires or imports it."
		for _, p := range s.sure {
			message := "imports " + p.Name
			if p.Name == pyenv.Normalize(name) && !strings.HasSuffix(p.File, ".py") {
				message = "requires " + p.Name
			}
			a.evidence = append(a.evidence, release.Evidence{File: p.File, Line: p.Line, Message: message})
		}
	case len(k.Gaps) > 0:
		a.affects, a.reason, a.decide = release.Unknown, "A requirement file could not be judged.", "what "+k.Gaps[0].File+" requires"
	case moved && !k.stillBrought(name):
		// ZenML itself may miss what moved to an extra, which no search here can tell.
		a.affects, a.reason = release.Unknown, "The repository does not use it, but a requirement of zenml no longer brings it, and ZenML itself may need it."
		a.decide = "whether clients of this repository ever work without a server, on a local database"
	case moved:
		a.reason = "The repository does not use it itself, and its requirement of zenml still brings it."
	}
	return a
}

// stillBrought says whether every requirement of zenml has an extra that asks for a package.
func (k *Known) stillBrought(name string) bool {
	if k.Pair == nil {
		return false
	}
	var extras []string
	for _, r := range k.Pair.NewMeta.RequiresDist {
		if requirementName(r) == pyenv.Normalize(name) {
			for _, m := range extraOf.FindAllStringSubmatch(r, -1) {
				extras = append(extras, pyenv.Normalize(m[1]))
			}
		}
	}
	lines := k.zenmlLines()
	for _, l := range lines {
		if !slices.ContainsFunc(k.allExtras(extraNames(l.Text)), func(e string) bool { return slices.Contains(extras, e) }) {
			return false
		}
	}
	return len(lines) > 0
}

// modulesOf returns the top modules that a package brings: what its installed record says, else its name.
func (k *Known) modulesOf(name string) []string {
	module := strings.ReplaceAll(pyenv.Normalize(name), "-", "_")
	if k.Pair != nil {
		for _, env := range []*pyenv.Env{k.Pair.Old, k.Pair.New} {
			if list := recordedModules(env, module); len(list) > 0 {
				return list
			}
		}
	}
	return []string{module}
}

func recordedModules(env *pyenv.Env, module string) []string {
	site, err := env.SitePackages()
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(site)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		dist, ok := strings.CutSuffix(e.Name(), ".dist-info")
		name, _, _ := strings.Cut(dist, "-")
		if !ok || strings.ReplaceAll(pyenv.Normalize(name), "-", "_") != module {
			continue
		}
		data, err := os.ReadFile(filepath.Join(site, e.Name(), "RECORD"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			path, _, _ := strings.Cut(line, ",")
			top, rest, nested := strings.Cut(path, "/")
			top = strings.TrimSuffix(top, ".py")
			if importable.MatchString(top) && (nested && strings.HasSuffix(rest, ".py") || !nested && strings.HasSuffix(path, ".py")) && !slices.Contains(out, top) {
				out = append(out, top)
			}
		}
	}
	return out
}
