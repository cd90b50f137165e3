package repo

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// project is the part of a pyproject.toml that is read.
type project struct {
	Project struct {
		RequiresPython string              `toml:"requires-python"`
		Dependencies   []string            `toml:"dependencies"`
		Optional       map[string][]string `toml:"optional-dependencies"`
	} `toml:"project"`
	Groups map[string][]any `toml:"dependency-groups"`
	Tool   struct {
		UV struct {
			Dev         []string `toml:"dev-dependencies"`
			Constraints []string `toml:"constraint-dependencies"`
			Overrides   []string `toml:"override-dependencies"`
		} `toml:"uv"`
		PDM struct {
			Dev map[string][]string `toml:"dev-dependencies"`
		} `toml:"pdm"`
		Poetry struct {
			Dependencies map[string]any `toml:"dependencies"`
			Dev          map[string]any `toml:"dev-dependencies"`
			Group        map[string]struct {
				Dependencies map[string]any `toml:"dependencies"`
			} `toml:"group"`
		} `toml:"poetry"`
	} `toml:"tool"`
}

func readProject(t *Tree, p string) (*project, []string, error) {
	data, err := t.Read(p)
	if err != nil {
		return nil, nil, err
	}
	var doc project
	if err := toml.Unmarshal(data, &doc); err != nil {
		return nil, nil, fmt.Errorf("reading %q: %w", p, err)
	}
	return &doc, strings.Split(string(data), "\n"), nil
}

// projectSets returns the sets of a pyproject.toml: the dependencies alone, and with each group.
func projectSets(t *Tree, p string) ([]Set, error) {
	doc, lines, err := readProject(t, p)
	if err != nil {
		return nil, err
	}
	r := projectReader{file: p, lines: lines}
	base := Set{Name: p, Files: []string{p}}
	r.pep508(&base, doc.Project.Dependencies, false)
	r.poetry(&base, doc.Tool.Poetry.Dependencies)
	r.pep508(&base, doc.Tool.UV.Constraints, true)
	if len(doc.Tool.UV.Overrides) > 0 {
		base.Gaps = append(base.Gaps, Gap{File: p, Line: r.find("override-dependencies"), Why: "uv's overrides are not judged"})
	}
	sets := []Set{base}
	group := func(name string) *Set {
		sets = append(sets, base.clone(p+" ["+name+"]"))
		return &sets[len(sets)-1]
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Project.Optional)) {
		r.pep508(group(name), doc.Project.Optional[name], false)
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Groups)) {
		r.group(group(name), doc.Groups, name, 0)
	}
	if len(doc.Tool.UV.Dev) > 0 {
		r.pep508(group("dev-dependencies"), doc.Tool.UV.Dev, false)
	}
	if len(doc.Tool.Poetry.Dev) > 0 {
		r.poetry(group("dev-dependencies"), doc.Tool.Poetry.Dev)
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Tool.PDM.Dev)) {
		r.pep508(group(name), doc.Tool.PDM.Dev[name], false)
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Tool.Poetry.Group)) {
		r.poetry(group(name), doc.Tool.Poetry.Group[name].Dependencies)
	}
	return sets, nil
}

type projectReader struct {
	file  string
	lines []string
}

// find returns the line that holds a text, 0 when none does (such as an escaped string).
func (r projectReader) find(text string) int {
	return 1 + slices.IndexFunc(r.lines, func(l string) bool {
		return strings.Contains(l, text) && !strings.HasPrefix(strings.TrimSpace(l), "#")
	})
}

func (r projectReader) pep508(s *Set, list []string, constraint bool) {
	for _, text := range list {
		n := r.find(`"` + text + `"`)
		if n == 0 {
			n = r.find(text)
		}
		s.add(Line{File: r.file, Line: n, Text: strings.TrimSpace(text)}, constraint)
	}
}

// group reads a dependency group (PEP 735), whose entries may include other groups.
func (r projectReader) group(s *Set, groups map[string][]any, name string, depth int) {
	if depth > 10 {
		s.Gaps = append(s.Gaps, Gap{File: r.file, Why: "its dependency groups include each other"})
		return
	}
	for _, entry := range groups[name] {
		switch e := entry.(type) {
		case string:
			r.pep508(s, []string{e}, false)
		case map[string]any:
			other, _ := e["include-group"].(string)
			r.group(s, groups, other, depth+1)
		}
	}
}

func (r projectReader) poetry(s *Set, deps map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(deps)) {
		if name == "python" {
			continue
		}
		n := 1 + slices.IndexFunc(r.lines, func(l string) bool {
			key, _, ok := strings.Cut(l, "=")
			return ok && strings.Trim(strings.TrimSpace(key), `"`) == name
		})
		text, ok := poetryRequirement(name, deps[name])
		if !ok {
			s.Gaps = append(s.Gaps, Gap{File: r.file, Line: n, Why: fmt.Sprintf("the dependency %q is not given by a version", name)})
			s.Others = append(s.Others, Line{File: r.file, Line: n, Text: WithoutUser(fmt.Sprintf("%s = %v", name, deps[name]))})
			continue
		}
		s.add(Line{File: r.file, Line: n, Text: text}, false)
	}
}

func poetryRequirement(name string, value any) (string, bool) {
	extras, marker := "", ""
	if table, ok := value.(map[string]any); ok {
		for _, k := range []string{"git", "path", "url", "file", "python", "platform", "source"} {
			if _, has := table[k]; has {
				return "", false
			}
		}
		if list, ok := table["extras"].([]any); ok {
			words := make([]string, 0, len(list))
			for _, e := range list {
				words = append(words, fmt.Sprint(e))
			}
			extras = "[" + strings.Join(words, ",") + "]"
		}
		if m, ok := table["markers"].(string); ok && m != "" {
			marker = " ; " + m
		}
		value = table["version"]
	}
	text, ok := value.(string)
	if !ok || strings.Contains(text, "|") {
		return "", false
	}
	var bounds []string
	for part := range strings.SplitSeq(text, ",") {
		b, ok := poetryBound(strings.TrimSpace(part))
		if !ok {
			return "", false
		}
		if b != "" {
			bounds = append(bounds, b)
		}
	}
	return name + extras + strings.Join(bounds, ",") + marker, true
}

var plainVersion = regexp.MustCompile(`^\d+(\.\d+)*$`)

// poetryBound turns one of Poetry's bounds into PEP 440: ^1.2 is >=1.2,<2; ~1.2 is >=1.2,<1.3.
func poetryBound(b string) (string, bool) {
	switch {
	case b == "*":
		return "", true
	case strings.HasPrefix(b, "^"), strings.HasPrefix(b, "~") && !strings.HasPrefix(b, "~="):
		v := strings.TrimSpace(b[1:])
		if !plainVersion.MatchString(v) {
			return "", false
		}
		parts := strings.Split(v, ".")
		at := 0 // caret: the first part that is not 0 may not change; tilde: the second
		if b[0] == '~' {
			at = min(1, len(parts)-1)
		} else {
			for at < len(parts)-1 && strings.Trim(parts[at], "0") == "" {
				at++
			}
		}
		n, err := strconv.Atoi(parts[at])
		if err != nil {
			return "", false
		}
		upper := append(slices.Clone(parts[:at]), strconv.Itoa(n+1))
		return ">=" + v + ",<" + strings.Join(upper, "."), true
	case b != "" && b[0] >= '0' && b[0] <= '9':
		return "==" + b, true
	}
	return b, b != ""
}
