package database

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
)

// history is a pipeline with a run that ended and one that has not begun, and a run of no pipeline.
var history = []string{
	`CREATE TABLE pipeline (id CHAR(32) PRIMARY KEY, name VARCHAR(20))`,
	`CREATE TABLE pipeline_run (id CHAR(32) PRIMARY KEY, name VARCHAR(20) NOT NULL, status VARCHAR(20), pipeline_id CHAR(32), start_time DATETIME, end_time DATETIME)`,
	`INSERT INTO pipeline VALUES ('p', 'train')`,
	`INSERT INTO pipeline_run VALUES ('a', 'one', 'completed', 'p', '2026-11-25 01:02:03', '2026-11-25 01:03:04'), ('b', 'two', 'running', 'p', NULL, NULL), ('c', 'three', NULL, NULL, '2026-11-25 01:02:03', NULL)`,
}

func TestRunsAreReadFromTheirRows(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 25, 1, 2, 3, 0, time.UTC)
	want := []Run{
		{ID: "a", Name: "one", Status: "completed", Pipeline: "train", Start: start, End: start.Add(61 * time.Second)},
		{ID: "b", Name: "two", Status: "running", Pipeline: "train"},
		{ID: "c", Name: "three", Start: start},
	}
	check := func(t *testing.T, d Reader) {
		t.Helper()
		var got []Run
		if err := d.Runs(t.Context(), func(r Run) { got = append(got, r) }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.SortSlices(func(a, b Run) bool { return a.ID < b.ID })); diff != "" {
			t.Error(diff)
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		d := sampleAt(t, filepath.Join(t.TempDir(), "zenml.db"), "delete")
		change(t, d, append([]string{`DROP VIEW run_names`, `DROP TABLE pipeline_run`}, history...)...)
		check(t, d)
	})
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		a := dbserver.New(t, kind)
		dbserver.Exec(t, a, history...)
		check(t, openSample(t, a.StoreURL(), ""))
	})
}
