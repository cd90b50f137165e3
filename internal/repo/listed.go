package repo

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Entry is one entry of a commit's tree, folders left out.
type Entry struct {
	Path string // from the repository's root
	Mode string // git's, such as 100644
	ID   string // of the content
}

// The modes of entries that are no files.
const (
	modeLink      = "120000"
	modeSubmodule = "160000"
)

// listed is a source whose files were all listed first and are read by id.
type listed struct {
	entries map[string]Entry // by path below the tree's own root
	ids     map[string]bool
	blob    func(id string) ([]byte, error)
	end     func() error
}

// newListed makes the tree of the entries below a folder of a repository, "" for its root. What is
// left out of a folder on disk is left out here; links and submodules are never listed. How many files
// there are is bounded by the list.
func newListed(entries []Entry, below string, blob func(id string) ([]byte, error), end func() error) *Tree {
	l := &listed{entries: map[string]Entry{}, ids: map[string]bool{}, blob: blob, end: end}
	t := &Tree{src: l}
	var venvs []string
	for _, e := range entries {
		p, inside := strings.CutPrefix(e.Path, below)
		if !inside || !fs.ValidPath(p) {
			continue
		}
		l.entries[p], l.ids[e.ID] = e, true
		if path.Base(p) == "pyvenv.cfg" {
			venvs = append(venvs, path.Dir(p)+"/")
		}
	}
	paths := make([]string, 0, len(l.entries))
	for p := range l.entries {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		if inForeign(p) || slices.ContainsFunc(venvs, func(v string) bool { return strings.HasPrefix(p, v) }) {
			continue
		}
		switch l.entries[p].Mode {
		case modeSubmodule:
			t.Skipped = append(t.Skipped, Gap{File: p, Why: "it is a submodule and was not read"})
		case modeLink:
			if t.Links = append(t.Links, p); readable(p) {
				t.Skipped = append(t.Skipped, Gap{File: p, Why: "it is a symbolic link and was not followed"})
			}
		default:
			t.Files = append(t.Files, p)
		}
	}
	return t
}

func inForeign(p string) bool {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if foreign(dir) {
			return true
		}
	}
	return false
}

func (l *listed) read(p string) ([]byte, error) {
	e, ok := l.resolve(p)
	switch {
	case !ok:
		return nil, fs.ErrNotExist
	case e.Mode == modeLink || e.Mode == modeSubmodule:
		return nil, errors.New("it is not a regular file")
	}
	data, err := l.blob(e.ID)
	if err != nil {
		return nil, fmt.Errorf("content %s: %w", e.ID, err)
	}
	return data, nil
}

// mostLinks bounds how many links lead to one file.
const mostLinks = 8

// resolve finds the entry of a path, links inside the repository followed as on disk. A link that
// leads nowhere is returned itself.
func (l *listed) resolve(p string) (Entry, bool) {
	p = path.Clean(p)
	for range mostLinks {
		e, ok := l.entries[p]
		next := l.target(p)
		if !ok || next == "" {
			return e, ok
		}
		if _, leads := l.entries[next]; !leads {
			return e, ok
		}
		p = next
	}
	return l.entries[p], true
}

// target is the path that a link names, empty when it leads out of the repository or is none.
func (l *listed) target(link string) string {
	e := l.entries[link]
	if e.Mode != modeLink {
		return ""
	}
	text, err := l.blob(e.ID)
	if p := path.Join(path.Dir(link), string(text)); err == nil && !path.IsAbs(string(text)) && fs.ValidPath(p) {
		return p
	}
	return ""
}

func (l *listed) stat(p string) (there, regular bool) {
	if e, ok := l.resolve(p); ok {
		return true, e.Mode != modeLink && e.Mode != modeSubmodule
	}
	for name := range l.entries {
		if strings.HasPrefix(name, path.Clean(p)+"/") {
			return true, false
		}
	}
	return false, false
}

// has says whether some file of the commit has a content.
func (l *listed) has(id string) bool { return l.ids[id] }

func (l *listed) id(p string) string { return l.entries[path.Clean(p)].ID }

func (l *listed) close() error { return l.end() }
