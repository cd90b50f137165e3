package github

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// Failure is an answer given once instead of the right one.
type Failure struct {
	Operation string // the description's identifier; empty for the next request of any
	Status    int    // 0: this request is answered as it should be
	Header    map[string]string
	Body      string        // not checked against the description: a broken server keeps to none
	Cut       bool          // the connection ends before the body does
	After     bool          // the request takes effect, and only its answer fails
	Slow      time.Duration // the answer takes this long
}

// Fail makes the next requests fail, one failure each.
func (s *Server) Fail(failures ...Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, failures...)
}

// fails takes the failure meant for an operation from the list.
func (s *Server) fails(operation string) Failure {
	for i, f := range s.failures {
		if f.Operation == "" || f.Operation == operation {
			s.failures = append(s.failures[:i:i], s.failures[i+1:]...)
			return f
		}
	}
	return Failure{}
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
