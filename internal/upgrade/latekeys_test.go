package upgrade

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
)

// looking is a database that looks at foreign keys, and finds these lines.
type looking struct {
	database.Database
	asked []string
	lines []string
	err   error
}

func (l *looking) Orphans(_ context.Context, keys []string) (int, []string, error) {
	l.asked = keys
	return len(keys), l.lines, l.err
}

// migrator is a server whose migration added keys without a look at the rows.
type migrator struct {
	Server
	keys []string
}

func (m migrator) Course() Course { return Course{Deferred: m.keys} }

func TestLateKeysAreLookedAt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		db   database.Database
		want string // in the error
	}{
		"they hold":            {&looking{}, ""},
		"one does not":         {&looking{lines: []string{"2 rows of table \"run\" have no row in \"stack\" (k2)"}}, "would have been refused: 2 rows"},
		"nobody knows":         {&looking{err: errors.New("gone away")}, "gone away"},
		"it cannot be done so": {&database.SQLite{}, "cannot be looked at here"},
	} {
		r := &run{Options: Options{DB: c.db}}
		if r.noteLate(migrator{}); r.keysHold() != nil {
			t.Errorf("%s: a check without a key", name)
		}
		r.noteLate(migrator{keys: []string{"k1"}}) // of a version that failed
		r.noteLate(migrator{keys: []string{"k2"}}) // of the patch that goes on from there
		all := r.keysHold()
		if len(all) != 1 {
			t.Fatalf("%s: %d checks", name, len(all))
		}
		detail, err := all[0].do(t.Context())
		if c.want == "" && (err != nil || detail != "2 that the migration added hold") || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %q, %v", name, detail, err)
		}
		if l, ok := c.db.(*looking); ok && !slices.Equal(l.asked, []string{"k1", "k2"}) {
			t.Errorf("%s: asked for %v", name, l.asked)
		}
	}
}
