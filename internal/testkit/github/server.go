// Package github is a GitHub for tests: it keeps state, listens on loopback, and every request it
// gets and every answer it gives is checked against GitHub's own description of its API.
//
// The description does not cover authentication, permissions, limits and what one call means for
// the next: those are this package's. One file holds one kind of thing; each names the operations
// it answers by the description's own identifiers.
package github

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
)

// Server is the fake. Its methods are safe for concurrent use.
type Server struct {
	URL        string // what GITHUB_API_URL would hold
	GraphQLURL string // what GITHUB_GRAPHQL_URL would hold

	tb        testing.TB
	spec      *description
	prefix    string // of every path: /api/v3 on an enterprise server
	store     *httptest.Server
	mu        sync.Mutex
	now       time.Time // moves a second with every write, so that the wire is the same each time
	ids       int64
	tokens    map[string]Token
	closed    bool // only known tokens are let in
	limits    limits
	repos     map[string]*repository
	failures  []Failure
	before    map[string]func()
	wire      []Request
	exercised map[string]int // operations, by identifier
	invalid   int
}

// repository is the state of one; things are kept by number or id.
type repository struct {
	releases    []Release
	movedTo     string
	issues      map[int]*issue
	comments    map[int64]*comment
	pulls       map[int]*PullRequest
	labels      map[string]string // name to colour
	checks      map[int64]*checkRun
	deployments map[int64]*deployment
	artifacts   map[int64]*Artifact
	permissions map[string]string // of people: login to admin, maintain, write, triage, read
	lag         int
	commits     map[string]map[string]string // commit to its files
	forks       map[string]string            // "base...head" to the newest commit that both share
	pushes      []Push
	workflows   []string // files of those that can be started
	dispatches  []Dispatch
	approvals   map[int64][]Approval // by workflow run
}

// handler answers an operation. The server is locked meanwhile.
type handler func(s *Server, c *call) answer

// operations are what the fake answers, by the description's identifiers.
var operations = join(releaseOperations, issueOperations, commentOperations, labelOperations, pullOperations,
	checkOperations, deploymentOperations, artifactOperations, permissionOperations, commitOperations, historyOperations)

