package zenml_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

const firstPage = `<!doctype html><html><head><script type="module" src="/assets/index.js"></script>
<link rel="stylesheet" href="/assets/index.css"><link rel="icon" href="/favicon.svg">
<script src="https://elsewhere.invalid/a.js"></script></head></html>`

// A server that answers as ZenML's does: the first page stands in for every file that is missing.
func TestDashboardInPieces(t *testing.T) {
	t.Parallel()
	script := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write([]byte("1"))
	}
	page := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(firstPage))
	}
	for name, c := range map[string]struct {
		index, file func(http.ResponseWriter)
		files       int
		fails       string
		none        bool
	}{
		"whole":             {index: page, file: script, files: 2},
		"a file is missing": {index: page, file: page, fails: "is missing"},
		"a file fails":      {index: page, file: func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }, fails: "status 500"},
		"a file is empty":   {index: page, file: func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/css") }, fails: "is empty"},
		"no dashboard":      {index: func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, none: true},
		"another page":      {index: func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html") }, none: true},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				c.index(w)
				return
			}
			c.file(w)
		}))
		t.Cleanup(s.Close)
		n, err := zenml.New(s.URL).Dashboard(t.Context())
		if errors.Is(err, zenml.ErrNoDashboard) != c.none {
			t.Errorf("%s: %v", name, err)
		}
		if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%s: %v", name, err)
		}
		if c.files > 0 && (err != nil || n != c.files) {
			t.Errorf("%s: %d files, %v", name, n, err)
		}
	}
}
