package apidiff

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
)

// uses is a repository that uses these names and paths, at one line each.
type uses map[string]int

func (u uses) Python(q string) []release.Evidence  { return u.at(q) }
func (u uses) REST(m, p string) []release.Evidence { return u.at(m + " " + p) }
func (u uses) Whole() bool                         { return true }
func (u uses) at(key string) []release.Evidence {
	if n := u[key]; n > 0 {
		return []release.Evidence{{File: "a.py", Line: n, Message: "uses " + key}}
	}
	return nil
}

func told(list []release.Finding) []string {
	var out []string
	for _, f := range list {
		out = append(out, fmt.Sprintf("%s | %s declared %v, %d places", f.Title, f.Affects, f.Declared, len(f.Evidence)))
	}
	return out
}

// What is removed is found by any of its names; changed parameters only where the type checker
// objects, or where it did not look.
func TestPythonFindings(t *testing.T) {
	t.Parallel()
	changes := []PythonChange{
		{Path: "zenml.a.b.Gone", Kind: "object_removed", Names: []string{"zenml.Gone", "zenml.a.Gone", "zenml.a.b.Gone"}, MovedTo: "zenml.c.Gone"},
		{Path: "zenml.client.Client.broken_call", Kind: "parameter_moved", Parameter: "x", Names: []string{"zenml.client.Client.broken_call"}},
		{Path: "zenml.client.Client.broken_call", Kind: "parameter_removed", Parameter: "y", Names: []string{"zenml.client.Client.broken_call"}},
		{Path: "zenml.client.Client.fine_call", Kind: "parameter_removed", Parameter: "y", Names: []string{"zenml.client.Client.fine_call"}},
		{Path: "zenml.client.Client.unseen_call", Kind: "parameter_removed", Parameter: "y", Names: []string{"zenml.client.Client.unseen_call"}},
		{Path: "zenml.told.told_about", Kind: "object_removed", Names: []string{"zenml.told.told_about"}},
		{Path: "zenml.unused.thing_unused", Kind: "object_removed", Names: []string{"zenml.unused.thing_unused"}},
	}
	used := uses{"zenml.a.Gone": 1, "zenml.client.Client.broken_call": 2, "zenml.client.Client.fine_call": 3, "zenml.client.Client.unseen_call": 4}
	broken := func(e release.Evidence) (bool, bool) { return e.Line == 2, e.Line != 4 }
	notes := []release.Finding{{Source: "notes", Category: release.Breaking, Text: "`told_about()` was removed"}}
	want := []string{
		"zenml.a.b.Gone: removed; one of this name is at zenml.c.Gone | yes declared false, 1 places",
		"zenml.client.Client.broken_call: parameter x moved, parameter y removed | yes declared false, 1 places",
		"zenml.client.Client.unseen_call: parameter y removed | unknown declared false, 1 places",
		"zenml.told.told_about: removed | no declared true, 0 places",
	}
	if d := cmp.Diff(want, told(PythonFindings(changes, "2.0", used, broken, notes))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestRESTFindings(t *testing.T) {
	t.Parallel()
	changes := []RESTChange{
		{"GET", "/api/v1/actions/{id}", "api-path-removed-without-deprecation", "removed"},
		{"GET", "/api/v1/runs", "response-property-enum-value-added", "a new value"},
		{"GET", "/api/v1/told_things", "request-parameter-removed", "deleted x"},
		{"GET", "/api/v1/unused", "api-path-removed-without-deprecation", "removed"},
	}
	used := uses{"GET /api/v1/actions/{id}": 1, "GET /api/v1/runs": 2}
	notes := []release.Finding{{Source: "notes", Category: release.Breaking, Text: "The endpoint /told_things takes no x."}}
	want := []string{"GET /api/v1/actions/{id}: removed | yes declared false, 1 places", "GET /api/v1/told_things: deleted x | no declared true, 0 places"}
	if d := cmp.Diff(want, told(RESTFindings(changes, "2.0", used, notes))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestCompareREST(t *testing.T) {
	t.Parallel()
	part := func(paths string) json.RawMessage {
		return json.RawMessage(`{"openapi":"3.1.0","info":{"title":"ZenML","version":"1"},"paths":` + paths + `}`)
	}
	operation := `{"responses":{"200":{"description":"ok"}}`
	older := map[string]json.RawMessage{
		"runs": part(`{"/api/v1/runs":{"get":` + operation + `,"parameters":[{"name":"tag","in":"query","schema":{"type":"string"}}]},"delete":` + operation + `}}}`),
		"gone": part(`{"/api/v1/gone":{"get":` + operation + `}}}`), "same": part(`{"/api/v1/same":{"get":` + operation + `}}}`),
	}
	newer := map[string]json.RawMessage{
		"runs": part(`{"/api/v1/runs":{"get":` + operation + `}}}`), "same": older["same"], "new": part(`{"/api/v1/new":{"get":` + operation + `}}}`),
	}
	got, err := compareREST(older, newer)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range got {
		lines = append(lines, strings.Join([]string{c.Method, c.Path, c.Kind}, " "))
	}
	want := []string{"GET /api/v1/gone api-path-removed-without-deprecation", "DELETE /api/v1/runs api-removed-without-deprecation", "GET /api/v1/runs request-parameter-removed"}
	if d := cmp.Diff(want, lines); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if !slices.IsSortedFunc(got, func(a, b RESTChange) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("not sorted")
	}
	older["gone"] = json.RawMessage(`{"openapi":"3.1.0","paths":`)
	if _, err := compareREST(older, newer); err == nil {
		t.Error("a document cut short is compared")
	}
}
