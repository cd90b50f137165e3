package repo

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/pelletier/go-toml/v2"
	"gopkg.in/ini.v1"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/yamltree"
)

// formats read the files that ask for packages in a format of their own, by formatName.
var formats = map[string]func(*Tree, string) ([]Set, error){
	"pyproject.toml": projectSets, "Pipfile": pipfileSets, "setup.cfg": setupSets, "environment.yml": condaSets,
}

var condaName = regexp.MustCompile(`^(conda[-_.])?env(ironment)?([-_.].*)?\.ya?ml$`)

// formatName is the key in formats of a file's name; other names have none.
func formatName(p string) string {
	base := path.Base(p)
	if condaName.MatchString(base) {
		return "environment.yml"
	}
	return base
}

// IsRequirements says whether a file's name says that it asks for packages.
func IsRequirements(p string) bool {
	return isRequirementsText(p) || formats[formatName(p)] != nil
}

// unreadable words why a file is no TOML, YAML or INI, with its line where the parser tells it.
func unreadable(p string, err error) Gap {
	g := Gap{File: p, Why: "it could not be read: " + firstLine(err.Error()), Kind: Unread}
	var inTOML *toml.DecodeError
	var inYAML *yamltree.Error
	var inINI *lineError
	switch {
	case errors.As(err, &inINI):
		g.Line, g.Why = inINI.line, "it is not readable INI"
	case errors.As(err, &inTOML):
		g.Line, _ = inTOML.Position()
		g.Why = "it is not readable TOML"
	case errors.As(err, &inYAML):
		g.Line, g.Why = inYAML.Line, "it is not readable YAML"
	}
	return g
}

// lineError is a syntax error of a parser that does not tell lines.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return e.err.Error() }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// pipfileSets reads a Pipfile: what runs, and with it what development needs.
func pipfileSets(t *Tree, p string) ([]Set, error) {
	data, err := t.Read(p)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Packages map[string]any `toml:"packages"`
		Dev      map[string]any `toml:"dev-packages"`
	}
	if err := toml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("reading %q: %w", p, err)
	}
	r := projectReader{file: p, lines: strings.Split(string(data), "\n")}
	base := Set{Name: p, Files: []string{p}}
	r.poetry(&base, doc.Packages)
	sets := []Set{base}
	if len(doc.Dev) > 0 {
		dev := base.clone(p + " [dev]")
		r.poetry(&dev, doc.Dev)
		sets = append(sets, dev)
	}
	return sets, nil
}

// clone starts a set that holds all of another.
func (s *Set) clone(name string) Set {
	return Set{
		Name: name, Files: s.Files, Lines: slices.Clone(s.Lines), Constraints: slices.Clone(s.Constraints),
		Others: slices.Clone(s.Others), Gaps: slices.Clone(s.Gaps),
	}
}

// setupSets reads setuptools' declarative setup.cfg: install_requires, and with it each extra.
func setupSets(t *Tree, p string) ([]Set, error) {
	data, err := t.Read(p)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(strings.ToLower(string(data)), "zenml") {
		return nil, nil // mostly a linter's settings, in whatever dialect
	}
	// As Python's configparser reads it: indented lines go on, a marker's semicolon is no comment.
	file, err := ini.LoadSources(ini.LoadOptions{AllowPythonMultilineValues: true, IgnoreInlineComment: true}, data)
	r := projectReader{file: p, lines: strings.Split(string(data), "\n")}
	if err != nil { // the library quotes the line and does not count
		at := err.Error()
		return nil, &lineError{line: r.find(strings.TrimSpace(at[strings.LastIndex(at, ": ")+1:])), err: err}
	}
	base := Set{Name: p, Files: []string{p}}
	r.pep508(&base, setupList(file.Section("options").Key("install_requires").String()), false)
	sets := []Set{base}
	extras := file.Section("options.extras_require")
	for _, name := range extras.KeyStrings() {
		extra := base.clone(p + " [" + name + "]")
		r.pep508(&extra, setupList(extras.Key(name).String()), false)
		sets = append(sets, extra)
	}
	return sets, nil
}

