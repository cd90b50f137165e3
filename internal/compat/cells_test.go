package compat

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

const twoCells = `{"include":[{"index":0,"project":".","python":"3.11","from":"0.85.0","to":"0.98.0","suite":"basic,client","pipelines":"none"},{"index":1,"project":"ml","python":"3.12","from":"0.85.0","to":"0.98.0","suite":"none","pipelines":"all"}]}`

// cell writes the result of a job whose checks have these names and passed.
func cell(t *testing.T, dir string, job int, project, to string, checks ...string) {
	t.Helper()
	r := emptyResult("0.85.0", to)
	r.Schema, r.RepositoryPath = "zenml-upgrade/compat-test/v1", project
	for _, name := range checks {
		c := Check{Name: name, Kind: KindPipeline, Required: true, Baseline: Attempt{Status: Passed}, Candidate: Attempt{Status: Passed}}
		judge(&c)
		r.Checks = append(r.Checks, c)
	}
	r.Decide("compatible")
	folder := filepath.Join(dir, fmt.Sprintf("compat-matrix-%d", job))
	b, err := json.Marshal(r)
	if err = errors.Join(err, os.MkdirAll(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "result.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAggregateCells(t *testing.T) {
	t.Parallel()
	cells, err := ParseMatrix(twoCells)
	if err != nil {
		t.Fatal(err)
	}
	both := func(t *testing.T, dir string) {
		t.Helper()
		cell(t, dir, 0, ".", "0.98.0", "basic:run", "client:list")
		cell(t, dir, 1, "ml", "0.98.0", "pipeline:train")
	}
	for name, tc := range map[string]struct {
		prepare  func(t *testing.T, dir string)
		decision verdict.Decision
		checks   []string
		fault    string
	}{
		"both": {prepare: both, decision: verdict.Pass, checks: []string{"basic:run in . on Python 3.11 ok", "client:list in . on Python 3.11 ok", "pipeline:train in ml on Python 3.12 ok"}},
		"one is lost": {
			prepare:  func(t *testing.T, dir string) { t.Helper(); cell(t, dir, 1, "ml", "0.98.0", "pipeline:train") },
			decision: verdict.Unknown, checks: []string{"basic skipped", "client skipped", "pipeline:train in ml on Python 3.12 ok"},
		},
		"nothing at all":  {prepare: func(*testing.T, string) {}, decision: verdict.Unknown, checks: []string{"basic skipped", "client skipped", "pipelines all skipped"}},
		"another upgrade": {prepare: func(t *testing.T, dir string) { t.Helper(); both(t, dir); cell(t, dir, 1, "ml", "0.97.0", "x") }, fault: "is of other versions than 0.85.0 and 0.98.0"},
		"another project": {prepare: func(t *testing.T, dir string) { t.Helper(); both(t, dir); cell(t, dir, 1, ".", "0.98.0", "x") }, fault: `is of the project "." and not of "ml"`},
		"a third job":     {prepare: func(t *testing.T, dir string) { t.Helper(); both(t, dir); cell(t, dir, 2, ".", "0.98.0", "x") }, fault: "is no folder of one of the 2 jobs"},
		"a second first": {prepare: func(t *testing.T, dir string) {
			t.Helper()
			both(t, dir)
			if err := os.Mkdir(filepath.Join(dir, "other-0"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, fault: "or a second one of its number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tc.prepare(t, dir)
			r, err := AggregateCells(dir, "0.85.0", "0.98.0", cells)
			if tc.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fault) {
					t.Fatalf("the fault is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var checks []string
			for _, c := range r.Checks {
				checks = append(checks, c.Name+" "+string(c.Verdict))
			}
			if d := cmp.Diff(tc.checks, checks); d != "" || r.Decision != tc.decision {
				t.Errorf("%s, checks (-want +got):\n%s", r.Decision, d)
			}
		})
	}
}

func TestParseMatrix(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``: "is no matrix", `[]`: "is no matrix", `{"include":[]}`: "has no job", `{"include":[{"x":1}]}`: "is no matrix",
		`{"include":[{"index":1}]}`: "index 1 of the job at place 0",
		twoCells + "x":              "followed by something else", `{"include":[` + strings.Repeat(`{},`, maxShards) + `{}]}`: "has 257 jobs",
	} {
		if _, err := ParseMatrix(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q gives %v", text, err)
		}
	}
}
