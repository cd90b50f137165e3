package zenml_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

func TestCompareBoundaries(t *testing.T) {
	t.Parallel()
	const route, stranger = "own key: POST /users", "no key: GET /users"
	for name, c := range map[string]struct {
		before, after   zenml.Boundaries
		opened, changed []string
	}{
		"as before":                      {before: zenml.Boundaries{route: 403, stranger: 401}, after: zenml.Boundaries{route: 403, stranger: 401}},
		"allowed as before":              {before: zenml.Boundaries{route: 200}, after: zenml.Boundaries{route: 200}},
		"an administrator's route opens": {before: zenml.Boundaries{route: 403}, after: zenml.Boundaries{route: 200}, opened: []string{route + ": 403 before, 200 now"}},
		"a failure is no refusal":        {before: zenml.Boundaries{route: 403}, after: zenml.Boundaries{route: 500}, opened: []string{route + ": 403 before, 500 now"}},
		"a route is new":                 {before: zenml.Boundaries{route: 405}, after: zenml.Boundaries{route: 200}, changed: []string{route + ": 405 before, 200 now"}},
		"a new route for strangers":      {before: zenml.Boundaries{stranger: 404}, after: zenml.Boundaries{stranger: 200}, opened: []string{stranger + ": 200, not refused"}},
		"a route closes":                 {before: zenml.Boundaries{route: 200}, after: zenml.Boundaries{route: 403}, changed: []string{route + ": 200 before, 403 now"}},
		"another refusal":                {before: zenml.Boundaries{stranger: 401}, after: zenml.Boundaries{stranger: 403}},
		"open to strangers, also before": {before: zenml.Boundaries{stranger: 200}, after: zenml.Boundaries{stranger: 200}, opened: []string{stranger + ": 200, not refused"}},
		"not asked before":               {after: zenml.Boundaries{route: 200}, changed: []string{route + ": not asked before, 200 now"}},
	} {
		opened, changed := zenml.CompareBoundaries(c.before, c.after)
		if d := cmp.Diff(c.opened, opened); d != "" {
			t.Errorf("%s: opened: %s", name, d)
		}
		if d := cmp.Diff(c.changed, changed); d != "" {
			t.Errorf("%s: changed: %s", name, d)
		}
	}
}
