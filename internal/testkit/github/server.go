// Package github is a GitHub for tests: it keeps state, listens on loopback, and every request it
// gets and every answer it gives is checked against GitHub's own description of its API.
//
// The description does not cover authentication, limits and what one call means for the next:
// those are this package's.
package github

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// pageSize is the most items a page holds. It is GitHub's default and, unlike there, also the
// limit, so that clients must follow the Link header.
const pageSize = 30

// Server is the fake. Its methods are safe for concurrent use.
type Server struct {
	URL string // what GITHUB_API_URL would hold

	tb       testing.TB
	spec     *description
	mu       sync.Mutex
	token    string
	repos    map[string]*repository
	failures []Failure
	wire     []Request
}

type repository struct {
	releases []Release
	movedTo  string
	pulls    map[int]PullRequest
	commits  map[string]map[string]string // commit to its files
	forks    map[string]string            // "base...head" to the newest commit that both share
}

// Release is a release that the server lists.
type Release struct {
	Tag       string
	Body      string
	Published time.Time
	Draft     bool
}

// Failure is an answer given once instead of the right one.
type Failure struct {
	Status int // 0: this request is answered as it should be
	Header map[string]string
	Body   string // not checked against the description: a broken server keeps to none
	Cut    bool   // the connection ends before the body does
}

// Request is one request as it came in.
type Request struct {
	Method, Path, Query string
	Authorized          bool // it bore an Authorization header
}

// New starts a server that ends with the test. The test is skipped when GitHub's description is
// not at hand.
func New(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{tb: tb, spec: loadDescription(tb), repos: map[string]*repository{}}
	srv := httptest.NewServer(http.HandlerFunc(s.serve))
	tb.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// RequireToken makes the server answer 401 to requests without this token.
func (s *Server) RequireToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// AddReleases adds releases to a repository ("owner/name"), newest first as GitHub lists them.
func (s *Server) AddReleases(repo string, releases ...Release) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repos[repo]
	if r == nil {
		r = &repository{}
		s.repos[repo] = r
	}
	r.releases = append(r.releases, releases...)
}

// Move makes a repository answer with a redirect to the API address of its new name.
func (s *Server) Move(repo, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repos[repo] = &repository{movedTo: to}
}

// Fail makes the next requests fail, one failure each.
func (s *Server) Fail(failures ...Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, failures...)
}

// Requests returns what came in so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.wire...)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.tb.Errorf("fake GitHub: reading a request: %v", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	checked, err := s.spec.request(r)
	if err != nil {
		s.tb.Errorf("fake GitHub: %s %s is no request that GitHub describes: %v", r.Method, r.URL, err)
		http.Error(w, `{"message":"not described"}`, http.StatusUnprocessableEntity)
		return
	}
	s.mu.Lock()
	s.wire = append(s.wire, Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Authorized: r.Header.Get("Authorization") != ""})
	if len(s.failures) > 0 {
		failure := s.failures[0]
		s.failures = s.failures[1:]
		if failure.Status != 0 {
			s.mu.Unlock()
			failure.send(w)
			return
		}
	}
	a := s.answer(r)
	s.mu.Unlock()
	data, err := json.Marshal(a.body)
	if err != nil {
		s.tb.Errorf("fake GitHub: encoding an answer: %v", err)
	}
	a.header.Set("Content-Type", "application/json; charset=utf-8")
	if err := s.spec.response(r.Context(), checked, a.status, a.header, data); err != nil {
		s.tb.Errorf("fake GitHub: the answer to %s %s is none that GitHub describes: %v", r.Method, r.URL, err)
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(data) // a client that has gone away is not the server's fault
}

func (f Failure) send(w http.ResponseWriter) {
	for k, v := range f.Header {
		w.Header().Set(k, v)
	}
	if f.Cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(f.Body)+100))
	}
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, f.Body)
}

type answer struct {
	status int
	header http.Header
	body   any
}

func (s *Server) answer(r *http.Request) answer {
	refuse := func(status int, message string) answer {
		return answer{status, http.Header{}, map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)}}
	}
	if s.token != "" && r.Header.Get("Authorization") != "Bearer "+s.token {
		return refuse(http.StatusUnauthorized, "Bad credentials")
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if a, ok := s.answerPulls(r, parts); ok {
		return a
	}
	if len(parts) != 4 || parts[0] != "repos" || parts[3] != "releases" || r.Method != http.MethodGet {
		s.tb.Errorf("fake GitHub: %s %s is not built", r.Method, r.URL.Path)
		return refuse(http.StatusNotFound, "Not Found")
	}
	name := parts[1] + "/" + parts[2]
	repo := s.repos[name]
	switch {
	case repo == nil:
		return refuse(http.StatusNotFound, "Not Found")
	case repo.movedTo != "":
		to := s.URL + "/repos/" + repo.movedTo + "/releases?" + r.URL.RawQuery
		return answer{http.StatusMovedPermanently, http.Header{"Location": {to}}, map[string]any{"message": "Moved Permanently", "url": to}}
	}
	from, to, links := s.page(r.URL, len(repo.releases))
	list := []any{}
	for i, rel := range repo.releases[from:to] {
		list = append(list, rel.json(name, from+i+1))
	}
	return answer{http.StatusOK, links, list}
}

// page cuts a list as page and per_page ask and returns the headers that lead on.
func (s *Server) page(u *url.URL, total int) (from, to int, links http.Header) {
	q := u.Query()
	size, number := number(q.Get("per_page"), pageSize), number(q.Get("page"), 1)
	size = min(size, pageSize)
	from = min(total, (number-1)*size)
	to = min(total, from+size)
	links = http.Header{}
	if to < total {
		link := func(page int, rel string) string {
			q.Set("page", strconv.Itoa(page))
			return fmt.Sprintf(`<%s%s?%s>; rel="%s"`, s.URL, u.Path, q.Encode(), rel)
		}
		links.Set("Link", link(number+1, "next")+", "+link((total+size-1)/size, "last"))
	}
	return from, to, links
}

func number(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return n
	}
	return otherwise
}

func (rel Release) json(repo string, id int) map[string]any {
	api, web := "https://api.github.com/repos/"+repo, "https://github.com/"+repo
	at := rel.Published.UTC().Format(time.RFC3339)
	return map[string]any{
		"id": id, "node_id": fmt.Sprint("RE_", id), "tag_name": rel.Tag, "name": rel.Tag, "body": rel.Body, "draft": rel.Draft,
		"prerelease": false, "target_commitish": "main", "created_at": at, "published_at": at, "assets": []any{},
		"url": fmt.Sprintf("%s/releases/%d", api, id), "assets_url": fmt.Sprintf("%s/releases/%d/assets", api, id),
		"upload_url": "https://uploads.github.com/", "html_url": web + "/releases/tag/" + rel.Tag,
		"tarball_url": api + "/tarball/" + rel.Tag, "zipball_url": api + "/zipball/" + rel.Tag, "author": user("maintainer"),
	}
}

func user(login string) map[string]any {
	u := map[string]any{"login": login, "id": 1, "node_id": "U_1", "gravatar_id": "", "type": "User", "site_admin": false}
	for _, k := range []string{"avatar", "events", "followers", "following", "gists", "html", "organizations", "received_events", "repos", "starred", "subscriptions"} {
		u[k+"_url"] = "https://api.github.com/users/" + login + "/" + k
	}
	u["url"] = "https://api.github.com/users/" + login
	return u
}
