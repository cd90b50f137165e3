package forge

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// wire is the last thing before the network: it counts, signs and bounds.
type wire struct {
	host, graphQL string // hosts that get the token
	token         string
	base          http.RoundTripper
	requests      atomic.Int64
	writes        atomic.Int64
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.requests.Add(1)
	if req.Method != http.MethodGet && !strings.HasSuffix(req.URL.Path, "/graphql") { // where only questions are asked
		w.writes.Add(1)
	}
	if w.token != "" && (req.URL.Host == w.host || req.URL.Host == w.graphQL) {
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := w.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &bounded{ReadCloser: resp.Body, left: largestAnswer}
	return resp, nil
}

// bounded fails when an answer is larger than it may be, rather than giving a part of it.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, fmt.Errorf("the answer is larger than %d MiB", largestAnswer>>20)
	}
	return n, err
}

// afresh gives every attempt the whole body. The limiter above it repeats a request whose body has
// been read to its end, and GitHub would get an empty one.
type afresh struct{ base http.RoundTripper }

func (a *afresh) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = body
	}
	return a.base.RoundTrip(req)
}

// Bounds of what is remembered.
const (
	largestRemembered = 2 << 20
	mostRemembered    = 32 << 20
)

// remembering asks GitHub whether an answer that it gave before has changed: one that has not
// costs nothing of the rate limit. Unlike a cache it never answers by itself, because a comment
// may have changed a moment ago.
type remembering struct {
	base http.RoundTripper
	mu   sync.Mutex
	size int
	seen map[string]remembered
}

type remembered struct {
	header http.Header
	body   []byte
}

func newRemembering(base http.RoundTripper) *remembering {
	return &remembering{base: base, seen: map[string]remembered{}}
}

func (r *remembering) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet {
		return r.base.RoundTrip(req)
	}
	key := req.URL.String()
	r.mu.Lock()
	old, known := r.seen[key]
	r.mu.Unlock()
	if known {
		req = req.Clone(req.Context())
		req.Header.Set("If-None-Match", old.header.Get("ETag"))
	}
	resp, err := r.base.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case known && resp.StatusCode == http.StatusNotModified:
		resp.Body.Close()
		resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
		for name, values := range old.header {
			if resp.Header.Get(name) == "" {
				resp.Header[name] = values
			}
		}
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(old.body)), int64(len(old.body))
	case resp.StatusCode == http.StatusOK && resp.Header.Get("ETag") != "" && resp.ContentLength <= largestRemembered:
		resp.Body = &noting{ReadCloser: resp.Body, done: func(body []byte) { r.note(key, resp.Header.Clone(), body) }}
	}
	return resp, nil
}

func (r *remembering) note(key string, header http.Header, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if size := r.size + len(body) - len(r.seen[key].body); size <= mostRemembered {
		r.size, r.seen[key] = size, remembered{header, body}
	}
}

// noting copies what is read and hands it over when all of it was.
type noting struct {
	io.ReadCloser
	body []byte
	done func([]byte)
}

func (n *noting) Read(p []byte) (int, error) {
	got, err := n.ReadCloser.Read(p)
	if n.body = append(n.body, p[:got]...); err == io.EOF && n.done != nil && len(n.body) <= largestRemembered {
		n.done(n.body)
		n.done = nil
	}
	return got, err
}
