// Package guard stands between ZenML clients and a server that is not ours. What a client asks is
// judged here, not trusted to the client: reads pass; what changes something passes only when it
// makes a thing that carries our mark, or touches what was so made. A client never gets the real
// key, so that no code it loads can go around.
package guard

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	apiRoot     = "/api/v1"
	maxBody     = 64 << 20
	mostRefused = 20
	shutdown    = 5 * time.Second
)

// Config says what a guard lets through.
type Config struct {
	URL string // of the server, http or https
	Key string // API key of a service account there
	// Mark is in the name of all that may be made; "" lets reads through alone.
	Mark string
	// Open lets everything through.
	Open bool
}

// Guard is a server on loopback in front of another one.
type Guard struct {
	URL string // where clients reach it
	Key string // the API key that they give; it is good here alone

	config Config
	token  string // what a client is given for the key
	http   *http.Client
	server *http.Server
	done   chan struct{}

	mu      sync.Mutex
	real    string          // the server's token, "" before the first log-in
	made    map[string]bool // ids of what was made through us
	refused []string
}

// Start begins to listen. Nothing is asked of the server before a client does.
func Start(ctx context.Context, c Config) (*Guard, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening a port for the clients under test: %w", err)
	}
	g := &Guard{
		URL: "http://" + l.Addr().String(), Key: "ZENKEY_" + rand.Text(), config: c, token: rand.Text(), done: make(chan struct{}), made: map[string]bool{},
		http: &http.Client{
			Timeout:       2 * time.Minute,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	g.config.URL = strings.TrimRight(c.URL, "/")
	g.server = &http.Server{Handler: g, ReadHeaderTimeout: 30 * time.Second}
	go func() {
		defer close(g.done)
		_ = g.server.Serve(l) // ends with Close
	}()
	return g, nil
}

// Close ends the guard; requests under way are given some seconds.
func (g *Guard) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdown)
	defer cancel()
	if g.server.Shutdown(ctx) != nil {
		_ = g.server.Close()
	}
	<-g.done
	g.http.CloseIdleConnections()
}

// Refused names what was not let through, as METHOD /path, in order, at most 20.
func (g *Guard) Refused() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.refused)
}

// ServeHTTP judges a request and passes it on.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, apiRoot)
	if !ok || strings.Contains(r.URL.EscapedPath(), "%") || slices.Contains(strings.Split(path, "/"), "..") || strings.Contains(path, "//") {
		answer(w, http.StatusNotFound, "the guard of compat-test passes requests of ZenML's API alone")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		answer(w, http.StatusRequestEntityTooLarge, "the request is too large")
		return
	}
	if path == "/login" && r.Method == http.MethodPost {
		g.login(w, body)
		return
	}
	given, known := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	known = known && subtle.ConstantTimeCompare([]byte(given), []byte(g.token)) == 1
	if !known && path != "/info" && path != "/version" {
		answer(w, http.StatusUnauthorized, "not logged in")
		return
	}
	if path == "/api_token" { // for the steps of a run, which reach the server through us too
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(g.token) // an error is a client that is gone
		return
	}
	if !g.passes(r.Method, path, r.URL.Query(), body) {
		g.refuse(r.Method + " " + path)
		answer(w, http.StatusForbidden, "compat-test does not change this server")
		return
	}
	g.pass(w, r, path, body, known)
}

// login answers a client that gives our key; the real log-in follows when it is needed.
func (g *Guard) login(w http.ResponseWriter, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || subtle.ConstantTimeCompare([]byte(form.Get("password")), []byte(g.Key)) != 1 {
		answer(w, http.StatusUnauthorized, "not the key of this guard")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": g.token, "token_type": "bearer"}) // an error is a client that is gone
}

func (g *Guard) refuse(what string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.refused) < mostRefused && !slices.Contains(g.refused, what) {
		g.refused = append(g.refused, what)
	}
}

// pass sends a request to the server; with the real token when the client is logged in.
func (g *Guard) pass(w http.ResponseWriter, r *http.Request, path string, body []byte, known bool) {
	resp, err := g.ask(r, path, body, known, false)
	if err == nil && resp.StatusCode == http.StatusUnauthorized && known {
		_ = resp.Body.Close()
		resp, err = g.ask(r, path, body, known, true) // the token's time is over: it was refused, nothing was done
	}
	if err != nil {
		answer(w, http.StatusBadGateway, "the server did not answer")
		return
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil || len(b) > maxBody {
		answer(w, http.StatusBadGateway, "the server's answer broke off or is too large")
		return
	}
	if r.Method == http.MethodPost && resp.StatusCode < 300 {
		g.note(b)
	}
	for _, name := range []string{"Content-Type", "Retry-After"} {
		if v := resp.Header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(b) // an error is a client that is gone
}

func (g *Guard) ask(r *http.Request, path string, body []byte, known, anew bool) (*http.Response, error) {
	target := g.config.URL + apiRoot + path
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, target, bytes.NewReader(body)) //nolint:gosec // the host is the team's; the path was judged
	if err != nil {
		return nil, err
	}
	for name, values := range r.Header {
		switch name {
		case "Authorization", "Cookie", "Connection", "Accept-Encoding", "Host":
		default:
			req.Header[name] = values
		}
	}
	if known {
		token, err := g.realToken(r.Context(), anew)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return g.http.Do(req) //nolint:gosec // as above
}

// realToken logs in to the server, once unless it is asked to do so anew.
func (g *Guard) realToken(ctx context.Context, anew bool) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.real != "" && !anew {
		return g.real, nil
	}
	form := url.Values{"password": {g.config.Key}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.config.URL+apiRoot+"/login", strings.NewReader(form))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := g.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&got); err != nil || got.Token == "" {
		return "", cmp.Or(err, errors.New("the server gave no token"))
	}
	g.real = got.Token
	return g.real, nil
}

// answer is an error in ZenML's own form.
func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	class := "IllegalOperationError"
	if status == http.StatusUnauthorized {
		class = "CredentialsNotValid" // upon which a client logs in
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"detail": []string{class, text}}) // an error is a client that is gone
}
