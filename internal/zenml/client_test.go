package zenml

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func TestErrorsHoldNoAnswer(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/info") {
			fmt.Fprint(w, "<html>hunter2</html>") // some other program's page
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, `["RuntimeError","SELECT hunter2 FROM user"]`)
	}))
	t.Cleanup(srv.Close)
	c := New(srv.URL + "/")
	err := c.Get(t.Context(), "/runs", nil, nil)
	var status *StatusError
	if !errors.As(err, &status) || status.Code != 500 {
		t.Errorf("got %v, want a StatusError of 500", err)
	}
	_, infoErr := c.Info(t.Context())
	for _, err := range []error{err, infoErr, New("http://user:hunter2@127.0.0.1:1").Get(t.Context(), "/runs", nil, nil)} {
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error %v", err)
		}
	}
}

// shifting answers two pages of a list; on the first tries an item is lost or told twice.
func TestListThatShifts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pages map[string][]string // of a shifted reading
		bad   int                 // how many readings are shifted
		ok    bool
	}{
		"steady":       {ok: true},
		"deleted once": {pages: map[string][]string{"1": {"a", "b"}, "2": {}}, bad: 1, ok: true},
		"told twice":   {pages: map[string][]string{"1": {"a", "b"}, "2": {"b"}}, bad: 2, ok: true},
		"every time":   {pages: map[string][]string{"1": {"a", "b"}, "2": {}}, bad: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			readings := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := r.FormValue("page")
				if n == "1" {
					readings++
				}
				ids := map[string][]string{"1": {"a", "b"}, "2": {"c"}}[n]
				if readings <= c.bad {
					ids = c.pages[n]
				}
				items := []map[string]string{}
				for _, id := range ids {
					items = append(items, map[string]string{"id": uuid.NewSHA1(uuid.Nil, []byte(id)).String()})
				}
				_ = json.NewEncoder(w).Encode(map[string]any{"total_pages": 2, "total": 3, "items": items})
			}))
			t.Cleanup(srv.Close)
			got, err := New(srv.URL).List(t.Context(), "/runs", nil)
			if c.ok != (err == nil) || err != nil && !errors.Is(err, ErrShifting) {
				t.Fatal(err)
			}
			if c.ok && len(got) != 3 {
				t.Errorf("got %v", got)
			}
		})
	}
}

// id is a UUID that ends with a digit.
func id(digit string) string { return "00000000-0000-4000-8000-00000000000" + digit }

func ids(digits ...string) IDs {
	var out []uuid.UUID
	for _, d := range digits {
		out = append(out, uuid.MustParse(id(d)))
	}
	return NewIDs(out)
}

func TestCompare(t *testing.T) {
	t.Parallel()
	before := Inventory{
		Kinds:      map[string]IDs{"run": ids("2", "1", "3"), "tag": ids("1"), "service": ids("1"), "schedule": {}, "api_key": ids("1")},
		Unreadable: map[string]string{"user": "why"},
	}
	after := Inventory{
		Kinds:      map[string]IDs{"run": ids("3", "4"), "tag": ids("1", "2"), "schedule": {}, "trigger": ids("1"), "user": ids("1")},
		Unreadable: map[string]string{"api_key": "why"},
	}
	got := Compare(before, after)
	want := map[string]Loss{
		"run":      {Before: 3, After: 2, Missing: []string{id("1"), id("2")}, Status: StatusCompared},
		"tag":      {Before: 1, After: 2, Missing: []string{}, Status: StatusCompared},
		"service":  {Before: 1, After: 0, Missing: []string{id("1")}, Status: StatusGone},
		"schedule": {Missing: []string{}, Status: StatusCompared},
		"trigger":  {After: 1, Missing: []string{}, Status: StatusNew},
		"user":     {After: 1, Missing: []string{}, Status: StatusUnknown},
		"api_key":  {Before: 1, Missing: []string{}, Status: StatusUnknown},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for kind, ok := range map[string]bool{"run": false, "tag": true, "service": false, "schedule": true, "trigger": true, "user": false, "api_key": false} {
		if got[kind].OK() != ok {
			t.Errorf("%s is OK: %v", kind, !ok)
		}
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	loaded := func(digest string) Loaded { return Loaded{Status: "loaded", Digest: digest} }
	for _, c := range []struct {
		a, b Loaded
		want string
	}{
		{loaded("value:1"), loaded("value:1"), "true"},
		{loaded("value:1"), loaded("value:2"), "false"},
		{loaded("state:1"), loaded("state:1"), "true"},
		{loaded("state:1"), loaded("state:2"), "null"},
		{loaded("value:1"), loaded("state:1"), "null"},
		{loaded(""), loaded(""), "null"},
		{Loaded{Status: "failed", Digest: "value:1"}, loaded("value:1"), "null"},
	} {
		got, err := json.Marshal(Same(c.a, c.b))
		if err != nil || string(got) != c.want {
			t.Errorf("Same(%+v, %+v) is %s, want %s", c.a, c.b, got, c.want)
		}
	}
}
