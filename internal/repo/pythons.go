package repo

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Python is a Python version in use and where that is written.
type Python struct {
	Version string `json:"version"` // "3.11"
	Source  string `json:"source"`  // a file with its line, or an input
	Folder  string `json:"-"`       // what it holds for: this folder of the repository, "." for all of it
}

// Pythons returns the Python versions that the repository says it uses, oldest first.
func Pythons(t *Tree) []Python {
	var out []Python
	for _, p := range PythonUses(t) {
		if !slices.ContainsFunc(out, func(u Python) bool { return u.Version == p.Version }) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Python) int { return version.Compare(a.Version, b.Version) })
	return out
}

// PythonUses returns the Python versions of each folder that names some, in order of files.
func PythonUses(t *Tree) []Python {
	var out []Python
	folder := ""
	add := func(text, source string) {
		for _, v := range minor.FindAllString(text, -1) {
			if !slices.ContainsFunc(out, func(u Python) bool { return u.Version == v && u.Folder == folder }) {
				out = append(out, Python{Version: v, Source: source, Folder: folder})
			}
		}
	}
	for _, p := range t.Files {
		if folder = path.Dir(p); strings.HasPrefix(p, ".github/") {
			folder = "."
		}
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
		case condaName.MatchString(base):
			data, err := t.Read(p)
			if err != nil {
				continue
			}
			list, _ := condaDependencies(p, data) // what cannot be read is told with the requirements
			for _, d := range list {
				if name, bounds, ok := condaSpec(d.Text); ok && name == "python" && d.Name == "conda" {
					add(bounds, fmt.Sprintf("%s:%d", p, d.Line))
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
		if v := fmt.Sprintf("3.%d", m); version.Allows(bounds, v) {
			out = append(out, v)
		}
	}
	if len(out) > 1 && out[len(out)-1] == "3.20" {
		return out[:1]
	}
	return out
}
