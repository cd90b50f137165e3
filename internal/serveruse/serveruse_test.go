package serveruse

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
)

// What the key may not list, and what fails, is unknown with its reason, never empty.
func TestWhatCannotBeListedIsUnknown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		closed map[string]int // path to status
		want   []string       // kinds that are unknown
	}{
		"nothing":    {nil, nil},
		"forbidden":  {map[string]int{"/service_connectors": 403, "/run_templates": 404}, []string{RunTemplates, Connectors}},
		"no flavors": {map[string]int{"/flavors": 500}, []string{Components, Flavors, Integrations}},
		"no projects": {
			map[string]int{"/projects": 403},
			[]string{Materializers, PickledArtifacts, Projects, Runs, RunTemplates, Schedules, Snapshots},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				path := strings.TrimPrefix(r.URL.Path, "/api/v1")
				switch {
				case tc.closed[path] != 0:
					w.WriteHeader(tc.closed[path])
				case path == "/info":
					fmt.Fprint(w, `{"version": "0.98.0", "deployment_type": "cloud"}`)
				case path == "/login":
					fmt.Fprint(w, `{"access_token": "t"}`)
				case r.Method != http.MethodGet:
					t.Errorf("%s %s: only reads are allowed", r.Method, r.URL)
				case path == "/projects":
					fmt.Fprint(w, `{"total_pages": 1, "total": 1, "items": [{"id": "00000000-0000-4000-8000-000000000001", "name": "p"}]}`)
				default:
					fmt.Fprint(w, `{"total_pages": 0, "total": 0, "items": []}`)
				}
			}))
			t.Cleanup(srv.Close)
			u, err := Look(t.Context(), srv.URL, "k")
			if err != nil || !u.Pro {
				t.Fatal(u, err)
			}
			var got []string
			for _, kind := range []string{Components, Flavors, Integrations, Materializers, PickledArtifacts, Projects, Runs, RunTemplates, Schedules, Connectors, Snapshots, Stacks} {
				k, ok := u.Kinds[kind]
				if !ok {
					t.Errorf("%s is missing", kind)
				}
				if k.Status == Unknown && k.Why != nil {
					got = append(got, kind)
				}
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("unknown (-want +got):\n%s", d)
			}
		})
	}
}

// More than is read is told as partial, and the count is of all.
func TestBoundsOfALargeServer(t *testing.T) {
	t.Parallel()
	const total = 3000
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := strings.TrimPrefix(r.URL.Path, "/api/v1"); path {
		case "/info":
			fmt.Fprint(w, `{"version": "0.75.0"}`)
		case "/login":
			fmt.Fprint(w, `{"access_token": "t"}`)
		default:
			var items []map[string]any
			size, err := strconv.Atoi(r.FormValue("size"))
			if err != nil {
				t.Error(err)
				return
			}
			for i := range size {
				items = append(items, map[string]any{"id": fmt.Sprint(i), "name": "n", "body": map[string]any{"materializer": "m.Other"}})
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"total_pages": total / size, "total": total, "items": items})
		}
	}))
	t.Cleanup(srv.Close)
	u, err := Look(t.Context(), srv.URL, "k")
	if err != nil {
		t.Fatal(err)
	}
	if k := u.Kinds[Schedules]; k.Status != Partial || k.Total != total || len(k.Items) != mostItems {
		t.Errorf("schedules: %s, %d of %d", k.Status, len(k.Items), k.Total)
	}
	if k := u.Kinds[PickledArtifacts]; k.Status != Unknown {
		t.Errorf("a server that does not select was believed: %+v", k)
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	u := &Use{
		vocabulary: map[string]bool{"kubeflow": true, "vertex": true, "local": true, "k8s-thing": true},
		Kinds: map[string]Kind{
			RunTemplates: {Status: Read, Total: 2, Items: []Item{{Name: "daily", Count: 1}, {Name: "weekly", Count: 1}}},
			Snapshots:    {Status: Read}, Schedules: {Status: Unknown}, Connectors: {Status: Read},
			PickledArtifacts: {Status: Read, Total: 7, Items: []Item{{Name: "CloudpickleMaterializer", Count: 7}}},
			Components:       {Status: Read, Items: []Item{{Name: "kf", Of: "orchestrator", Flavor: "kubeflow", Count: 1}}},
			Materializers:    {Status: Partial, Items: []Item{{Name: "a.b.PandasMaterializer", Count: 3}}},
		},
	}
	for name, tc := range map[string]struct {
		text   string
		before release.Affects
		want   release.Affects
		places int
	}{
		"there are some":               {"Run templates are tied to the server version and must be re-created.", release.Unknown, release.Yes, 2},
		"there are none":               {"Existing snapshots must be re-created.", release.Unknown, release.No, 0},
		"only read in part":            {"Values stored by the SklearnMaterializer cannot be loaded.", release.Unknown, release.Unknown, 0},
		"met in that part":             {"Values stored by the PandasMaterializer cannot be loaded.", release.Unknown, release.Yes, 1},
		"could not be read":            {"Existing schedules are dropped.", release.Unknown, release.Unknown, 0},
		"pickles":                      {"Existing pickled artifacts no longer load.", release.Unknown, release.Yes, 1},
		"the code's own answer stays":  {"Existing snapshots must be re-created.", release.Yes, release.Yes, 0},
		"a call is not content":        {"Existing snapshots: use `Client.list_snapshots()` to find them.", release.Unknown, release.Unknown, 0},
		"a word in passing":            {"The page of snapshots looks better.", release.Unknown, release.Unknown, 0},
		"told late, about all":         {"All pipelines have to be changed. Do this today. Existing snapshots are deleted.", release.Unknown, release.Unknown, 0},
		"one of two cannot be read":    {"Existing snapshots and schedules are deleted.", release.Unknown, release.Unknown, 0},
		"a used part":                  {"The Kubeflow orchestrator needs a new setting.", release.Unknown, release.Yes, 1},
		"a part nobody uses":           {"The Vertex step operator was removed.", release.Unknown, release.No, 0},
		"a part that every server has": {"The local orchestrator was changed.", release.Unknown, release.Unknown, 0},
		"a word that is no part":       {"The new orchestrator is faster.", release.Unknown, release.Unknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := release.Finding{Source: "notes", Title: strings.TrimSuffix(tc.text, "."), Text: tc.text, Affects: tc.before, Searched: []string{}, Evidence: []release.Evidence{}}
			if strings.HasPrefix(name, "told late") {
				f.Title = "All pipelines have to be changed"
			}
			u.Answer(&f)
			if f.Affects != tc.want || len(f.Evidence) != tc.places {
				t.Errorf("%s with %v, want %s with %d places; searched %v", f.Affects, f.Evidence, tc.want, tc.places, f.Searched)
			}
			for _, e := range f.Evidence {
				if !strings.HasPrefix(e.File, "server:/api/v1/") {
					t.Errorf("evidence %+v", e)
				}
			}
		})
	}
}
