package compat

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// What a page's scripts raise, write to the console as errors or cannot load is heard; warnings and what
// other servers do not give is not.
func TestComplaints(t *testing.T) {
	t.Parallel()
	browser := findBrowser(os.Environ())
	if browser == "" {
		t.Skipf("skipped: none of %q is installed", browsers)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<script>console.warn("be careful"); console.error("it broke", new Error("deeply"), 7)</script>
<img src="http://elsewhere.invalid/picture.png"><script src="/missing.js"></script><script>nobodyKnows()</script>`))
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), browserTimeout)
	defer cancel()
	tab, heard, stop, err := openTab(ctx, browser, t.TempDir(), server.URL, os.Environ())
	defer stop()
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Run(tab, chromedp.Navigate(server.URL)); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for text := ""; ; {
		if err := heard.err(); err != nil {
			text = err.Error()
		}
		missing := ""
		for _, want := range []string{"it broke Error: deeply", "404", "/missing.js", "nobodyKnows is not defined"} {
			if !strings.Contains(text, want) {
				missing = want
			}
		}
		if missing == "" {
			if strings.Contains(text, "careful") || strings.Contains(text, "elsewhere") {
				t.Errorf("heard also %q", text)
			}
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%q was not heard, but %q", missing, text)
		}
	}
}
