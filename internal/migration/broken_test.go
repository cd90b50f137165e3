package migration

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLaterReleasesAreThoseThatMayRepair(t *testing.T) {
	t.Parallel()
	all := []string{"0.98.0", "0.93.3", "0.93.0", "0.94.0rc0", "0.93.1", "0.94.0", "0.92.0", "0.95.0", "0.95.1", "0.96.0", "0.97.0", "0.97.1"}
	want := []string{"0.93.1", "0.93.3", "0.94.0", "0.95.0", "0.95.1", "0.96.0", "0.97.0", "0.98.0"}
	if d := cmp.Diff(want, Later(all, "0.93.0")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := Later(all, "0.98.0"); len(got) > 0 {
		t.Errorf("after the newest there is %q", got)
	}
}

func TestARepairIsAnotherScriptOfTheSameRevision(t *testing.T) {
	t.Parallel()
	down := func(s string) *string { return &s }
	release := func(source string) []Revision {
		return []Revision{{ID: "r"}, {ID: "a1", Down: down("r"), Source: source, Title: "Fill it"}, {ID: "0.93.0", Down: down("a1")}}
	}
	books := map[string][]Revision{"0.93.0": release("x"), "0.93.1": release("x"), "0.93.2": release("y"), "0.94.0": release("z")}
	read := func(_ context.Context, v string) ([]Revision, error) {
		if r, ok := books[v]; ok {
			return r, nil
		}
		return nil, errors.New("the index did not answer")
	}
	for name, tc := range map[string]struct {
		revision, to string
		later        []string
		want         Broken
	}{
		"the second patch": {"a1", "0.93.0", []string{"0.93.1", "0.93.2", "0.94.0"}, Broken{
			Version: "0.93.0", Title: "Fill it", RepairedBy: down("0.93.2"), Compared: []string{"0.93.1", "0.93.2"}, Repair: "ZenML 0.93.2 does something else in this revision than 0.93.0: rehearse with it",
		}},
		"none": {"a1", "0.93.0", []string{"0.93.1"}, Broken{
			Version: "0.93.0", Title: "Fill it", Compared: []string{"0.93.1"}, Repair: "the script of this revision is the same in 0.93.1",
		}},
		"one that cannot be read": {"a1", "0.93.0", []string{"0.93.1", "0.93.9"}, Broken{
			Version: "0.93.0", Title: "Fill it", Compared: []string{"0.93.1"}, Repair: "the script of this revision is the same in 0.93.1; not read: 0.93.9",
		}},
		"no index": {"a1", "0.93.0", []string{"0.93.9"}, Broken{
			Version: "0.93.0", Title: "Fill it", Compared: []string{}, Repair: "whether a later release repairs it is not known; not read: 0.93.9",
		}},
		"the newest": {"a1", "0.93.0", nil, Broken{
			Version: "0.93.0", Title: "Fill it", Compared: []string{}, Repair: "there is no later release than 0.93.0: report the failure to ZenML",
		}},
		"no script": {"b2", "0.93.0", []string{"0.93.1"}, Broken{
			Compared: []string{}, Repair: "whether a later release repairs it is not known: 0.93.0 has no script of this revision",
		}},
	} {
		got := Broken{Revision: tc.revision}
		got.Look(t.Context(), tc.to, tc.later, read)
		tc.want.Revision = tc.revision
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// What a database says when it refuses, as MariaDB, MySQL and SQLite word it.
func TestTheTableIsNamedAndNoValueIsShown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ statement, message, table, shown, told string }{
		"a table in the way": {
			"\nCREATE TABLE curated_visualization (\n\tid CHAR(32) NOT NULL\n)\n\n", "Table 'curated_visualization' already exists", "curated_visualization",
			"CREATE TABLE curated_visualization ( id CHAR(32) NOT NULL )", "Table 'curated_visualization' already exists",
		},
		"a column in the way": {
			"ALTER TABLE `project` ADD COLUMN project_metadata TEXT", "Duplicate column name 'project_metadata'", "project",
			"ALTER TABLE `project` ADD COLUMN project_metadata TEXT", "Duplicate column name 'project_metadata'",
		},
		"rows that clash": {
			"UPDATE user SET email = 'ada@example.org' WHERE name='O''Hara'", "Duplicate entry 'ada@example.org' for key 'unique_mail'", "user",
			"UPDATE user SET email = '?' WHERE name='?'", "Duplicate entry '?' for key '?'",
		},
		"a batch of SQLite's": {
			"INSERT INTO _alembic_tmp_stack (id) SELECT stack.id FROM stack", "NOT NULL constraint failed: _alembic_tmp_stack.id", "stack",
			"INSERT INTO _alembic_tmp_stack (id) SELECT stack.id FROM stack", "NOT NULL constraint failed: _alembic_tmp_stack.id",
		},
		"an index":             {"CREATE UNIQUE INDEX ix ON pipeline_run (a)", "index ix already exists", "pipeline_run", "CREATE UNIQUE INDEX ix ON pipeline_run (a)", "index ix already exists"},
		"a table that is gone": {"", "Table 'zenml.logs' doesn't exist", "logs", "", "Table 'zenml.logs' doesn't exist"},
		"words of a script":    {"", "Only one workspace may be left.", "", "", "Only one workspace may be left."},
	} {
		b := Broken{Statement: tc.statement, Message: tc.message, Table: TableOf(tc.statement, tc.message)}
		shown, told := b.Masked()
		if d := cmp.Diff([]string{tc.table, tc.shown, tc.told}, []string{b.Table, shown, told}); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
