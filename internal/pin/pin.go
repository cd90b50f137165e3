// Package pin finds every place of a repository where a version of ZenML is written, and compares
// the places of two commits. Files are read and never executed.
package pin

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Kind says what a place is.
type Kind string

// The kinds of places.
const (
	Requirement Kind = "requirement" // a Python package that is asked for
	Lock        Kind = "lock"        // a lock file's answer
	Image       Kind = "image"       // a container image
	Chart       Kind = "chart"       // the Helm chart
	HelmValue   Kind = "helm_value"  // an image tag among a chart's values
	Terraform   Kind = "terraform"   // a module or provider, with versions of its own
	Workflow    Kind = "workflow"    // a step of a GitHub workflow
	Script      Kind = "script"      // a command in a script
	Variable    Kind = "variable"    // a variable named for ZenML's version
)

// Pin is one place. Text comes from outside.
type Pin struct {
	Project string   `json:"project"` // folder of the project that it belongs to, "." for the root
	File    string   `json:"file"`
	Line    int      `json:"line"` // 1-based; 0 when the format does not tell it
	Kind    Kind     `json:"kind"`
	Place   string   `json:"place"`   // names it inside the file, whatever its line
	Text    string   `json:"text"`    // as it is written, without a user or password
	Version *string  `json:"version"` // null when it is not exactly one
	Bounds  string   `json:"bounds"`  // such as >=0.85,<0.90
	Extras  []string `json:"extras"`
	Marker  string   `json:"marker"` // of a requirement, or what follows the version in an image's tag
}

// Counts says whether the version is one of ZenML: Terraform's modules and providers count their own.
func (p *Pin) Counts() bool { return p.Kind != Terraform }

// reader collects what the files of a tree say.
type reader struct {
	tree     *repo.Tree
	projects []string // folders, the deepest first
	pins     []Pin
	gaps     []repo.Gap
}

// Read finds every pin, by file and line, and what could not be read. projects are the folders that
// the configuration names; other projects are told from the files that a Python project has.
func Read(t *repo.Tree, projects []string) ([]Pin, []repo.Gap) {
	r := &reader{tree: t}
	for _, p := range projects {
		r.projects = append(r.projects, path.Clean(p))
	}
	for _, p := range t.Files {
		if repo.IsRequirements(p) || path.Base(p) == "setup.py" || path.Base(p) == "Pipfile.lock" {
			r.projects = append(r.projects, projectFolder(p))
		}
	}
	slices.SortFunc(r.projects, func(a, b string) int { return cmp.Or(cmp.Compare(depth(b), depth(a)), cmp.Compare(a, b)) })
	r.projects = slices.Compact(r.projects)
	r.requirements()
	for _, python := range []bool{false, true} { // code last: where few files can be had, others say more
		for _, p := range t.Files {
			if read := readerOf(p); read != nil && repo.IsPython(p) == python {
				r.file(p, read)
			}
		}
	}
	slices.SortStableFunc(r.pins, func(a, b Pin) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Place, b.Place))
	})
	slices.SortFunc(r.gaps, func(a, b repo.Gap) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Why, b.Why))
	})
	return r.pins, slices.Compact(r.gaps)
}

// format reads one file's content.
type format func(r *reader, p string, data []byte)

// readerOf says how a file is read, by its name; nil when no pin can stand in it.
func readerOf(p string) format {
	base, ext := path.Base(p), path.Ext(p)
	switch {
	case lockFormats[base] != nil:
		return lockFormats[base]
	case pylockName.MatchString(base):
		return readLock
	case repo.IsRequirements(p):
		return nil // read as sets
	case constraintsName.MatchString(base):
		return readConstraints
	case dockerName.MatchString(base):
		return readDockerfile
	case ext == ".tf" || ext == ".tfvars" || base == ".terraform.lock.hcl":
		return readTerraform
	case ext == ".yml" || ext == ".yaml":
		return readYAML
	case scriptName.MatchString(base):
		return readScript
	case ext == ".py" || base == "setup.py":
		return readPython
	}
	return nil
}

var (
	constraintsName = regexp.MustCompile(`(?i)^constraints.*\.txt$`)
	dockerName      = regexp.MustCompile(`(?i)^((docker|container)file([-_.].*)?|.*\.(docker|container)file)$`)
	scriptName      = regexp.MustCompile(`(?i)(\.(sh|bash|mk|env|just)|^(makefile|justfile|\.env(\..*)?))$`)
	pylockName      = regexp.MustCompile(`^pylock(\.[^.]+)?\.toml$`)
)

// CanHold says whether a pin can stand in a file of this name.
func CanHold(p string) bool { return repo.IsRequirements(p) || readerOf(p) != nil }

// file reads one file, unless no word in it could be a pin.
func (r *reader) file(p string, read format) {
	data, err := r.tree.Read(p)
	if err != nil {
		r.gap(p, 0, "it could not be read")
		return
	}
	if strings.Contains(strings.ToLower(string(data)), "zenml") {
		read(r, p, data)
	}
}

func (r *reader) gap(p string, line int, why string) {
	r.gaps = append(r.gaps, repo.Gap{File: p, Line: line, Why: why, Kind: repo.Unread})
}

// add completes a pin and takes it in.
func (r *reader) add(p Pin) {
	p.Project = r.project(p.File)
	p.Text = repo.WithoutUser(strings.TrimSpace(p.Text))
	if p.Extras == nil {
		p.Extras = []string{}
	}
	r.pins = append(r.pins, p)
}

// project is the deepest project whose folder holds the file.
func (r *reader) project(file string) string {
	for _, p := range r.projects {
		if p == "." || strings.HasPrefix(file, p+"/") {
			return p
		}
	}
	return "."
}

// depth is how many folders a project lies below the root.
func depth(project string) int {
	if project == "." {
		return 0
	}
	return 1 + strings.Count(project, "/")
}

// projectFolder is the folder of the project that a file of requirements speaks for.
func projectFolder(file string) string {
	dir := path.Dir(file)
	if slices.Contains([]string{"requirements", "reqs", "deps", "docker", "conda", "envs"}, path.Base(dir)) {
		return path.Dir(dir)
	}
	return dir
}

// released is a version as ZenML's releases bear it, which tags and variables hold.
var released = regexp.MustCompile(`^v?(\d+\.\d+(?:\.\d+)?(?:(?:a|b|rc|\.?dev|\.?post)\d+)?)(?:[-_](.+))?$`)

// tagged takes a tag such as 0.85.0-py3.11 apart.
func tagged(tag string) (v *string, rest string) {
	m := released.FindStringSubmatch(strings.TrimSpace(tag))
	if m == nil || version.Valid(m[1]) != nil {
		return nil, ""
	}
	return &m[1], m[2]
}

// exactly is a version that stands by itself; nil for what is none.
func exactly(v string) *string {
	if version.Valid(v) != nil {
		return nil
	}
	return &v
}
