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
	"github.com/google/uuid"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// A server that does not know the filters lists everything: only what is ours by its own name, or belongs to
// that, is deleted. What stays is told.
func TestSweepDeletesOursAlone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 22, 0, 0, 0, time.UTC)
	stale, live := newMark(now.Add(-time.Hour)), newMark(now)
	u := func(thing string) string { return uuid.NewSHA1(uuid.Nil, []byte(thing)).String() } // ids are UUIDs
	item := func(id, name, of string) string {
		id, of = u(id), u(of)
		return `{"id": "` + id + `", "name": "` + name + `", "body": {"artifact": {"id": "` + of + `"}}, "resources": {"pipeline": {"id": "` + of + `"}}}`
	}
	var mu sync.Mutex
	held := map[string]map[string]string{
		"runs": {u("r1"): item("r1", stale+"_run", ""), u("r2"): item("r2", "training-run", ""), u("r3"): item("r3", live+"_run", "")},
		"pipelines": {
			u("p1"): item("p1", stale, ""), u("p2"): item("p2", "training", ""), u("p3"): item("p3", "my_"+stale, ""), u("p4"): item("p4", markPrefix+"of_ours", ""),
		},
		"pipeline_deployments": {u("d1"): item("d1", "", "p1"), u("d2"): item("d2", "", "p2")},
		"artifacts":            {u("a1"): item("a1", stale+"_sum", ""), u("a2"): item("a2", "model", "")},
		"artifact_versions":    {u("v1"): item("v1", "", "a1"), u("v2"): item("v2", "", "a2")},
		"stacks":               {u("s1"): item("s1", stale, ""), u("s2"): item("s2", "default", "")},
		"components":           {u("c1"): item("c1", stale, ""), u("c2"): item("c2", "default", "")}, // c1 cannot be deleted
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		kind, id, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/")
		things, ok := held[kind]
		switch {
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodDelete && id == u("c1"):
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
	want := map[string]bool{u("r2"): true, u("r3"): true, u("p2"): true, u("p3"): true, u("p4"): true, u("d2"): true, u("a2"): true, u("v2"): true, u("s2"): true, u("c1"): true, u("c2"): true}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("what the server still holds (-want +got):\n%s", d)
	}
}
