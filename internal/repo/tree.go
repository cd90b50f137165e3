// Package repo reads what a user's repository says of itself: its files, its requirements and the
// Python versions it uses. It is read, bounded and inside its own folder only, and never executed.
package repo

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Bounds of what is read of a repository.
const (
	largestFile = 4 << 20
	mostFiles   = 50_000
)

// Tree is what of a repository is looked at. Paths are relative to its root, with slashes.
type Tree struct {
	Files   []string // regular files, sorted
	Skipped []Gap    // what could not be looked at and could matter
	Links   []string // symbolic links, sorted
	src     source
}

// source is where a tree's files come from: a folder, a commit of git, or GitHub.
type source interface {
	// read returns a file's content; a missing one is fs.ErrNotExist, one above largestFile an error.
	read(p string) ([]byte, error)
	// stat says whether anything bears the name, and whether that is a regular file.
	stat(p string) (there, regular bool)
	// id names the content as git does, empty when it is not known without reading.
	id(p string) string
	close() error
}

// Gap is something that could not be judged; what is not known is told, never dropped.
type Gap struct {
	File string  `json:"file"`
	Line int     `json:"line"` // 1-based; 0: the whole file
	Why  string  `json:"why"`
	Kind GapKind `json:"-"`
}

// GapKind tells what a gap leaves open.
type GapKind int

// The kinds of gaps.
const (
	LeftOut GapKind = iota // a line or file was not taken over
	Unread                 // a requirement file that is named and could not be read
	Locked                 // a line was taken over without its hash
)

func (g Gap) String() string {
	if g.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", g.File, g.Line, g.Why)
	}
	return g.File + ": " + g.Why
}

// readable says whether a path names something that the checks read.
func readable(p string) bool {
	return IsPython(p) || IsRequirements(p)
}

// IsPython says whether a path names Python code, notebooks included.
func IsPython(p string) bool {
	ext := path.Ext(p)
	return ext == ".py" || ext == ".pyi" || ext == ".ipynb"
}

// Read returns a file's content. A file above 4 MiB is an error: a part of it would prove nothing.
func (t *Tree) Read(p string) ([]byte, error) {
	data, err := t.src.read(p)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", p, err)
	}
	return data, nil
}

// ID returns git's name for the content of a file, link or submodule of a commit: two files with
// one id are the same. It is empty for what is not there and in a tree that is a folder.
func (t *Tree) ID(p string) string { return t.src.id(p) }

// Follow returns the path that a symbolic link of a commit names, empty when it leads out of the
// repository or is none.
func (t *Tree) Follow(link string) string {
	if l, ok := t.src.(*listed); ok {
		return l.target(link)
	}
	return ""
}

// within says whether a path names a file inside the repository.
func (t *Tree) within(p string) bool {
	_, regular := t.src.stat(p)
	return regular
}

// has says whether anything in the repository bears a name.
func (t *Tree) has(p string) bool {
	there, _ := t.src.stat(p)
	return there
}

// Close ends the use of the tree.
func (t *Tree) Close() error { return t.src.close() }

// automation are the dot folders that hold what the repository runs elsewhere.
var automation = []string{".github", ".circleci", ".gitlab", ".buildkite", ".azure-pipelines", ".azuredevops", ".woodpecker", ".tekton", ".devcontainer", ".semaphore"}

// foreign says whether a folder's name says that it holds what is not the user's own.
func foreign(folder string) bool {
	base := path.Base(folder)
	return strings.HasPrefix(base, ".") && !slices.Contains(automation, base) || slices.Contains([]string{"node_modules", "__pycache__", "site-packages"}, base)
}

// tooLarge is the error of a file that is not read.
func tooLarge() error { return fmt.Errorf("it is larger than %d MiB", largestFile>>20) }
