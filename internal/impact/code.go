package impact

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/usage"
)

// Breakage is a place in the user's code that only the new version of ZenML objects to.
type Breakage struct {
	File     string   `json:"file"`
	Line     int      `json:"line"` // 1-based
	Rule     string   `json:"rule"` // the checker's
	Message  string   `json:"message"`
	Findings []string `json:"findings"` // ids of release findings that name the same thing
}

// Code is what checking the user's code against both versions gave.
type Code struct {
	Breakages  []Breakage
	Deprecated []Breakage // what only the new version calls deprecated
	Files      int        // how many files were checked
	Gaps       []repo.Gap // what was not checked
}

// ErrNoCheck is wrapped when the check gave no answer that can be trusted.
var ErrNoCheck = errors.New("the code could not be checked")

// checkerTime is far above what any repository took (76,000 lines: 1.2 s).
const checkerTime = 5 * time.Minute

// Checker checks a repository's code with ty against two installed versions of ZenML.
type Checker struct {
	Ty       string
	Env      []string // of the child processes
	Old, New *pyenv.Env
	Roots    []string // folders that imports start from, beside the repository's root; may be nil
}

// Check checks every Python file and notebook of the tree. The files are checked in a copy with a
// configuration of our own, so that neither the repository's configuration nor its comments can
// hide a breakage. Any doubt about a run is an error, never an empty answer.
func (c *Checker) Check(ctx context.Context, t *repo.Tree) (*Code, error) {
	dir, err := os.MkdirTemp("", "zenml-upgrade-code-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the code: %w", err)
	}
	defer os.RemoveAll(dir)
	out := &Code{Breakages: []Breakage{}, Deprecated: []Breakage{}}
	for _, g := range t.Skipped {
		if repo.IsPython(g.File) {
			out.Gaps = append(out.Gaps, g)
		}
	}
	if err := c.copyCode(t, dir, out); err != nil {
		return nil, err
	}
	after, err := c.run(ctx, dir, c.New, []string{"code"})
	if err != nil {
		return nil, err
	}
	// Only what the new version objects to has to be asked of the old one.
	var before []remark
	if after = c.suspect(after); len(after) > 0 {
		if before, err = c.run(ctx, dir, c.Old, filesOf(after)); err != nil {
			return nil, err
		}
	}
	for _, r := range onlyNew(before, after) {
		if strings.HasSuffix(r.File, ".ipynb") {
			r.Line = notebookLine(t, r)
		}
		b := Breakage{File: r.File, Line: r.Line, Rule: r.Rule, Message: r.Message, Findings: []string{}}
		if r.Rule == "deprecated" {
			out.Deprecated = append(out.Deprecated, b)
		} else {
			out.Breakages = append(out.Breakages, b)
		}
	}
	return out, nil
}

// The canary is a file with one known error in its use of ZenML. A run that does not report it has
// not seen the installed ZenML (or does not report errors), whatever else it says.
const (
	canaryFile = "zenml_upgrade_canary.py"
	canaryText = "from zenml.client import Client\n\nClient().zenml_upgrade_canary\n"
)

// settings switch on what can show a breakage and off what is only an opinion about style.
const settings = `[analysis]
respect-type-ignore-comments = false
[environment]
root = [%s]
[rules]
deprecated = "warn"
redundant-cast = "ignore"
redundant-condition = "ignore"
unused-ignore-comment = "ignore"
unused-type-ignore-comment = "ignore"
ignore-comment-unknown-rule = "ignore"
invalid-ignore-comment = "ignore"
`

var suppression = regexp.MustCompile(`(#[^\n]*?\bty):([ \t]*ignore)`)

