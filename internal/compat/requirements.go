package compat

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

const (
	maxRequirements = 1 << 20 // bytes of one file
	maxIncludes     = 20      // files that one includes
)

// requirements is what a repository's code needs.
type requirements struct {
	files   []string // relative to the repository
	lines   []string // PEP 508
	ignored []string // lines of requirement files that are options or paths, as "file: line"
}

// readRequirements reads requirements.txt, and what it includes with -r, or else the dependencies
// in pyproject.toml, of each project. Development requirements are not what pipelines run with.
func readRequirements(repo string, projects []string) (*requirements, error) {
	r := &requirements{}
	for _, project := range projects {
		dir := filepath.Join(repo, project)
		err := r.text(repo, filepath.Join(dir, "requirements.txt"))
		if errors.Is(err, os.ErrNotExist) {
			err = r.project(repo, filepath.Join(dir, "pyproject.toml"))
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return r, nil
}

func (r *requirements) text(repo, path string) error {
	rel, text, err := readBelow(repo, path)
	if err != nil {
		return err
	}
	if len(r.files) >= maxIncludes {
		return fmt.Errorf("reading requirements: more than %d files", maxIncludes)
	}
	for _, seen := range r.files {
		if seen == rel {
			return nil
		}
	}
	r.files = append(r.files, rel)
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = comment.ReplaceAllString(strings.TrimSpace(line), "")
		line = strings.TrimSpace(hashOption.ReplaceAllString(line, ""))
		include := includeOption.FindStringSubmatch(line)
		switch {
		case line == "":
		case include != nil:
			err := r.text(repo, filepath.Join(filepath.Dir(path), include[1]))
			if err != nil {
				return err
			}
		case packageName(line) == "" || strings.Contains(line, "://"):
			r.ignored = append(r.ignored, rel+": "+withoutCredentials.ReplaceAllString(line, "//"))
		default:
			r.lines = append(r.lines, line)
		}
	}
	return nil
}

var (
	comment       = regexp.MustCompile(`(^|\s)#.*$`)
	hashOption    = regexp.MustCompile(`\s--hash[= ]\S+`)
	includeOption = regexp.MustCompile(`^(?:-r|--requirement)[= ]?\s*(\S+)$`)
	// An address in a requirement file may hold a password.
	withoutCredentials = regexp.MustCompile(`//[^/@\s]*@`)
	nameAndExtras      = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*(?:[=<>!~;,(@ ].*)?$`)
)

// packageName returns the normalised name a PEP 508 line begins with, "" for other lines.
func packageName(line string) string {
	m := nameAndExtras.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	return pyenv.Normalize(m[1])
}

func (r *requirements) project(repo, path string) error {
	rel, text, err := readBelow(repo, path)
	if err != nil {
		return err
	}
	var doc struct {
		Project struct {
			Dependencies []string `toml:"dependencies"`
		} `toml:"project"`
	}
	if err := toml.Unmarshal([]byte(text), &doc); err != nil {
		return fmt.Errorf("reading %q: %w", rel, err)
	}
	if len(doc.Project.Dependencies) > 0 {
		r.files = append(r.files, rel)
		r.lines = append(r.lines, doc.Project.Dependencies...)
	}
	return nil
}

// readBelow reads a file that must lie below the repository, links followed.
func readBelow(repo, path string) (rel, text string, err error) {
	root, err := os.OpenRoot(repo)
	if err != nil {
		return "", "", fmt.Errorf("opening the repository: %w", err)
	}
	defer root.Close()
	rel, err = filepath.Rel(repo, path)
	if err != nil {
		return "", "", fmt.Errorf("finding %q in the repository: %w", path, err)
	}
	rel = filepath.ToSlash(rel)
	f, err := root.Open(rel)
	if err != nil {
		return rel, "", fmt.Errorf("reading %q: %w", rel, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxRequirements+1))
	if err == nil && len(b) > maxRequirements {
		err = fmt.Errorf("it is larger than %d bytes", maxRequirements)
	}
	if err != nil {
		return rel, "", fmt.Errorf("reading %q: %w", rel, err)
	}
	return rel, string(b), nil
}

// packages returns the normalised names of what is asked for beside ZenML itself.
func (r *requirements) packages() []string {
	var out []string
	for _, line := range r.lines {
		if name := packageName(line); name != "" && name != "zenml" {
			out = append(out, name)
		}
	}
	return out
}

// with returns the lines for a client of one ZenML version: zenml's own line is replaced, its
// extras are kept; without requirements it is what a server needs.
func (r *requirements) with(version string) []string {
	server := pyenv.ServerRequirements(version)
	if len(r.lines) == 0 {
		return server
	}
	extras := "[server]"
	var out []string
	for _, line := range r.lines {
		if packageName(line) != "zenml" {
			out = append(out, line)
			continue
		}
		if m := nameAndExtras.FindStringSubmatch(line); m != nil {
			extras = m[2]
		}
	}
	return append(append([]string{"zenml" + extras + "==" + version}, server[1:]...), out...)
}
