package forge_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
)

const repo = "zenml-io/zenml"

func reader(t *testing.T, s *github.Server, token string) *forge.Reader {
	t.Helper()
	r, err := forge.NewReader(s.URL, token)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func many(n int) []github.Release {
	var out []github.Release
	for i := range n {
		out = append(out, github.Release{Tag: fmt.Sprintf("0.%d.0", n-i), Body: "notes", Published: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
	}
	return out
}

func TestReleasesPages(t *testing.T) {
	t.Parallel()
	s := github.New(t)
	s.RequireToken("secret-token")
	s.AddReleases(repo, github.Release{Tag: "0.99.0", Draft: true, Published: time.Unix(0, 0)})
	s.AddReleases(repo, many(170)...)
	r := reader(t, s, "secret-token")
	got, err := r.Releases(t.Context(), "zenml-io", "zenml")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := forge.Release{Tag: "0.170.0", URL: "https://github.com/zenml-io/zenml/releases/tag/0.170.0", Body: "notes", PublishedAt: &at}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	if len(got) != 170 || got[169].Tag != "0.1.0" || r.Requests() != 2 {
		t.Errorf("%d releases with %d requests, want 170 with 2", len(got), r.Requests())
	}
}

func TestReleasesErrors(t *testing.T) {
	t.Parallel()
	reset := fmt.Sprint(time.Now().Add(time.Hour).Unix())
	limit := github.Failure{Status: 403, Header: map[string]string{"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset, "X-RateLimit-Resource": "core"}, Body: `{"message":"API rate limit exceeded"}`}
	tests := []struct {
		name     string
		prepare  func(*github.Server)
		want     string
		requests int
	}{
		{"no such repository", func(*github.Server) {}, "check that the repository exists", 1},
		{"bad token", func(s *github.Server) { s.RequireToken("another") }, "give a token that is valid", 1},
		{"rate limit", func(s *github.Server) { s.Fail(limit) }, "the rate limit is used up; try again after 2", 1},
		{"second page fails", func(s *github.Server) {
			s.AddReleases(repo, many(140)...)
			s.Fail(github.Failure{}, github.Failure{Status: 500}, github.Failure{Status: 500}, github.Failure{Status: 500})
		}, "status 500", 4},
		{"cut short", func(s *github.Server) {
			s.AddReleases(repo, many(3)...)
			s.Fail(github.Failure{Status: 200, Body: `[{"tag_name":"0.1.0"`, Cut: true})
		}, "unexpected EOF", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := github.New(t)
			tt.prepare(s)
			r := reader(t, s, "secret-token")
			got, err := r.Releases(t.Context(), "zenml-io", "zenml")
			if err == nil || !strings.Contains(err.Error(), tt.want) || got != nil {
				t.Fatalf("got %d releases and %v, want an error with %q", len(got), err, tt.want)
			}
			if fault.IsInput(err) || strings.Contains(err.Error(), "secret-token") {
				t.Errorf("the error is an input fault or tells the token: %v", err)
			}
			if r.Requests() != tt.requests {
				t.Errorf("%d requests, want %d", r.Requests(), tt.requests)
			}
		})
	}
}

func TestServerErrorIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := github.New(t)
	s.AddReleases(repo, many(2)...)
	s.Fail(github.Failure{Status: 502})
	r := reader(t, s, "")
	if got, err := r.Releases(t.Context(), "zenml-io", "zenml"); err != nil || len(got) != 2 {
		t.Fatalf("got %d releases, %v", len(got), err)
	}
	if r.Requests() != 2 {
		t.Errorf("%d requests, want 2", r.Requests())
	}
}

func TestRenamedRepository(t *testing.T) {
	t.Parallel()
	s := github.New(t)
	s.AddReleases("zenml-io/new", many(2)...)
	s.Move(repo, "zenml-io/new")
	if got, err := reader(t, s, "").Releases(t.Context(), "zenml-io", "zenml"); err != nil || len(got) != 2 {
		t.Fatalf("got %d releases, %v", len(got), err)
	}
}

// A GitHub that does not answer in time is an error, and nothing of it is taken.
func TestSlow(t *testing.T) {
	t.Parallel()
	s := github.New(t)
	s.AddReleases(repo, many(2)...)
	s.Fail(github.Failure{Slow: 300 * time.Millisecond}, github.Failure{Status: 200, Body: "[]", Slow: time.Second})
	r := reader(t, s, "")
	if got, err := r.Releases(t.Context(), "zenml-io", "zenml"); err != nil || len(got) != 2 {
		t.Errorf("slow: %d releases, %v", len(got), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if got, err := r.Releases(ctx, "zenml-io", "zenml"); err == nil || got != nil {
		t.Errorf("too slow: %d releases, %v", len(got), err)
	}
}

// A redirect to another host must not take the token along.
func TestTokenStaysAtHome(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 4)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("Authorization")
		fmt.Fprint(w, "[]")
	}))
	defer other.Close()
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("Authorization")
		http.Redirect(w, r, other.URL, http.StatusMovedPermanently)
	}))
	defer home.Close()
	r, err := forge.NewReader(home.URL, "secret-token")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Releases(context.Background(), "zenml-io", "zenml"); err != nil {
		t.Fatal(err)
	}
	if first, second := <-seen, <-seen; first != "Bearer secret-token" || second != "" {
		t.Errorf("the host got %q, the other one %q", first, second)
	}
}

func TestNewReaderRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "api.example.com", "ftp://api.example.com", "https://user:pw@api.example.com", "http://api.example.com"} {
		if _, err := forge.NewReader(bad, "secret-token"); !fault.IsInput(err) || strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
