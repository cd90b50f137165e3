package usage

import (
	"bytes"
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// Reader reads what a repository uses of ZenML.
type Reader struct {
	Python string   // an interpreter, 3.9 or newer; it gets our own script and the text of the files
	Env    []string // of it
	To     string   // the version of ZenML that tests in the code are decided for
}

// builder holds what is read until it is an index.
type builder struct {
	Reader
	tree  *repo.Tree
	own   []string // the first parts of the names of the repository's modules
	mu    sync.Mutex
	x     *Index
	files []*pyFile
	texts map[string]string
}

// one returns the one copy that is kept of a text: most names are met in many files.
func (b *builder) one(text string) string {
	if kept, ok := b.texts[text]; ok {
		return kept
	}
	b.texts[text] = text
	return text
}

// Read reads the whole tree. What cannot be read is a gap of the index; an error is returned only
// when the reader of Python code gives no answer at all.
func (r Reader) Read(ctx context.Context, t *repo.Tree) (*Index, error) {
	b := &builder{Reader: r, tree: t, texts: map[string]string{}, x: &Index{places: map[Kind][]Place{}, dead: map[string][]span{}}}
	b.x.Gaps = append(b.x.Gaps, t.Skipped...)
	names := map[string]bool{}
	for _, p := range t.Files {
		if !repo.IsPython(p) {
			continue
		}
		for _, part := range strings.Split(strings.TrimSuffix(p, path.Ext(p)), "/") {
			names[part] = true
		}
	}
	b.own = make([]string, 0, len(names))
	for n := range names {
		b.own = append(b.own, n)
	}
	slices.Sort(b.own)
	if err := b.readPython(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(b.files, func(a, c *pyFile) int { return strings.Compare(a.name, c.name) })
	b.join()
	b.files, b.texts = nil, nil
	for _, p := range t.Files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b.other(p)
	}
	for _, list := range b.x.places {
		slices.SortStableFunc(list, func(a, c Place) int {
			if a.File != c.File {
				return strings.Compare(a.File, c.File)
			}
			return a.Line - c.Line
		})
	}
	slices.SortFunc(b.x.Gaps, func(a, c repo.Gap) int { return strings.Compare(a.String(), c.String()) })
	b.x.Gaps = slices.Compact(b.x.Gaps)
	return b.x, nil
}

func (b *builder) add(p Place) { b.x.places[p.Kind] = append(b.x.places[p.Kind], p) }

func (b *builder) gap(file string, line int, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.x.Gaps = append(b.x.Gaps, repo.Gap{File: file, Line: line, Why: why})
}

// other reads a file that is not Python, by what its name says it is.
func (b *builder) other(p string) {
	base, ext := path.Base(p), path.Ext(p)
	read := map[string]func(string, []byte) error{
		".sh": b.shellFile, ".bash": b.shellFile, ".zsh": b.shellFile, ".bats": b.shellFile,
		".yaml": b.yamlFile, ".yml": b.yamlFile, ".json": b.jsonFile, ".mk": b.makefile, ".tf": b.terraform, ".tfvars": b.terraform,
		".ts": b.script, ".tsx": b.script, ".js": b.script, ".jsx": b.script, ".mjs": b.script, ".cjs": b.script,
		".env": b.lineFile, ".toml": b.lineFile, ".cfg": b.lineFile, ".ini": b.lineFile, ".ps1": b.lineFile, ".bat": b.lineFile, ".cmd": b.lineFile,
		".groovy": b.lineFile, ".just": b.lineFile, ".properties": b.lineFile, ".fish": b.lineFile,
	}[ext]
	lower := strings.ToLower(base)
	switch {
	case lower == "makefile" || lower == "gnumakefile":
		read = b.makefile
	case strings.HasPrefix(lower, "dockerfile") || strings.HasPrefix(lower, "containerfile") || ext == ".dockerfile":
		read = b.dockerfile
	case strings.HasPrefix(base, ".env"):
		read = b.lineFile
	case lower == "justfile" || lower == "jenkinsfile" || lower == "procfile":
		read = b.lineFile
	case read == nil && ext == "":
		read = b.hashbang
	}
	if read == nil {
		return
	}
	data, err := b.tree.Read(p)
	if err != nil {
		b.gap(p, 0, "it could not be read, or is larger than 4 MiB")
		return
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return // no text
	}
	b.x.OtherFiles++
	var at *lineError
	if err := read(p, data); errors.As(err, &at) {
		b.gap(p, at.line, at.why)
	} else if err != nil {
		b.gap(p, 0, err.Error())
	}
}

// lineError is a fault of a file at a line of it.
type lineError struct {
	line int
	why  string
}

func (e *lineError) Error() string { return e.why }

// hashbang reads a file without an ending when its first line says that it is for a shell.
func (b *builder) hashbang(p string, data []byte) error {
	first, _, _ := bytes.Cut(data, []byte("\n"))
	if bytes.HasPrefix(first, []byte("#!")) && (bytes.Contains(first, []byte("sh")) || bytes.Contains(first, []byte("bats"))) {
		return b.shellFile(p, data)
	}
	return nil
}
