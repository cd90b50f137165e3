package repo

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

// Needs returns what the code of some projects needs to run, in one set. A project is a folder of
// the repository, the root when none is named; it needs what its requirements.txt asks for, else the dependencies in its
// pyproject.toml, else the first set below it that asks for ZenML. A file that is named and cannot
// be read is an error; a line that cannot be taken over is a gap of the set.
func Needs(t *Tree, projects []string) (*Set, error) {
	all := &Set{}
	if len(projects) == 0 {
		projects = []string{"."}
	}
	for _, project := range projects {
		s, err := needs(t, path.Clean(filepath.ToSlash(project)))
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(s.Gaps, func(g Gap) bool { return g.Kind == Unread }); i >= 0 {
			return nil, fmt.Errorf("reading requirements: %s", s.Gaps[i])
		}
		for _, l := range s.Constraints {
			s.Gaps = append(s.Gaps, Gap{File: l.File, Line: l.Line, Why: "constraints are not applied"})
		}
		all.Files = append(all.Files, s.Files...)
		all.Lines = append(all.Lines, s.Lines...)
		all.Gaps = append(all.Gaps, slices.DeleteFunc(s.Gaps, func(g Gap) bool { return g.Kind == Locked })...)
	}
	return all, nil
}

func needs(t *Tree, project string) (*Set, error) {
	file := path.Join(project, "requirements.txt")
	if t.has(file) {
		s := &Set{Name: file}
		s.read(t, file, false, map[string]bool{})
		return s, nil
	}
	sets, err := projectSets(t, path.Join(project, "pyproject.toml"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(sets) > 0 && len(sets[0].Lines) > 0 {
		return &sets[0], nil
	}
	sets, _, _ = Sets(t)
	for _, s := range sets {
		if project == "." || strings.HasPrefix(s.Name, project+"/") {
			return &s, nil
		}
	}
	return &Set{Name: project}, nil
}

// Client returns the requirements of a client of one ZenML version beside what the set asks for:
// zenml's own line is replaced, its extras are kept. An empty set gives what a server needs.
func (s *Set) Client(version string) []string {
	out := pyenv.ServerRequirements(version)
	if l, ok := s.ZenML(); ok {
		out[0] = "zenml" + plainLine.FindStringSubmatch(l.Text)[2] + "==" + version
	}
	for _, l := range s.Lines {
		if l.Name != "zenml" {
			out = append(out, l.Text)
		}
	}
	return out
}
