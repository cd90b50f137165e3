package compat

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// storeState is what lies in the artifact stores: for each file its size, mode and time of change.
type storeState map[string]string

// readStores takes the state of all files below the stores' folder.
func readStores(root string) (storeState, error) {
	state := storeState{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		state[strings.TrimPrefix(path, root+"/")] = fmt.Sprintf("%d %s %d", info.Size(), info.Mode(), info.ModTime().UnixNano())
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading what lies in the artifact stores: %w", err)
	}
	return state, nil
}

// changed names the files that differ from an earlier state or are gone; with added also new ones.
func (s storeState) changed(earlier storeState, added bool) []string {
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
