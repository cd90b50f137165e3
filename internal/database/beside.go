package database

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// writeBeside writes the files below server/ and returns their sorted names; never nil.
func writeBeside(backup string, files map[string][]byte) ([]string, error) {
	names := slices.AppendSeq([]string{}, maps.Keys(files))
	slices.Sort(names)
	root := filepath.Join(backup, besideFolder)
	for _, name := range names {
		if !fs.ValidPath(name) || name == "." {
			return nil, fmt.Errorf("%q is no name for a file beside a backup", name)
		}
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if err := writeSynced(path, files[name]); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return names, nil
	}
	return names, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			err = syncPath(path)
		}
		return err
	})
}

// besideFiles lists the regular files below server/, sorted; anything but those and folders that
// hold some is refused. A backup without the folder has none.
func besideFiles(backup string) ([]string, error) {
	root, names := filepath.Join(backup, besideFolder), []string{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir():
			return nil
		case !e.Type().IsRegular():
			return fmt.Errorf("below %s it holds %q, which is no file", besideFolder, cut(e.Name(), 100))
		}
		name, err := filepath.Rel(root, path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return []string{}, nil
	}
	slices.Sort(names)
	return names, err
}
