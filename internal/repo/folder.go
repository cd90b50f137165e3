package repo

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
)

// folder is a source that reads below one folder of the disk, links inside it followed.
type folder struct{ root *os.Root }

// Scan lists the files of a repository. Folders that hold installed packages, build products or a
// tool's own data are left out: .github is the only dot folder that is read. Symbolic links are
// not followed. Close the tree when done.
func Scan(dir string) (*Tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	t := &Tree{src: folder{root}}
	err = fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			t.Skipped = append(t.Skipped, Gap{File: p, Why: "it cannot be read"})
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			if p != "." && (foreign(p) || isFile(root, path.Join(p, "pyvenv.cfg"))) {
				return fs.SkipDir
			}
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			if t.Links = append(t.Links, p); !readable(p) {
				return nil
			}
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
	slices.Sort(t.Links)
	return t, nil
}

func isFile(root *os.Root, p string) bool {
	_, err := root.Stat(p)
	return err == nil
}

func (f folder) read(p string) ([]byte, error) {
	file, err := f.root.Open(p)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if st, err := file.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(file, largestFile+1))
	if err == nil && len(data) > largestFile {
		return nil, tooLarge()
	}
	return data, err
}

func (f folder) stat(p string) (there, regular bool) {
	_, err := f.root.Lstat(p)
	st, errStat := f.root.Stat(p)
	// What cannot be looked at is there: its absence would have to be known.
	return !errors.Is(err, fs.ErrNotExist), errStat == nil && st.Mode().IsRegular()
}

func (folder) id(string) string { return "" }

func (f folder) close() error { return f.root.Close() }
