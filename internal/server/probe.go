package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"
)

// probeEvery is the time between two questions: the finest downtime that can be told.
const probeEvery = 50 * time.Millisecond

// Probe asks a server again and again from outside, as a user's client would, and measures for how
// long nobody answered.
type Probe struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	last    time.Time // last good answer
	version string    // of that answer
	failed  bool      // a question went unanswered since
	turned  time.Duration
	changed bool // turned was measured: the version changed
	longest time.Duration

	asked, unanswered int // since Count
}

// Watch begins to ask url, a server's base address. It ends with Stop.
func Watch(url string) *Probe {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Probe{cancel: cancel, done: make(chan struct{})}
	go p.run(ctx, url)
	return p
}

func (p *Probe) run(ctx context.Context, url string) {
	defer close(p.done)
	client := newProbeClient(time.Second)
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		version, ok := ask(ctx, client, url)
		if ctx.Err() != nil {
			return // a question that Stop cut off is no missing answer
		}
		p.note(time.Now(), version, ok)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (p *Probe) note(at time.Time, version string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if !ok {
		p.failed = true
		p.unanswered++
		return
	}
	if !p.last.IsZero() {
		gap := at.Sub(p.last)
		if version != p.version {
			p.turned, p.changed = max(p.turned, gap), true
		} else if p.failed {
			p.longest = max(p.longest, gap)
		}
	}
	p.last, p.version, p.failed = at, version, false
}

// Answered says whether the server has answered at all: before that a probe measures nothing.
func (p *Probe) Answered() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.last.IsZero()
}

// Count begins to count anew.
func (p *Probe) Count() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked, p.unanswered = 0, 0
}

// Unanswered returns how many questions were asked since Count, and how many of them nobody answered.
func (p *Probe) Unanswered() (unanswered, asked int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unanswered, p.asked
}

// Downtime returns the seconds from the last answer of the old version to the first of the new
// one; where no other version ever answered (a rollback), the longest time between two answers
// with a failure between them. It is not ok while the server is down, and when it never was.
func (p *Probe) Downtime() (seconds float64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.failed || p.last.IsZero():
		return 0, false
	case p.changed:
		return p.turned.Seconds(), true
	case p.longest > 0:
		return p.longest.Seconds(), true
	}
	return 0, false
}

// Stop ends the asking and waits for it; what was measured stays.
func (p *Probe) Stop() {
	p.cancel()
	<-p.done
}

// newProbeClient makes a client that opens a connection for each request, as a new visitor does.
func newProbeClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ask returns the version that a server gives of itself, and whether it answered.
func ask(ctx context.Context, c *http.Client, base string) (string, bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/v1/info", nil)
	if err != nil {
		return "", false
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", false
	}
	defer resp.Body.Close()
	var info struct {
		Version string `json:"version"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&info)
	return info.Version, err == nil && resp.StatusCode == http.StatusOK && info.Version != ""
}
