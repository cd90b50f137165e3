package compat

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// A server that does not know the filters lists everything: only what is ours by its own name, or belongs to
// that, is deleted. What stays is told.
func TestSweepDeletesOursAlone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 22, 0, 0, 0, time.UTC)
	stale, live := newMark(now.Add(-time.Hour)), newMark(now)
	item := func(id, name, of string) string {
		return `{"id": "` + id + `", "name": "` + name + `", "body": {"artifact": {"id": "` + of + `"}}, "resources": {"pipeline": {"id": "` + of + `"}}}`
	}
	var mu sync.Mutex
	held := map[string]map[string]string{
		"runs": {"r1": item("r1", stale+"_run", ""), "r2": item("r2", "training-run", ""), "r3": item("r3", live+"_run", "")},
		"pipelines": {
			"p1": item("p1", stale, ""), "p2": item("p2", "training", ""), "p3": item("p3", "my_"+stale, ""), "p4": item("p4", markPrefix+"of_ours", ""),
		},
		"pipeline_deployments": {"d1": item("d1", "", "p1"), "d2": item("d2", "", "p2")},
		"artifacts":            {"a1": item("a1", stale+"_sum", ""), "a2": item("a2", "model", "")},
		"artifact_versions":    {"v1": item("v1", "", "a1"), "v2": item("v2", "", "a2")},
		"stacks":               {"s1": item("s1", stale, ""), "s2": item("s2", "default", "")},
		"components":           {"c1": item("c1", stale, ""), "c2": item("c2", "default", "")}, // c1 cannot be deleted
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		kind, id, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/")
		things, ok := held[kind]
		switch {
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodDelete && id == "c1":
			w.WriteHeader(http.StatusConflict)
		case r.Method == http.MethodDelete:
			delete(things, id)
			_, _ = io.WriteString(w, "null")
		default:
			var all []string
			for _, text := range things {
				all = append(all, text)
			}
			_, _ = io.WriteString(w, `{"total_pages": 1, "total": `+string(rune('0'+len(all)))+`, "items": [`+strings.Join(all, ",")+`]}`)
		}
	}))
	defer server.Close()
	left, err := sweep(t.Context(), zenml.New(server.URL), "0.75.0", leftBefore(now))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"components " + stale}, left); d != "" {
		t.Errorf("what is left (-want +got):\n%s", d)
	}
	got := map[string]bool{}
	for _, things := range held {
		for id := range things {
			got[id] = true
		}
	}
	want := map[string]bool{"r2": true, "r3": true, "p2": true, "p3": true, "p4": true, "d2": true, "a2": true, "v2": true, "s2": true, "c1": true, "c2": true}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("what the server still holds (-want +got):\n%s", d)
	}
}
