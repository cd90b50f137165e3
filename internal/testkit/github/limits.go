package github

import (
	"net/http"
	"strconv"
	"time"
)

// limits are GitHub's rate limits: how many requests an hour, and how many writes in a while.
type limits struct {
	most, left int
	reset      time.Time
	writes     int // left before the secondary limit; negative for none
	retryAfter time.Duration
}

// unlimited is what a job's own token gets: 1,000 requests an hour, which no test reaches.
func unlimited() limits {
	return limits{most: 1000, left: 1000, reset: time.Now().Add(time.Hour), writes: -1}
}

// Limit leaves n requests until reset; those after it get what GitHub's primary limit answers.
func (s *Server) Limit(n int, reset time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.left, s.limits.reset = n, reset
}

// LimitWrites refuses every write after the next n once, asking to come back after the time, and
// then allows as many again: the secondary limit.
func (s *Server) LimitWrites(n int, retryAfter time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.writes, s.limits.retryAfter = n, retryAfter
}

func (l *limits) take(c *call) (answer, bool) {
	if l.left <= 0 && time.Now().Before(l.reset) {
		return refuse(http.StatusForbidden, "API rate limit exceeded for installation ID 1."), false
	}
	if l.left <= 0 {
		l.left = l.most
	}
	l.left--
	if l.writes < 0 || c.Method == http.MethodGet {
		return answer{}, true
	}
	if l.writes == 0 {
		l.writes = -1
		a := refuse(http.StatusForbidden, "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. Please retry your request again later.")
		a.header.Set("Retry-After", strconv.Itoa(int(l.retryAfter.Seconds())))
		return a, false
	}
	l.writes--
	return answer{}, true
}

func (l *limits) giveBack() { l.left++ }

// describe sets the headers that every answer carries.
func (l *limits) describe(h http.Header) {
	h.Set("X-Ratelimit-Limit", strconv.Itoa(l.most))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(max(0, l.left)))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(l.reset.Unix(), 10))
	h.Set("X-Ratelimit-Used", strconv.Itoa(l.most-max(0, l.left)))
	h.Set("X-Ratelimit-Resource", "core")
}
