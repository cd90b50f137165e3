package server

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"sync"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// report is one line of the launcher's: a step that is done, or how the migration goes.
type report struct {
	Done    string `json:"done"`
	Version string `json:"version"`
	Port    int    `json:"port"`
	Error   string `json:"error"`

	Begins   string  `json:"begins"`   // a revision
	Revision string  `json:"revision"` // one that ended
	Seconds  float64 `json:"seconds"`
	Deferred string  `json:"deferred"` // a foreign key
	Broke    string  `json:"broke"`    // a revision that failed, with what follows

	Statement string `json:"statement"`
	Class     string `json:"class"`
	Number    int    `json:"number"`
	Message   string `json:"message"`
}

// Course is how far a server's migration of its database came.
type Course struct {
	Revisions []Revision // that ended, in order
	Open      string     // the one that has begun and not ended; "" for none
	Broken    *Broken    // null when none failed
	Deferred  []string   // foreign keys that were added without a look at the rows (Config.DeferKeys)
}

// Revision is one alembic revision that was run.
type Revision struct {
	ID      string
	Seconds float64 // with what it committed
}

// Broken is a revision that failed. Its texts come from outside and may hold SQL with values of
// rows: they are for result.json, never for a comment.
type Broken struct {
	Revision  string
	Statement string // with placeholders for bound values; "" when it was no statement that failed
	Class     string // of the exception
	Number    int    // of the error, as MySQL and MariaDB count them; 0 elsewhere
	Message   string
}

// mostRevisions bounds what is kept; 0.98.0 has 285.
const mostRevisions = 4096

// course is written by whoever reads the launcher's lines.
type course struct {
	mu sync.Mutex
	c  Course
}

// take files a line about the migration; false for another one.
func (c *course) take(r *report) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case r.Begins != "":
		c.c.Open = r.Begins
	case r.Revision != "":
		c.c.Open = ""
		if len(c.c.Revisions) < mostRevisions && r.Seconds >= 0 && !math.IsInf(r.Seconds, 0) {
			c.c.Revisions = append(c.c.Revisions, Revision{ID: r.Revision, Seconds: r.Seconds})
		}
	case r.Deferred != "":
		// Each counts: without a limit, for what is not kept would not be checked.
		c.c.Deferred = append(c.c.Deferred, r.Deferred)
	case r.Broke != "":
		c.c.Open = r.Broke
		c.c.Broken = &Broken{Revision: r.Broke, Statement: r.Statement, Class: r.Class, Number: r.Number, Message: r.Message}
	default:
		return false
	}
	return true
}

// Course says how the migration went so far, secrets removed. It is empty for a database that was
// already of the server's version.
func (s *Server) Course() Course {
	s.course.mu.Lock()
	defer s.course.mu.Unlock()
	out := s.course.c
	out.Revisions, out.Deferred = slices.Clone(out.Revisions), slices.Clone(out.Deferred)
	if b := out.Broken; b != nil {
		clean := *b
		clean.Statement, clean.Message = string(proc.Redact([]byte(b.Statement), s.secrets)), string(proc.Redact([]byte(b.Message), s.secrets))
		out.Broken = &clean
	}
	return out
}

// lines decodes the launcher's JSON lines.
type lines struct {
	to     chan<- report
	course *course
	part   []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.part = append(l.part, p...)
	for {
		line, rest, ok := bytes.Cut(l.part, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		l.part = rest
		var r report
		if json.Unmarshal(line, &r) == nil && !l.course.take(&r) {
			select {
			case l.to <- r:
			default: // nobody asked for that many
			}
		}
	}
}
