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

const scratchStart = "scratch-"

// Scratch is a throw-away copy of a backup, proven equal to it when it was made.
type Scratch struct {
	DB   Database
	Mark Mark
}

// Mark is what a later process needs to Drop a throw-away copy, and to know it for one.
type Mark struct {
	Dir   string `json:"dir"`   // absolute; holds the copy, or nothing but a marker
	Token string `json:"token"` // what the copy's marker holds
	Name  string `json:"name"`  // of the database on the server of scratch-database-url; else ""
	// Copy is by what name the commands of a snapshot know the copy, and Snapshot what it is of; else "".
	Copy     string `json:"copy,omitempty"`
	Snapshot string `json:"snapshot,omitempty"`
}

// Scratch restores a verified backup into a new folder below dir and proves that its content is
// the backup's. begun is told the mark before anything of the database is in the copy.
func (d *SQLite) Scratch(ctx context.Context, backup, dir string, begun func(Mark) error) (*Scratch, error) {
	m, err := Verify(ctx, backup)
	if err != nil {
		return nil, err
	}
	mark, err := newScratch(dir)
	if err != nil {
		return nil, fmt.Errorf("making a folder for a throw-away copy: %w", err)
	}
	if err = begun(mark); err == nil {
		path := filepath.Join(mark.Dir, copyName)
		if err = copyFile(ctx, filepath.Join(m.Path, copyName), path); err == nil {
			if err = proveCopy(ctx, path, m); err == nil {
				return &Scratch{DB: &SQLite{path: path, real: path}, Mark: mark}, nil
			}
		}
	}
	return nil, errors.Join(fmt.Errorf("restoring %q into a throw-away copy: %w", backup, d.explain(err)), d.Drop(ctx, mark))
}

func newScratch(dir string) (Mark, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Mark{}, err
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return Mark{}, err
	}
	folder, err := os.MkdirTemp(dir, scratchStart)
	if err != nil {
		return Mark{}, err
	}
	m := Mark{Dir: folder, Token: rand.Text()}
	return m, writeSynced(filepath.Join(folder, markerName), []byte(m.Token))
}

// SweepScratch removes folders of throw-away copies in dir of which no journal tells, because their
// run was killed right after it had made them: they hold a marker at most.
func SweepScratch(dir string) error {
	found, err := filepath.Glob(filepath.Join(dir, scratchStart+"*"))
	if err != nil {
		return err
	}
	for _, folder := range found {
		if err := os.Remove(filepath.Join(folder, markerName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing an empty throw-away copy: %w", err)
		}
		if err := os.Remove(folder); err != nil { // it refuses one that holds anything else
			return fmt.Errorf("removing an empty throw-away copy: %w", err)
		}
	}
	return nil
}

// Drop removes the copy's folder.
func (d *SQLite) Drop(_ context.Context, m Mark) error { return m.removeFolder() }

// removeFolder refuses a folder that does not hold the marker which was written when the copy was
// made: whatever stands under that name now is not ours. A folder that is gone is no error.
func (m Mark) removeFolder() error {
	st, err := os.Lstat(m.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !st.IsDir() {
		return errors.Join(fmt.Errorf("removing the throw-away copy %q: it is not the folder that was made", m.Dir), err)
	}
	marker, err := os.ReadFile(filepath.Join(m.Dir, markerName))
	if err != nil || string(marker) != m.Token {
		return errors.Join(fmt.Errorf("removing the throw-away copy %q: its marker is not the one that was written", m.Dir), err)
	}
	if err := os.RemoveAll(m.Dir); err != nil {
		return fmt.Errorf("removing the throw-away copy: %w", err)
	}
	return nil
}