func join(maps ...map[string]handler) map[string]handler {
	all := map[string]handler{}
	for _, m := range maps {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

// New starts a server that ends with the test. The test is skipped when GitHub's description is
// not at hand.
func New(tb testing.TB) *Server {
	tb.Helper()
	return start(tb, "")
}

// NewEnterprise is New with the address that an enterprise server's API has, under /api/v3.
func NewEnterprise(tb testing.TB) *Server {
	tb.Helper()
	return start(tb, "/api/v3")
}

func start(tb testing.TB, prefix string) *Server {
	tb.Helper()
	s := &Server{
		tb: tb, spec: loadDescription(tb), prefix: prefix, repos: map[string]*repository{}, tokens: map[string]Token{},
		before: map[string]func(){}, exercised: map[string]int{}, ids: 100, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), limits: unlimited(),
	}
	srv := httptest.NewServer(http.HandlerFunc(s.serve))
	s.store = httptest.NewServer(http.HandlerFunc(s.serveStore))
	tb.Cleanup(func() {
		srv.Close()
		s.store.Close()
		s.report()
	})
	s.URL, s.GraphQLURL = srv.URL+prefix, srv.URL+strings.TrimSuffix(prefix, "/v3")+"/graphql"
	return s
}

// repo returns a repository of this name, made when it is new. The server is locked.
func (s *Server) repo(name string) *repository {
	r := s.repos[name]
	if r == nil {
		r = &repository{
			issues: map[int]*issue{}, comments: map[int64]*comment{}, pulls: map[int]*PullRequest{}, labels: map[string]string{},
			checks: map[int64]*checkRun{}, deployments: map[int64]*deployment{}, artifacts: map[int64]*Artifact{}, permissions: map[string]string{},
		}
		s.repos[name] = r
	}
	return r
}

// AddRepository makes a repository ("owner/name") that holds nothing.
func (s *Server) AddRepository(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repo(name)
}

// Before calls do whenever an operation comes in, before it is answered; nil ends that. do may
// call the server's methods.
func (s *Server) Before(operation string, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before[operation] = do
}

// tick moves the clock on and returns the time; every write happens at a time of its own.
func (s *Server) tick() time.Time {
	s.now = s.now.Add(time.Second)
	return s.now
}

func (s *Server) id() int64 {
	s.ids++
	return s.ids
}

// call is a request that the description knows.
type call struct {
	*http.Request
	params    map[string]string
	body      []byte
	operation string
	name      string // owner/name
	repo      *repository
	token     Token
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // a client that went away in the middle of its request
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.URL.Path == strings.TrimSuffix(s.prefix, "/v3")+"/graphql" {
		s.serveGraphQL(w, r, body)
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, s.prefix)
	if !ok {
		s.tb.Errorf("fake GitHub: %s lies outside of %s", r.URL.Path, s.URL)
		http.NotFound(w, r)
		return
	}
	r.URL.Path, r.URL.RawPath = path, strings.TrimPrefix(r.URL.RawPath, s.prefix)
	checked, err := s.spec.request(r)
	if err != nil {
		s.wrong("%s %s is no request that GitHub describes: %v", r.Method, r.URL, err)
		http.Error(w, `{"message":"not described"}`, http.StatusUnprocessableEntity)
		return
	}
	c := &call{Request: r, params: checked.PathParams, body: body, operation: checked.Route.Operation.OperationID}
	c.name = c.params["owner"] + "/" + c.params["repo"]
	s.mu.Lock()
	before := s.before[c.operation]
	s.mu.Unlock()
	if before != nil {
		before()
	}
	s.reply(w, c, checked)
}

// reply answers a call and keeps both on the recorded wire.
func (s *Server) reply(w http.ResponseWriter, c *call, checked *openapi3filter.RequestValidationInput) {
	s.mu.Lock()
	s.exercised[c.operation]++
	failure := s.fails(c.operation)
	var a answer
	if failure.Status == 0 || failure.After {
		a = s.answer(c)
	}
	seen := Request{
		Method: c.Method, Path: c.URL.Path, Query: c.URL.RawQuery, Operation: c.operation, Body: string(c.body),
		Authorized: c.Header.Get("Authorization") != "", Status: a.status,
	}
	if failure.Status != 0 {
		seen.Status = failure.Status
	}
	s.wire = append(s.wire, seen)
	s.mu.Unlock()
	time.Sleep(failure.Slow)
	if failure.Status != 0 {
		failure.send(w)
		return
	}
	data := a.encode(s.tb)
	if err := s.spec.response(c.Context(), checked, a.status, a.header, data); err != nil {
		s.wrong("the answer to %s %s is none that GitHub describes: %v", c.Method, c.URL, err)
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(data) // a client that has gone away is not the server's fault
}

func (s *Server) wrong(format string, args ...any) {
	s.tb.Errorf("fake GitHub: "+format, args...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.invalid++
}

// answer is what the operation gives once the token and the limits let the call through.
func (s *Server) answer(c *call) answer {
	a, ok := s.admit(c)
	if ok {
		a = s.perform(c)
	}
	s.limits.describe(a.header)
	if c.Method != http.MethodGet || a.status != http.StatusOK {
		return a
	}
	tag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(a.encode(s.tb)))
	a.header.Set("ETag", tag)
	if c.Header.Get("If-None-Match") == tag {
		s.limits.giveBack() // an answer of 304 does not count
		return answer{status: http.StatusNotModified, header: a.header}
	}
	return a
}

func (s *Server) perform(c *call) answer {
	do := operations[c.operation]
	if do == nil {
		s.tb.Errorf("fake GitHub: %s (%s %s) is not built", c.operation, c.Method, c.URL.Path)
		return refuse(http.StatusNotFound, "Not Found")
	}
	c.repo = s.repos[c.name]
	switch {
	case c.params["repo"] == "":
	case c.repo == nil:
		return refuse(http.StatusNotFound, "Not Found")
	case c.repo.movedTo != "":
		to := strings.Replace(s.URL+c.URL.RequestURI(), "/repos/"+c.name+"/", "/repos/"+c.repo.movedTo+"/", 1)
		return answer{http.StatusMovedPermanently, http.Header{"Location": {to}}, map[string]any{"message": "Moved Permanently", "url": to}}
	}
	return do(s, c)
}

type answer struct {
	status int
	header http.Header
	body   any // nil: none
}

func (a answer) encode(tb testing.TB) []byte {
	tb.Helper()
	if a.body == nil {
		return nil
	}
	a.header.Set("Content-Type", "application/json; charset=utf-8")
	data, err := json.Marshal(a.body)
	if err != nil {
		tb.Errorf("fake GitHub: encoding an answer: %v", err)
	}
	return data
}

func give(status int, body any) answer { return answer{status, http.Header{}, body} }

func refuse(status int, message string) answer {
	return give(status, map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest", "status": fmt.Sprint(status)})
}
