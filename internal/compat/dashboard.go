package compat

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/atomicfile"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// screen is what a page of the dashboard asks of the server. The lists are hydrated: that is how
// the dashboard asks, and plain lists hide what is broken (facts, behaviour 1).
type screen struct {
	name, path string
	query      url.Values
}

var screens = []screen{
	{"stacks", "/stacks", nil},
	{"components", "/components", nil},
	{"pipelines", "/pipelines", nil},
	{"runs", "/runs", nil},
	{"steps", "/steps", nil},
	{"artifacts", "/artifacts", nil},
	{"artifact_versions", "/artifact_versions", nil},
	{"models", "/models", nil},
	{"secrets", "/secrets", nil},
	{"service_connectors", "/service_connectors", nil},
	{"users", "/users", nil},
	{"flavors", "/flavors", nil},
}

// runDashboard asks what the dashboard asks, and for the dashboard itself.
func (w *world) runDashboard(ctx context.Context) *attempts {
	out := &attempts{}
	check := func(name string, do func() error) {
		out.set(name, twice(ctx, func() Attempt { return w.timed(do) }))
	}
	check("dashboard:page", func() error { return w.page(ctx) })
	for _, s := range screens {
		check("dashboard:"+s.name, func() error {
			query := url.Values{"hydrate": {"true"}, "size": {"500"}}
			_, err := w.api.List(ctx, s.path, query)
			return err
		})
	}
	out.set(inBrowser, twice(ctx, func() Attempt { return w.browse(ctx) }))
	return out
}

// inBrowser is the check that a person can use the dashboard.
const inBrowser = "dashboard:browser"

// browse opens the page of the newest run in a browser and keeps a picture of it.
func (w *world) browse(ctx context.Context) Attempt {
	browser := findBrowser(w.environ)
	if browser == "" {
		return skip(fmt.Sprintf("no browser is installed (one of %q)", browsers))
	}
	runs, err := w.api.List(ctx, "/runs", nil)
	if err != nil {
		return w.failed(nil, err.Error())
	}
	if len(runs) == 0 {
		return skip("the server holds no run whose page could be opened")
	}
	run := runs[len(runs)-1]
	id, _ := run["id"].(string)
	name, _ := run["name"].(string)
	page := "/projects/default/runs/" + id
	if version.Compare(w.version, "0.82.0") < 0 { // the dashboard knew no projects yet
		page = "/runs/" + id
	}
	// A new user is asked who he is before anything else.
	_ = w.api.Put(ctx, "/current-user", map[string]any{
		"full_name": "compat-test", "email_opted_in": false, "user_metadata": map[string]any{"finished_onboarding_survey": true, "awareness_channels": []string{"other"}},
	}, nil)
	var png []byte
	at := w.timed(func() (err error) {
		png, err = w.openDashboard(ctx, browser, page, name)
		return err
	})
	if w.logs != "" && len(png) > 0 {
		file := "dashboard" + w.label + "-" + w.name + ".png"
		if err := atomicfile.Write(filepath.Join(filepath.Dir(w.logs), file), png); err == nil {
			at.Picture = &file
		}
	}
	return at
}

func (w *world) timed(do func() error) Attempt {
	begin := time.Now()
	err := do()
	seconds := time.Since(begin).Seconds()
	if err != nil {
		return w.failed(&seconds, err.Error())
	}
	return Attempt{Status: Passed, Seconds: &seconds}
}

// page reads the dashboard's start page and one script that it names.
func (w *world) page(ctx context.Context) error {
	body, kind, err := w.read(ctx, "/")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(kind, "text/html") || !strings.Contains(body, "<script") {
		return fmt.Errorf("GET /: not the dashboard's page but %q", kind)
	}
	_, rest, found := strings.Cut(body, `src="/assets/`)
	name, _, closed := strings.Cut(rest, `"`)
	if !found || !closed {
		return fmt.Errorf("GET /: the page names no script of the dashboard")
	}
	_, kind, err = w.read(ctx, "/assets/"+name)
	if err == nil && !strings.Contains(kind, "javascript") {
		err = fmt.Errorf("GET /assets/%s: not a script but %q", name, kind)
	}
	return err
}

func (w *world) read(ctx context.Context, path string) (body, kind string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.PrivateURL()+path, nil)
	if err != nil {
		return "", "", fmt.Errorf("asking for %q: %w", path, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", "", fmt.Errorf("GET %s: %w", path, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", "", fmt.Errorf("GET %s: status %d", path, resp.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return string(b), resp.Header.Get("Content-Type"), err
}
