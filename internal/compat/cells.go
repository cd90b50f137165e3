package compat

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// Cell is one job of a matrix, in inputs that compat-test takes: project as repository-path, python as
// python-versions, the others under their names.
type Cell struct {
	Index     int    `json:"index"`   // its place in the matrix, from 0
	Project   string `json:"project"` // folder, . for the root
	Python    string `json:"python"`
	From      string `json:"from"`
	To        string `json:"to"`
	Suite     string `json:"suite"`     // built-in checks, or none
	Pipelines string `json:"pipelines"` // all: those of the configuration; or none
}

// ParseMatrix reads the jobs of a matrix as release-check's output gives it: {"include": [...]}.
func ParseMatrix(text string) ([]Cell, error) {
	var m struct {
		Include []Cell `json:"include"`
	}
	in := json.NewDecoder(strings.NewReader(text))
	in.DisallowUnknownFields()
	switch err := in.Decode(&m); {
	case err != nil:
		return nil, fmt.Errorf("is no matrix: %w", err)
	case in.More():
		return nil, errors.New("is followed by something else")
	case len(m.Include) == 0:
		return nil, errors.New("has no job")
	case len(m.Include) > maxShards:
		return nil, fmt.Errorf("has %d jobs, more than the %d that a matrix may have", len(m.Include), maxShards)
	}
	for i, c := range m.Include {
		if c.Index != i {
			return nil, fmt.Errorf("says index %d of the job at place %d", c.Index, i)
		}
	}
	return m.Include, nil
}

// AggregateCells joins the results of a matrix's jobs. That of the i-th job, from 0, is result.json in
// the folder of dir whose name ends in "-i". A job of which there is none is told as lost, with all that
// it was to test; the decision is then at least unknown.
func AggregateCells(dir, from, to string, cells []Cell) (*Result, error) {
	folders, err := cellFolders(dir, len(cells))
	if err != nil {
		return nil, err
	}
	all := emptyResult(from, to)
	var faults []error
	for i, c := range cells {
		label := fmt.Sprintf("job %d (%s, %s, pipelines %s)", i, c.where(), c.Suite, c.Pipelines)
		r, err := readCell(filepath.Join(dir, folders[i]), folders[i] == "", c, from, to)
		switch {
		case err != nil:
			faults = append(faults, err)
		case r == nil:
			all.loseUnits(label, c.units())
		default:
			before := len(all.Checks)
			all.addShard(label, folders[i], r)
			if len(places(cells)) == 1 {
				continue
			}
			for k := range all.Checks[before:] {
				all.Checks[before+k].Name += " in " + c.where()
			}
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	slices.SortStableFunc(all.Checks, func(a, b Check) int { return strings.Compare(order(a), order(b)) })
	all.Decide("compatible")
	return all, nil
}

func (c Cell) where() string { return c.Project + " on Python " + c.Python }

// places are the projects and Pythons that a matrix spans: in one place names of checks are unique.
func places(cells []Cell) map[string]bool {
	out := map[string]bool{}
	for _, c := range cells {
		out[c.where()] = true
	}
	return out
}

// units are what the job was to test.
func (c Cell) units() []string {
	var out []string
	for _, group := range strings.Split(c.Suite, ",") {
		if group = strings.TrimSpace(group); group != "" && group != "none" {
			out = append(out, group)
		}
	}
	if c.Pipelines != "none" {
		out = append(out, "pipelines "+c.Pipelines)
	}
	return out
}

// cellFolders returns the folder of each job below dir, "" for one that there is none of. Of two with
// one number it is not known which counts.
func cellFolders(dir string, jobs int) ([]string, error) {
	const next = "give a folder that holds the results of one matrix's jobs"
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) { // without any upload none is made
		return nil, fault.BadInput(fmt.Sprintf("aggregate %q cannot be read", dir), next)
	}
	out := make([]string, jobs)
	for _, e := range entries {
		var i int
		_, number, _ := cutLast(e.Name(), "-")
		if n, _ := fmt.Sscanf(number, "%d", &i); !e.IsDir() || n != 1 || fmt.Sprint(i) != number || i < 0 || i >= jobs || out[i] != "" {
			return nil, fault.BadInput(fmt.Sprintf("aggregate: %q is no folder of one of the %d jobs, or a second one of its number", e.Name(), jobs), next)
		}
		out[i] = e.Name()
	}
	return out, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// readCell reads one job's result, nil for one that is lost: also one that came to no verdict left none
// of what it was to test.
func readCell(folder string, lost bool, c Cell, from, to string) (*Result, error) {
	path := filepath.Join(folder, "result.json")
	if lost || !exists(path) {
		return nil, nil //nolint:nilnil // a lost job is no fault of the input
	}
	r, err := readResult(path)
	switch {
	case err != nil:
		return nil, err
	case r.From == nil || r.To == nil:
		return nil, nil //nolint:nilnil // likewise
	case *r.From != from || *r.To != to:
		return nil, fault.BadInput(fmt.Sprintf("aggregate: %q is of other versions than %s and %s", path, from, to), "give the results of one run")
	case r.RepositoryPath != filepath.ToSlash(filepath.Clean(c.Project)):
		return nil, fault.BadInput(fmt.Sprintf("aggregate: %q is of the project %q and not of %q", path, r.RepositoryPath, c.Project), "give the results of this matrix")
	}
	return r, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
