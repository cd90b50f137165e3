package guard_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/guard"
)

const (
	realKey = "ZENKEY_real"
	ourID   = "11111111-1111-1111-1111-111111111111"
	theirs  = "22222222-2222-2222-2222-222222222222"
)

// upstream is a server that notes what reaches it. Its first token ends after one request.
type upstream struct {
	*httptest.Server
	mu      sync.Mutex
	reached []string
	logins  int
	uses    int
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		defer u.mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/api/v1/login" {
			form, _ := url.ParseQuery(string(body))
			if form.Get("password") != realKey {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			u.logins++
			_, _ = io.WriteString(w, `{"access_token": "token-`+strings.Repeat("x", u.logins)+`"}`)
			return
		}
		if r.URL.Path != "/api/v1/info" {
			if u.uses++; r.Header.Get("Authorization") != "Bearer token-"+strings.Repeat("x", u.logins) || u.uses == 2 {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
		}
		u.reached = append(u.reached, r.Method+" "+r.URL.Path)
		switch {
		case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/runs"):
			_, _ = io.WriteString(w, `[{"id": "`+theirs+`"}, false]`) // it was there before
		case r.Method == http.MethodPost:
			_, _ = io.WriteString(w, `{"id": "`+ourID+`"}`)
		default:
			_, _ = io.WriteString(w, `{}`)
		}
	}))
	t.Cleanup(u.Close)
	return u
}

func ask(t *testing.T, g *guard.Guard, token, method, path, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, g.URL+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func login(t *testing.T, g *guard.Guard, key string) (string, int) {
	t.Helper()
	resp, err := http.PostForm(g.URL+"/api/v1/login", url.Values{"password": {key}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got struct {
		Token string `json:"access_token"`
	}
	_ = json.NewDecoder(resp.Body).Decode(&got)
	return got.Token, resp.StatusCode
}

// What changes nothing of the team's passes, all else does not reach the server; the order counts: an id is
// ours once it was made through the guard.
func TestJudgement(t *testing.T) {
	t.Parallel()
	type request struct {
		method, path, body string
		reading, making    bool // whether it passes a guard that lets read, and one that lets make
	}
	const mark = "zu_mark_1"
	requests := []request{
		{"GET", "/stacks?hydrate=true", "", true, true},
		{"GET", "/runs/" + theirs + "?refresh_status=false", "", true, true},
		{"GET", "/runs/" + theirs + "?refresh_status=true", "", false, false},
		{"GET", "/runs/" + theirs + "/refresh", "", false, false},
		{"GET", "/runs/" + theirs + "/stop", "", false, false},
		{"GET", "/logout", "", false, false},
		{"HEAD", "/pipelines", "", true, true},
		{"PUT", "/stacks/" + ourID, `{}`, false, false}, // not made yet
		{"POST", "/stacks", `{"name": "` + mark + `"}`, false, true},
		{"PUT", "/stacks/" + ourID, `{}`, false, true},
		{"PUT", "/stacks/" + theirs, `{"name": "` + mark + `"}`, false, false},
		{"DELETE", "/stacks/" + theirs, "", false, false},
		{"DELETE", "/pipelines", "", false, false},
		{"PATCH", "/stacks/" + ourID, `{}`, false, false},
		{"POST", "/stacks", `{"name": "other"}`, false, false},
		{"POST", "/workspaces/default/components", `{"name": "` + mark + `"}`, false, true},
		{"POST", "/runs", `{"pipeline": "` + ourID + `"}`, false, true}, // answered with one of theirs
		{"PUT", "/runs/" + theirs, `{}`, false, false},
		{"POST", "/secrets", `{"name": "` + mark + `"}`, false, false},
		{"POST", "/run_templates/" + theirs + "/runs", `{"x": "` + mark + `"}`, false, false},
		{"POST", "/users", `{"name": "` + mark + `"}`, false, false},
		{"POST", "/pipelines/" + theirs + "/runs", `{"name": "` + mark + `"}`, false, false},
		{"GET", "/stacks/../secrets", "", false, false},
		{"GET", "/stacks%2f..", "", false, false},
		{"OPTIONS", "/stacks", "", false, false},
	}
	for name, making := range map[string]bool{"reading": false, "making": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t)
			c := guard.Config{URL: u.URL + "/", Key: realKey}
			if making {
				c.Mark = mark
			}
			g, err := guard.Start(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			token, status := login(t, g, g.Key)
			if status != http.StatusOK || token == "" || strings.HasPrefix(token, "token-") {
				t.Fatalf("the log-in gave %q, status %d", token, status)
			}
			var want []string
			for _, r := range requests {
				passes := r.reading || making && r.making
				path, _, _ := strings.Cut(r.path, "?")
				if passes {
					want = append(want, r.method+" /api/v1"+path)
				}
				if status := ask(t, g, token, r.method, r.path, r.body); (status == http.StatusOK) != passes {
					t.Errorf("%s %s: status %d, want it to pass: %v", r.method, r.path, status, passes)
				}
			}
			if d := cmp.Diff(want, u.reached); d != "" {
				t.Errorf("what reached the server (-want +got):\n%s", d)
			}
			if u.logins != 2 {
				t.Errorf("%d log-ins, want a second one when the first token ended", u.logins)
			}
			if refused := g.Refused(); len(refused) < 8 {
				t.Errorf("refused: %q", refused)
			}
		})
	}
}

// A client without the guard's own key or token reaches nothing but what the server tells everybody.
func TestTheRealKeyIsNotGivenAway(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	g, err := guard.Start(t.Context(), guard.Config{URL: u.URL, Key: realKey, Open: true})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for _, key := range []string{"", realKey, "ZENKEY_other"} {
		if token, status := login(t, g, key); status != http.StatusUnauthorized || token != "" {
			t.Errorf("key %q: status %d", key, status)
		}
	}
	for _, token := range []string{"", "token-x", realKey} {
		if status := ask(t, g, token, "GET", "/stacks", ""); status != http.StatusUnauthorized {
			t.Errorf("token %q: status %d", token, status)
		}
	}
	if status := ask(t, g, "", "GET", "/info", ""); status != http.StatusOK {
		t.Errorf("info without a log-in: status %d", status)
	}
	token, _ := login(t, g, g.Key)
	if status := ask(t, g, token, "DELETE", "/stacks/"+theirs, ""); status != http.StatusOK {
		t.Errorf("an open guard: status %d", status)
	}
	if status := ask(t, g, token, "GET", "/api_token", ""); status != http.StatusOK {
		t.Errorf("the token for steps: status %d", status)
	}
	if d := cmp.Diff([]string{"GET /api/v1/info", "DELETE /api/v1/stacks/" + theirs}, u.reached); d != "" {
		t.Errorf("what reached the server (-want +got):\n%s", d)
	}
	u.Close()
	if status := ask(t, g, token, "GET", "/stacks", ""); status != http.StatusBadGateway {
		t.Errorf("a server that is gone: status %d", status)
	}
}
