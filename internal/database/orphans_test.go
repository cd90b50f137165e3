package database

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
)

func TestOrphansAreFound(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		a := dbserver.New(t, kind)
		dbserver.Exec(
			t, a,
			"CREATE TABLE stack (id CHAR(32), part INT, PRIMARY KEY (id, part))",
			"CREATE TABLE run (id INT PRIMARY KEY, stack CHAR(32), part INT, parent INT)",
			"INSERT INTO stack VALUES ('a', 1)",
			// As it should be, with an empty column, and two that point nowhere.
			"INSERT INTO run VALUES (1, 'a', 1, NULL), (2, 'gone', NULL, 1), (3, 'a', 2, 1), (4, 'b', 1, 7)",
			"SET SESSION foreign_key_checks = 0",
			"ALTER TABLE run ADD CONSTRAINT fk_run_stack FOREIGN KEY (stack, part) REFERENCES stack (id, part) ON DELETE CASCADE",
			"ALTER TABLE run ADD CONSTRAINT `fk_run_parent` FOREIGN KEY (parent) REFERENCES run (id)",
		)
		d := openSample(t, a.StoreURL(), "")
		for _, c := range []struct {
			keys  []string
			there int
			want  []string
		}{
			{nil, 0, nil},
			{[]string{"fk_dropped_since"}, 0, nil},
			{[]string{"FK_run_stack"}, 1, []string{`2 rows of table "run" have no row in "stack" (fk_run_stack)`}},
			{[]string{"fk_run_stack", "fk_run_parent"}, 2, []string{
				`1 rows of table "run" have no row in "run" (fk_run_parent)`, `2 rows of table "run" have no row in "stack" (fk_run_stack)`,
			}},
		} {
			there, got, err := d.Orphans(t.Context(), c.keys)
			if diff := cmp.Diff(c.want, got); err != nil || there != c.there || diff != "" {
				t.Errorf("%v: %d there, %v, %s", c.keys, there, err, diff)
			}
		}
		dbserver.Exec(t, a, "DELETE FROM run WHERE id IN (3, 4)")
		if there, got, err := d.Orphans(t.Context(), []string{"fk_run_stack", "fk_run_parent"}); err != nil || there != 2 || len(got) > 0 {
			t.Errorf("%d, %v, %v", there, got, err)
		}
	})
}