func (c *Checker) copyCode(t *repo.Tree, dir string, out *Code) error {
	roots := []string{`"./code"`}
	for _, r := range append([]string{"src"}, c.Roots...) {
		r = path.Clean(r)
		if r != "." && filepath.IsLocal(r) && slices.ContainsFunc(t.Files, func(f string) bool { return repo.IsPython(f) && strings.HasPrefix(f, r+"/") }) {
			roots = append(roots, fmt.Sprintf("%q", "./code/"+r))
		}
	}
	for _, p := range t.Files {
		if !repo.IsPython(p) {
			continue
		}
		data, err := t.Read(p)
		if err != nil {
			out.Gaps = append(out.Gaps, repo.Gap{File: p, Why: "it could not be read, or is larger than 4 MiB"})
			continue
		}
		// The same length and lines: only the word that the checker looks for is gone.
		data = suppression.ReplaceAll(data, []byte("${1}_${2}"))
		if bytes.Contains(data, []byte("no_type_check")) {
			out.Gaps = append(out.Gaps, repo.Gap{File: p, Why: "it switches type checking off (no_type_check)"})
		}
		dst := filepath.Join(dir, "code", filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
			return fmt.Errorf("copying the code: %w", err)
		}
		if err := os.WriteFile(dst, data, 0o644); err != nil {
			return fmt.Errorf("copying the code: %w", err)
		}
		out.Files++
	}
	if err := os.MkdirAll(filepath.Join(dir, "code"), 0o755); err != nil {
		return fmt.Errorf("copying the code: %w", err)
	}
	slices.Sort(roots)
	files := map[string]string{
		filepath.Join("code", canaryFile): canaryText,
		"ty.toml":                         fmt.Sprintf(settings, strings.Join(slices.Compact(roots), ", ")),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing the checker's settings: %w", err)
		}
	}
	return nil
}

// remark is one diagnostic of a run.
type remark struct {
	File          string
	Line, Column  int
	Rule, Message string
}

// reported is the part of ty's gitlab format that is read.
type reported struct {
	Rule        string `json:"check_name"`
	Description string `json:"description"` // "rule: message"
	Location    struct {
		Path      string `json:"path"`
		Positions struct {
			Begin struct {
				Line   int `json:"line"`
				Column int `json:"column"`
			} `json:"begin"`
		} `json:"positions"`
	} `json:"location"`
}

// keepOutput bounds what a run may say; more of it is cut at the front, so no JSON, so an error.
const keepOutput = 64 << 20

// suspect keeps the remarks on files that have one which the old version may not give. A module of another
// library that its environment lacks too is missing for both: the repository's own packages are not
// installed for the check.
func (c *Checker) suspect(after []remark) []remark {
	site, err := c.Old.SitePackages()
	keep := map[string]bool{}
	missing := map[string]bool{}
	for _, r := range after {
		top := ""
		if names := Names(r.Message); strings.HasPrefix(r.Message, "Cannot resolve imported module") && len(names) > 0 && err == nil {
			top, _, _ = strings.Cut(names[len(names)-1], ".")
		}
		if top == "" || top == "zenml" {
			keep[r.File] = true
			continue
		}
		absent, ok := missing[top]
		if !ok {
			found, globErr := filepath.Glob(filepath.Join(site, top+"*"))
			absent = globErr == nil && len(found) == 0
			missing[top] = absent
		}
		keep[r.File] = keep[r.File] || !absent
	}
	return slices.DeleteFunc(after, func(r remark) bool { return !keep[r.File] })
}

// mostPaths bounds the paths on one command line.
const mostPaths = 4000

