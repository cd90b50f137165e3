package compat

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// treeState is what lies below a folder: for each file its size, mode and time of change.
type treeState map[string]string

// readTree takes the state of all files below a folder, but for those in folders named in leftOut.
func readTree(root string, leftOut map[string]bool) (treeState, error) {
	state := treeState{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path != root: // it went while we looked
			return nil
		case err != nil:
			return err
		case d.IsDir() && leftOut[d.Name()]:
			return filepath.SkipDir
		case d.IsDir():
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		state[strings.TrimPrefix(path, root+"/")] = fmt.Sprintf("%d %s %d", info.Size(), info.Mode(), info.ModTime().UnixNano())
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading what lies in %q: %w", root, err)
	}
	return state, nil
}

// changed names the files that differ from an earlier state or are gone; with added also new ones.
func (s treeState) changed(earlier treeState, added bool) []string {
	var out []string
	for path, was := range earlier {
		if s[path] != was {
			out = append(out, path)
		}
	}
	for path := range s {
		if _, known := earlier[path]; added && !known {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}
