package parity

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func side() *Side {
	return &Side{
		Stacks:       map[string][]string{"default": {"artifact_store local", "orchestrator local"}},
		Components:   map[string][]string{"artifact_store local": {}, "orchestrator local": {"size"}},
		Integrations: []string{"kubernetes"}, Settings: map[string]string{"authentication scheme": "OAUTH2_PASSWORD_BEARER"},
		Engine: "mysql", Database: "MySQL 8.0.35",
	}
}

func TestEveryDifferenceIsTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(staging *Side)
		want   []string
	}{
		"none":           {func(*Side) {}, nil},
		"another stack":  {func(s *Side) { s.Stacks["gpu"] = []string{} }, []string{"stack gpu: there in staging, none in production"}},
		"a stack's part": {func(s *Side) { s.Stacks["default"] = s.Stacks["default"][:1] }, []string{`stack default: "artifact_store local" in staging, "artifact_store local","orchestrator local" in production`}},
		"a kind of component": {func(s *Side) { delete(s.Components, "orchestrator local") }, []string{
			`component orchestrator local: none in staging, "size" in production`,
		}},
		"an integration":   {func(s *Side) { s.Integrations = nil }, []string{"integration kubernetes: none in staging, used in production"}},
		"how users log in": {func(s *Side) { s.Settings["authentication scheme"] = "NO_AUTH" }, []string{"setting authentication scheme: NO_AUTH in staging, OAUTH2_PASSWORD_BEARER in production"}},
		"another engine": {func(s *Side) { s.Engine, s.Database = "sqlite", "SQLite" }, []string{
			"database engine: sqlite in staging, mysql in production", "database version: SQLite in staging, MySQL 8.0.35 in production",
		}},
		"a version that is not known": {func(s *Side) { s.Database = "" }, []string{"database version: not known in staging, MySQL 8.0.35 in production"}},
	} {
		staging := side()
		tc.change(staging)
		var got []string
		for _, d := range Compare(staging, side()) {
			got = append(got, d.Sentence())
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	unknown := side()
	unknown.Database = ""
	if got := Compare(unknown, unknown); len(got) != 1 {
		t.Errorf("two versions that are not known count as equal: %v", got)
	}
}
