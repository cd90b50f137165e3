package database

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
)

// history is a pipeline with a run that ended and one that has not begun, and a run of no pipeline.
var history = []string{
	`CREATE TABLE pipeline (id CHAR(32) PRIMARY KEY, name VARCHAR(20))`,
	`CREATE TABLE pipeline_run (id CHAR(32) PRIMARY KEY, name VARCHAR(20) NOT NULL, status VARCHAR(20), pipeline_id CHAR(32), start_time DATETIME, end_time DATETIME)`,
	`INSERT INTO pipeline VALUES ('p', 'train')`,
	`CREATE TABLE artifact_version (id CHAR(32) PRIMARY KEY)`,
	`INSERT INTO artifact_version VALUES ('0123456789abcdef0123456789abcdef'), ('00000000000000000000000000000001')`,
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
		ids, err := d.IDs(t.Context(), "artifact_version")
		wanted := []uuid.UUID{uuid.MustParse("00000000-0000-0000-0000-000000000001"), uuid.MustParse("01234567-89ab-cdef-0123-456789abcdef")}
		if diff := cmp.Diff(wanted, ids, cmpopts.SortSlices(func(a, b uuid.UUID) bool { return a.String() < b.String() })); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if ids, err := d.IDs(t.Context(), "pipeline_run"); err == nil {
			t.Errorf("what is no UUID was read as %v", ids)
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
