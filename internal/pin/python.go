package pin

import (
	"regexp"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// requirements takes the pins from every set of requirements; a line that several sets share counts
// once.
func (r *reader) requirements() {
	sets, _, gaps := repo.AllSets(r.tree)
	r.gaps = append(r.gaps, gaps...)
	seen := map[repo.Line]bool{}
	for _, s := range sets {
		for _, l := range s.Lines {
			r.requirement(l, "", seen)
		}
		for _, l := range s.Constraints {
			r.requirement(l, "constraint", seen)
		}
		for _, l := range s.Others {
			if strings.Contains(strings.ToLower(l.Text), "zenml") && !seen[l] {
				seen[l] = true
				r.other(l)
			}
		}
		for _, g := range s.Gaps {
			if g.Kind == repo.Unread {
				r.gaps = append(r.gaps, g)
			}
		}
	}
}

func (r *reader) requirement(l repo.Line, place string, seen map[repo.Line]bool) {
	if l.Name != "zenml" || seen[l] {
		return
	}
	seen[l] = true
	p := Pin{File: l.File, Line: l.Line, Kind: Requirement, Place: place, Text: l.Text}
	p.Extras, p.Bounds, p.Marker = l.Parts()
	p.Version = exactly(l.PinnedVersion())
	r.add(p)
}

// condaExact is conda's way to ask for one version: zenml=0.85.0 or zenml==0.85.0, maybe with a build.
var condaExact = regexp.MustCompile(`(?i)^(?:[^\s:]+::)?zenml\s*==?\s*(\d+\.\d+\.\d+)(=\S*)?$`)

// other takes a line in that asks for ZenML by an address or of conda.
func (r *reader) other(l repo.Line) {
	p := Pin{File: l.File, Line: l.Line, Kind: Requirement, Place: "address", Text: l.Text}
	if l.Name == "zenml" {
		p.Place = "conda"
		if m := condaExact.FindStringSubmatch(l.Text); m != nil {
			p.Version = &m[1]
		}
	}
	r.add(p)
}

// readConstraints reads a file of constraints that no requirements file names.
func readConstraints(r *reader, p string, data []byte) {
	for n, line := range strings.Split(string(data), "\n") {
		line, _, _ = strings.Cut(line, "#")
		s := repo.ParseLine(p, n+1, strings.TrimSpace(line))
		for _, l := range s.Lines {
			if !r.has(p, n+1) {
				r.requirement(l, "constraint", map[repo.Line]bool{})
			}
		}
	}
}

// has says whether a place is known already.
func (r *reader) has(file string, line int) bool {
	for i := range r.pins {
		if r.pins[i].File == file && r.pins[i].Line == line {
			return true
		}
	}
	return false
}

// readPython takes container images and requirements from the text of Python code, comments left out.
func readPython(r *reader, p string, data []byte) {
	for n, line := range strings.Split(string(data), "\n") {
		line, _, _ = strings.Cut(line, "#")
		r.images(p, n+1, line, "code")
		if p == "setup.py" || strings.HasSuffix(p, "/setup.py") || strings.Contains(line, "requirements") {
			r.asked(p, n+1, line, Requirement, "code")
		}
	}
}
