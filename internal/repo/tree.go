// Package repo reads what a user's repository says of itself: its files, its requirements and the
// Python versions it uses. It is read, bounded and inside its own folder only, and never executed.
package repo

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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
	root    *os.Root
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

// Scan lists the files of a repository. Folders that hold installed packages, build products or a
// tool's own data are left out: of dot folders only those of automation are read. Symbolic links are
// not followed. Close the tree when done.
func Scan(dir string) (*Tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	t := &Tree{root: root}
	err = fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			t.Skipped = append(t.Skipped, Gap{File: p, Why: "it cannot be read"})
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			if p != "." && t.foreign(p) {
				return fs.SkipDir
			}
			return nil
		case d.Type()&fs.ModeSymlink != 0 && readable(p):
			t.Skipped = append(t.Skipped, Gap{File: p, Why: "it is a symbolic link and was not followed"})
			return nil
		case !d.Type().IsRegular():
			return nil
		case len(t.Files) == mostFiles:
			t.Skipped = append(t.Skipped, Gap{File: p, Why: fmt.Sprintf("the repository has more than %d files; from here on none was read", mostFiles)})
			return fs.SkipAll
		}
		t.Files = append(t.Files, p)
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listing the repository: %w", err), root.Close())
	}
	slices.Sort(t.Files)
	return t, nil
}

// automation are the dot folders that hold what the repository runs elsewhere.
var automation = []string{".github", ".circleci", ".gitlab", ".buildkite", ".azure-pipelines", ".azuredevops", ".woodpecker", ".tekton", ".devcontainer", ".semaphore"}

// foreign says whether a folder holds what is not the user's own.
func (t *Tree) foreign(p string) bool {
	base := path.Base(p)
	if strings.HasPrefix(base, ".") && !slices.Contains(automation, base) {
		return true
	}
	if slices.Contains([]string{"node_modules", "__pycache__", "site-packages"}, base) {
		return true
	}
	_, err := t.root.Stat(path.Join(p, "pyvenv.cfg"))
	return err == nil
}

// readable says whether a path names something that the checks read.
func readable(p string) bool {
	return IsPython(p) || isRequirements(p) || path.Base(p) == "pyproject.toml"
}

// IsPython says whether a path names Python code, notebooks included.
func IsPython(p string) bool {
	ext := path.Ext(p)
	return ext == ".py" || ext == ".pyi" || ext == ".ipynb"
}

// Read returns a file's content. A file above 4 MiB is an error: a part of it would prove nothing.
func (t *Tree) Read(p string) ([]byte, error) {
	f, err := t.root.Open(p)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", p, err)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %q: it is not a regular file", p)
	}
	data, err := io.ReadAll(io.LimitReader(f, largestFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", p, err)
	}
	if len(data) > largestFile {
		return nil, fmt.Errorf("reading %q: it is larger than %d MiB", p, largestFile>>20)
	}
	return data, nil
}

// within says whether a path names a file inside the repository, links inside it followed.
func (t *Tree) within(p string) bool {
	st, err := t.root.Stat(p)
	return err == nil && st.Mode().IsRegular()
}

// Close ends the use of the tree.
func (t *Tree) Close() error { return t.root.Close() }
