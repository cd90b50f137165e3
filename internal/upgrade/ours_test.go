package upgrade

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// answering is a driver whose server answers already, as one that hooks look after may.
type answering struct{ still }

func (*answering) StartOld(context.Context, string) error { return nil }

// What answers with the old version is back only when it is the server of the real database: another one on
// the address is no rollback that worked.
func TestAnotherServerOnTheAddressIsNotTheOldOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		writes, hooks bool
		want          string
	}{
		"another server":             {false, true, "another server"},
		"the server of the database": {true, true, ""},
		"a process of ours":          {false, false, ""},
	} {
		r, _, change := opened(t)
		change("CREATE TABLE api_key (last_login INTEGER); INSERT INTO api_key VALUES (0)")
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch req.URL.Path {
			case "/api/v1/info":
				_, _ = w.Write([]byte(`{"id": "1", "version": "0.85.0", "active": true}`))
			case "/api/v1/login":
				if c.writes {
					change("UPDATE api_key SET last_login = last_login + 1")
				}
				_, _ = w.Write([]byte(`{"access_token": "t"}`))
			default:
				_, _ = w.Write([]byte(`{"index": 1, "max_size": 1000, "total_pages": 1, "total": 0, "items": []}`))
			}
		}))
		t.Cleanup(s.Close)
		r.ByHooks, r.PublicURL, r.Driver, r.SecretsStore = c.hooks, s.URL, &answering{}, "sql"
		r.To = "0.85.0"
		for way, start := range map[string]func(context.Context) (string, error){"by itself": r.startOld, "by hand": r.startOldAgain} {
			_, err := start(t.Context())
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %v, want %q", name, way, err, c.want)
			}
		}
	}
}