// setupList takes a list of setup.cfg apart: one requirement a line.
func setupList(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(comment.ReplaceAllString(strings.TrimRight(line, "\n"), ""))
		if line != "" {
			out = append(out, line)
		}
	}
	return out
}

// condaSets reads an environment of conda: what pip installs in it is a set, which conda's own
// packages limit. A zenml among those is told: the index is not asked for it.
func condaSets(t *Tree, p string) ([]Set, error) {
	data, err := t.Read(p)
	if err != nil {
		return nil, err
	}
	s := Set{Name: p, Files: []string{p}}
	list, err := condaDependencies(p, data)
	if err != nil {
		return nil, err
	}
	for _, d := range list {
		switch name, bounds, ok := condaSpec(d.Text); {
		case d.Name == "pip" && strings.HasPrefix(d.Text, "-"):
			s.line(t, p, d.Line, d.Text, false, map[string]bool{p: true})
		case d.Name == "pip":
			s.add(Line{File: p, Line: d.Line, Text: d.Text}, false)
		case name == "zenml":
			s.Gaps = append(s.Gaps, Gap{File: p, Line: d.Line, Why: "zenml is asked of conda, which the resolver does not know"})
			s.Others = append(s.Others, Line{File: p, Line: d.Line, Text: d.Text, Name: "zenml"})
		case !ok:
			s.Gaps = append(s.Gaps, Gap{File: p, Line: d.Line, Why: "this package of conda's cannot be judged"})
		case bounds != "" && name != "python" && name != "pip":
			// What conda installs limits what pip may; the packages mostly bear the same name.
			s.add(Line{File: p, Line: d.Line, Text: name + bounds}, true)
		}
	}
	return []Set{s}, nil
}

var (
	// condaPackage is a package in conda's form: channel::name, a version, maybe a build.
	condaPackage = regexp.MustCompile(`^(?:[^\s:]+::)?([A-Za-z0-9_.-]+)\s*([^\s\[]*)(\s.*)?$`)
	condaFuzzy   = regexp.MustCompile(`^=(\d[A-Za-z0-9.]*?)(\.\*)?(=\S*)?$`)
	condaBounds  = regexp.MustCompile(`^(==|[<>!~]=?)\d[A-Za-z0-9.,<>=!~*]*$`)
)

// condaSpec takes a package of conda's apart, its bounds in pip's form: numpy=1.26 is ==1.26.*.
func condaSpec(text string) (name, bounds string, ok bool) {
	m := condaPackage.FindStringSubmatch(text)
	if m == nil {
		return "", "", false
	}
	name = pyenv.Normalize(m[1])
	fuzzy := condaFuzzy.FindStringSubmatch(m[2])
	switch {
	case m[2] == "" && m[3] == "":
		return name, "", true
	case m[3] != "":
		return name, "", false
	case fuzzy != nil:
		return name, "==" + fuzzy[1] + ".*", true
	}
	return name, m[2], condaBounds.MatchString(m[2])
}

// condaDependencies lists the entries of an environment; Name is pip for those below "pip:".
func condaDependencies(p string, data []byte) ([]Line, error) {
	docs, err := yamltree.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", p, err)
	}
	var out []Line
	var walk func(n ast.Node, by string)
	walk = func(n ast.Node, by string) {
		for _, item := range yamltree.Items(n) {
			if pip := yamltree.Value(item, "pip"); pip != nil && by == "conda" {
				walk(pip, "pip")
			} else if text, line, ok := yamltree.Text(item); ok {
				out = append(out, Line{File: p, Line: line, Text: strings.TrimSpace(text), Name: by})
			}
		}
	}
	for _, doc := range docs {
		walk(yamltree.Value(doc, "dependencies"), "conda")
	}
	return out, nil
}
