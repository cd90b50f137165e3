package zenml_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// manyVersions is how many versions of artifacts make a long list.
const manyVersions = 501

// Of a long list the database tells the ids: the same ones that the list has, in each version.
func TestLongListsComeFromTheRows(t *testing.T) {
	t.Parallel()
	for _, release := range []string{"0.58.2", "0.98.0"} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			w := world.Of(t, release)
			grow(t, w.DBPath)
			d, err := database.OpenSQLite("sqlite:///" + w.DBPath)
			if err != nil {
				t.Fatal(err)
			}
			whole := inventory(t, w.Admin)
			if n := len(whole.Kinds["artifact_version"]); n < manyVersions {
				t.Fatalf("%d versions of artifacts", n)
			}
			byRows(t, w, d.IDs, whole, 1)
			if release == "0.98.0" {
				t.Run("that are others", func(t *testing.T) { byOtherRows(t, w, d.IDs, whole) })
			}
		})
	}
}

// byOtherRows: where server and database do not agree, the list counts.
func byOtherRows(t *testing.T, w *world.World, rows zenml.Rows, whole zenml.Inventory) {
	t.Helper()
	for _, spoil := range []func([]uuid.UUID) []uuid.UUID{
		func(ids []uuid.UUID) []uuid.UUID { return ids[1:] },
		func(ids []uuid.UUID) []uuid.UUID { return append(ids, uuid.New()) },
		func(ids []uuid.UUID) []uuid.UUID { return others(len(ids)) },
	} {
		byRows(t, w, func(ctx context.Context, table string) ([]uuid.UUID, error) {
			ids, err := rows(ctx, table)
			return spoil(ids), err
		}, whole, 5)
	}
	// A database that tells no ids ends the inventory: an empty list would be a loss.
	_, err := w.Admin.Inventory(t.Context(), func(context.Context, string) ([]uuid.UUID, error) { return nil, sql.ErrConnDone })
	if !errors.Is(err, sql.ErrConnDone) || !strings.Contains(err.Error(), `the rows of table "artifact_version"`) {
		t.Errorf("%v", err)
	}
}

// byRows takes the inventory by rows, which are to be asked for so many times, and wants the same as by lists.
func byRows(t *testing.T, w *world.World, rows zenml.Rows, whole zenml.Inventory, times int) {
	t.Helper()
	var asked []string
	got, err := w.Admin.Inventory(t.Context(), func(ctx context.Context, table string) ([]uuid.UUID, error) {
		asked = append(asked, table)
		return rows(ctx, table)
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole, got); diff != "" {
		t.Error(diff)
	}
	if want := slices.Repeat([]string{"artifact_version"}, times); !slices.Equal(asked, want) {
		t.Errorf("rows were asked for of %v", asked)
	}
}

func others(n int) []uuid.UUID {
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = uuid.New()
	}
	return ids
}

// grow doubles the versions of artifacts until there are many.
func grow(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT name FROM pragma_table_info('artifact_version')")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var columns, values []string
	for rows.Next() {
		var c string
		if err := rows.Scan(&c); err != nil {
			t.Fatal(err)
		}
		columns = append(columns, c)
		switch c {
		case "id", "version":
			c = "lower(hex(randomblob(16)))"
		case "version_number":
			c = "NULL"
		}
		values = append(values, c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < manyVersions; {
		_, err := db.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO artifact_version (%s) SELECT %s FROM artifact_version", strings.Join(columns, ", "), strings.Join(values, ", ")))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM artifact_version").Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
}
