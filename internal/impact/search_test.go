package impact

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	tree, err := repo.Scan(files.Dir(t, map[string]string{
		"a.py":     "from zenml import step, Model, Client\n# Client().list_old_runs()\nclient.list_old_runs()\nstep = 1\nzenml.client.Client.get\n",
		"other.py": "other.list_old_runs()\n", "own.py": "class Client:\n    def list_old_runs(self): ...\n", "more.py": "import zenml\nother.list_old_runs()\n",
		"notes.txt": "zenml list_old_runs\n",
		"call.sh":   "curl -X POST $URL/api/v1/tags\ncurl $URL/api/v1/tags/7\ncurl $URL/api/v1/tags_more\ncurl $URL/api/v1/tags\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	s := (&Known{Tree: tree}).Search()
	places := func(list []release.Evidence) []string {
		out := []string{}
		for _, e := range list {
			out = append(out, fmt.Sprintf("%s:%d", e.File, e.Line))
		}
		return out
	}
	for name, want := range map[string][]string{
		"zenml.client.Client.list_old_runs": {"a.py:3"}, "zenml.stores.Store.list_old_runs": {}, "zenml.endpoints.list_old_runs": {}, "zenml.step": {"a.py:1"}, "zenml.steps.step": {}, "zenml.client.Client.get": {"a.py:5"}, "zenml.models.Model": {},
	} {
		if d := cmp.Diff(want, places(s.Python(name))); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	for call, want := range map[[2]string][]string{
		{"POST", "/api/v1/tags"}: {"call.sh:1", "call.sh:4"}, {"GET", "/api/v1/tags"}: {"call.sh:4"}, {"GET", "/api/v1/tags/{id}"}: {"call.sh:2"}, {"GET", "/api/v1/runs"}: {},
	} {
		if d := cmp.Diff(want, places(s.REST(call[0], call[1]))); d != "" {
			t.Errorf("%s (-want +got):\n%s", call, d)
		}
	}
	if !s.Whole() {
		t.Error("all of it was looked at")
	}
}
