package compat

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
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
	profile := t.TempDir()
	for range 2 { // the second browser finds what the first, which was killed, left in the profile
		tab, heard, stop, err := openTab(ctx, browser, profile, server.URL, os.Environ())
		if err == nil {
			err = chromedp.Run(tab, chromedp.Navigate(server.URL))
		}
		if err != nil {
			stop()
			t.Fatal(err)
		}
		text := hear(ctx, heard, "it broke Error: deeply", "404", "/missing.js", "nobodyKnows is not defined")
		stop()
		if text == "" || strings.Contains(text, "careful") || strings.Contains(text, "elsewhere") {
			t.Errorf("heard %q, at last %v", text, heard.err())
		}
	}
}

// hear waits until all words were heard and returns what was, "" when one was not.
func hear(ctx context.Context, heard *complaints, words ...string) string {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := heard.err(); err != nil && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(err.Error(), w) }) {
			return err.Error()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ""
		}
	}
}