func filesOf(list []remark) []string {
	out := []string{path.Join("code", canaryFile)}
	for _, r := range list {
		if p := path.Join("code", r.File); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	if len(out) > mostPaths {
		return []string{"code"}
	}
	return out
}

func (c *Checker) run(ctx context.Context, dir string, env *pyenv.Env, paths []string) ([]remark, error) {
	res, err := proc.Run(ctx, proc.Command{
		Path: c.Ty, Dir: dir, Env: c.Env, Keep: keepOutput, Timeout: checkerTime,
		Args: append([]string{
			"check", "--output-format", "gitlab", "--exit-zero", "--no-progress", "--no-respect-ignore-files",
			"--config-file", "ty.toml", "--python", env.Dir, "--project", ".", "--",
		}, paths...),
	})
	if err != nil {
		return nil, errors.Join(ErrNoCheck, err)
	}
	var list []reported
	if err := json.Unmarshal(bytes.TrimSpace(res.Stdout), &list); err != nil {
		return nil, errors.Join(ErrNoCheck, fmt.Errorf("reading the type checker's answer: %w", err))
	}
	var out []remark
	alive := false
	for _, d := range list {
		r := remark{
			File: strings.TrimPrefix(filepath.ToSlash(d.Location.Path), "code/"), Rule: d.Rule,
			Line: d.Location.Positions.Begin.Line, Column: d.Location.Positions.Begin.Column,
			// The same words for both: a path of the environment in them would differ.
			Message: strings.ReplaceAll(strings.TrimPrefix(d.Description, d.Rule+": "), env.Dir+"/", ""),
		}
		if r.File == canaryFile {
			alive = alive || r.Line == 3 && strings.Contains(r.Message, "`zenml_upgrade_canary`")
			continue
		}
		out = append(out, r)
	}
	if !alive {
		return nil, errors.Join(ErrNoCheck, errors.New("the type checker did not see the installed ZenML (does the repository have a module named zenml of its own?)"))
	}
	return out, nil
}

// onlyNew returns what only the second run says, as a multiset of file, rule and message. Remarks at
// the same place are paired first, so that of several equal ones the right line is kept. One entry
// a file, line and symbol.
func onlyNew(before, after []remark) []remark {
	place := func(r remark) remark { return r }
	anywhere := func(r remark) remark { r.Line, r.Column = 0, 0; return r }
	before, after = slices.Clone(before), slices.Clone(after)
	for _, key := range []func(remark) remark{place, anywhere} {
		left := map[remark]int{}
		for _, r := range before {
			left[key(r)]++
		}
		used := map[remark]int{}
		after = slices.DeleteFunc(after, func(r remark) bool {
			if left[key(r)] == 0 {
				return false
			}
			left[key(r)]--
			used[key(r)]++
			return true
		})
		before = slices.DeleteFunc(before, func(r remark) bool {
			used[key(r)]--
			return used[key(r)] >= 0
		})
	}
	slices.SortFunc(after, func(a, b remark) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule, b.Rule))
	})
	seen := map[remark]bool{}
	return slices.DeleteFunc(after, func(r remark) bool {
		k := remark{File: r.File, Line: r.Line, Rule: "", Message: strings.Join(Names(r.Message), " ")}
		if r.Rule == "deprecated" || k.Message == "" {
			k.Rule, k.Message = r.Rule, r.Message
		}
		was := seen[k]
		seen[k] = true
		return was
	})
}

// notebookLine finds where a notebook says what a remark is about: the checker counts lines inside
// a cell, people see the file.
func notebookLine(t *repo.Tree, r remark) int {
	data, err := t.Read(r.File)
	names := Names(r.Message)
	if err != nil || len(names) == 0 {
		return 1
	}
	name := names[len(names)-1]
	if i := bytes.Index(data, []byte(name)); i >= 0 {
		return 1 + bytes.Count(data[:i], []byte("\n"))
	}
	return 1
}

var backticked = regexp.MustCompile("`([^`\n]{1,200})`")

// Names returns what stands in backticks, in order.
func Names(text string) []string {
	var out []string
	for _, m := range backticked.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// Reach takes away what the checker tells of lines that the new version never comes to: it does not
// know the version that a test in the code asks for.
func (c *Code) Reach(x *usage.Index) {
	never := func(b Breakage) bool { return x.Unreached(b.File, b.Line) != "" }
	c.Breakages, c.Deprecated = slices.DeleteFunc(c.Breakages, never), slices.DeleteFunc(c.Deprecated, never)
}
