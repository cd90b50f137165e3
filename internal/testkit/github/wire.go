package github

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Request is one request as it came in, and the status it got.
type Request struct {
	Method, Path, Query string
	Operation           string // the description's identifier
	Body                string
	Authorized          bool // it bore an Authorization header
	Status              int
}

// Requests returns what came in so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.wire...)
}

// Wire is the recorded wire as text, for golden files: a line each request with its status, and
// its body indented below.
func (s *Server) Wire() string {
	var b strings.Builder
	for _, r := range s.Requests() {
		path := r.Path
		if r.Query != "" {
			path += "?" + r.Query
		}
		fmt.Fprintf(&b, "%s %s -> %d\n", r.Method, path, r.Status)
		if r.Body == "" {
			continue
		}
		var body any
		var text bytes.Buffer
		enc := json.NewEncoder(&text)
		enc.SetEscapeHTML(false)
		enc.SetIndent("  ", "  ")
		if json.Unmarshal([]byte(r.Body), &body) != nil || enc.Encode(body) != nil {
			text.Reset()
			text.WriteString(r.Body + "\n")
		}
		// A comment is read line by line.
		b.WriteString("  " + strings.ReplaceAll(text.String(), `\n`, "\n    ⏎ "))
	}
	return b.String()
}

// Writes counts the requests so far that were to change something.
func (s *Server) Writes() int {
	n := 0
	for _, r := range s.Requests() {
		if r.Method != http.MethodGet && questions[r.Operation] == nil {
			n++
		}
	}
	return n
}

// report logs what was exercised; tools/testreport sums it up over all tests.
func (s *Server) report() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.exercised) == 0 {
		return
	}
	requests := 0
	for _, n := range s.exercised {
		requests += n
	}
	s.tb.Logf("fake GitHub: %d requests, %d invalid: %s", requests, s.invalid, strings.Join(slices.Sorted(maps.Keys(s.exercised)), " "))
}
