package database

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// markerName is the file by which a scratch folder is known for one.
const markerName = ".zenml-upgrade-scratch"

// Scratch is a throw-away copy of a backup, proven equal to it when it was made.
type Scratch struct {
	DB    *SQLite
	URL   string // DB.URL()
	Dir   string // absolute; holds the database and nothing else that counts
	Token string // what the marker in Dir holds; with Dir enough to Drop the copy in a later process
}

// Scratch restores a verified backup into a new folder below dir and proves that its content is
// the backup's.
func (d *SQLite) Scratch(ctx context.Context, backup, dir string) (*Scratch, error) {
	m, err := Verify(ctx, backup)
	if err != nil {
		return nil, err
	}
	s, err := newScratch(dir)
	if err != nil {
		return nil, fmt.Errorf("making a folder for a throw-away copy: %w", err)
	}
	path := filepath.Join(s.Dir, copyName)
	if err = copyFile(ctx, filepath.Join(m.Path, copyName), path); err == nil {
		if err = proveCopy(ctx, path, m); err == nil {
			s.DB = &SQLite{path: path, real: path}
			s.URL = s.DB.URL()
			return s, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("restoring %q into a throw-away copy: %w", backup, d.explain(err)), s.Drop())
}

func newScratch(dir string) (*Scratch, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(dir, "scratch-")
	if err != nil {
		return nil, err
	}
	s := &Scratch{Dir: folder, Token: rand.Text()}
	return s, writeSynced(filepath.Join(folder, markerName), []byte(s.Token))
}

// Drop removes the folder. It refuses a folder that does not hold the marker which was written
// when the copy was made: whatever stands under that name now is not ours. A folder that is gone
// is no error.
func (s *Scratch) Drop() error {
	st, err := os.Lstat(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !st.IsDir() {
		return errors.Join(fmt.Errorf("removing the throw-away copy %q: it is not the folder that was made", s.Dir), err)
	}
	marker, err := os.ReadFile(filepath.Join(s.Dir, markerName))
	if err != nil || string(marker) != s.Token {
		return errors.Join(fmt.Errorf("removing the throw-away copy %q: its marker is not the one that was written", s.Dir), err)
	}
	if err := os.RemoveAll(s.Dir); err != nil {
		return fmt.Errorf("removing the throw-away copy: %w", err)
	}
	return nil
}
