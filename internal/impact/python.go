package impact

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	pep440 "github.com/aquasecurity/go-pep440-version"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Python is what both versions of ZenML ask of Python, against what the repository uses.
type Python struct {
	RequiresOld *string      `json:"requires_old"` // such as ">=3.9,<3.13"; null when not known
	RequiresNew *string      `json:"requires_new"`
	Used        []string     `json:"used"`      // minor versions, oldest first
	UsedFrom    []UsedPython `json:"used_from"` // where each was found
	Supported   *bool        `json:"supported"` // null when one side is not known
	Unsupported []string     `json:"unsupported"`
}

// UsedPython is a Python version in use and where that is written.
type UsedPython struct {
	Version string `json:"version"` // "3.11"
	Source  string `json:"source"`  // a file with its line, or an input
}

// FindPythons returns the Python versions that the repository says it uses, oldest first.
func FindPythons(t *Tree) []UsedPython {
	var out []UsedPython
	add := func(text, source string) {
		for _, v := range minor.FindAllString(text, -1) {
			if !slices.ContainsFunc(out, func(u UsedPython) bool { return u.Version == v }) {
				out = append(out, UsedPython{Version: v, Source: source})
			}
		}
	}
	for _, p := range t.Files {
		switch base := path.Base(p); {
		case base == ".python-version", base == "runtime.txt":
			if data, err := t.Read(p); err == nil {
				add(string(data), p)
			}
		case base == "pyproject.toml":
			if doc, lines, err := readProject(t, p); err == nil {
				r := projectReader{file: p, lines: lines}
				add(strings.Join(promised(doc.Project.RequiresPython), " "), fmt.Sprintf("%s:%d", p, r.find("requires-python")))
				if text, ok := doc.Tool.Poetry.Dependencies["python"].(string); ok {
					if bounds, ok := poetryRequirement("", text); ok {
						add(strings.Join(promised(bounds), " "), p)
					}
				}
			}
		case strings.HasPrefix(p, ".github/workflows/"), strings.HasPrefix(base, "Dockerfile"):
			if data, err := t.Read(p); err == nil {
				for n, text := range pythonLines(string(data)) {
					add(text, fmt.Sprintf("%s:%d", p, n+1))
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b UsedPython) int { return version.Compare(a.Version, b.Version) })
	return out
}

var (
	minor       = regexp.MustCompile(`\b3\.\d{1,2}\b`)
	pythonKey   = regexp.MustCompile(`^\s*(?:-\s*)?["']?python(?:-versions?|_versions?)?["']?\s*:\s*(.*)$`)
	pythonImage = regexp.MustCompile(`(?i)^\s*FROM\s+(?:--\S+\s+)?(?:\S*/)?python:(\S+)`)
	listItem    = regexp.MustCompile(`^\s*-\s*["']?(3\.\d+)`)
)

// pythonLines returns what a workflow or Dockerfile says of Python versions, by line (from 0). The
// text is read, not its YAML: there 3.10 without quotes is 3.1.
func pythonLines(text string) map[int]string {
	out := map[int]string{}
	open := false
	for n, l := range strings.Split(text, "\n") {
		if m := pythonImage.FindStringSubmatch(l); m != nil {
			out[n] = m[1]
			continue
		}
		if m := listItem.FindStringSubmatch(l); m != nil && open {
			out[n] = m[1]
			continue
		}
		m := pythonKey.FindStringSubmatch(l)
		if open = m != nil; open {
			out[n] = m[1]
		}
	}
	return out
}

// promised returns the minor versions that a range promises: all of a closed one, the lowest of
// one without an upper end.
func promised(bounds string) []string {
	var out []string
	if strings.TrimSpace(bounds) == "" {
		return nil
	}
	for m := 7; m <= 20; m++ {
		if v := fmt.Sprintf("3.%d", m); Supports(bounds, v) {
			out = append(out, v)
		}
	}
	if len(out) > 1 && out[len(out)-1] == "3.20" {
		return out[:1]
	}
	return out
}

// Supports says whether a Requires-Python range allows some release of a minor version.
func Supports(bounds, v string) bool {
	specs, err := pep440.NewSpecifiers(bounds)
	if err != nil {
		return false
	}
	tries := []string{v}
	if strings.Count(v, ".") == 1 {
		tries = []string{v + ".0", v + ".50"}
	}
	return slices.ContainsFunc(tries, func(t string) bool {
		p, err := pep440.Parse(t)
		return err == nil && specs.Check(p)
	})
}

// Judge fills in what follows from the ranges and the versions used.
func (p *Python) Judge() {
	p.Unsupported = []string{}
	if p.RequiresNew == nil || len(p.Used) == 0 {
		return
	}
	for _, v := range p.Used {
		if !Supports(*p.RequiresNew, v) {
			p.Unsupported = append(p.Unsupported, v)
		}
	}
	ok := len(p.Unsupported) == 0
	p.Supported = &ok
}
