package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// description is GitHub's own description of its REST API (npm @octokit/openapi, fetched by
// tools/github-description.sh).
type description struct {
	router   routers.Router
	schemas  openapi3.Schemas
	examples openapi3.Examples
}

// load reads the description once a test process: it takes seconds.
var load = sync.OnceValues(func() (*description, error) {
	file := descriptionFile()
	if _, err := os.Stat(file); err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return nil, err
	}
	// A path or ref holds slashes, which the router takes only when told so.
	paths := openapi3.NewPaths()
	for _, key := range doc.Paths.InMatchingOrder() {
		named := key
		for _, last := range []string{"path", "ref"} {
			if head, ok := strings.CutSuffix(key, "/{"+last+"}"); ok {
				named = head + "/{" + last + ":.+}"
			}
		}
		paths.Set(named, doc.Paths.Value(key))
	}
	doc.Paths, doc.Servers = paths, nil
	// doc.Validate() refuses GitHub's description for its examples; it is not called.
	router, err := gorillamux.NewRouter(doc)
	return &description{router, doc.Components.Schemas, doc.Components.Examples}, err
})

// descriptionFile is where tools/github-description.sh puts the description.
func descriptionFile() string {
	cache := os.Getenv("ZENML_UPGRADE_CACHE")
	if cache == "" {
		_, self, _, _ := runtime.Caller(0)
		cache = filepath.Join(filepath.Dir(self), "..", "..", "..", ".cache")
	}
	return filepath.Join(cache, "github", "api.github.com.json")
}

func loadDescription(tb testing.TB) *description {
	tb.Helper()
	d, err := load()
	if os.IsNotExist(err) {
		tb.Skip("skipped: GitHub's API description is missing (sh tools/github-description.sh fetches it)")
	}
	if err != nil {
		tb.Fatalf("reading GitHub's API description: %v", err)
	}
	return d
}

// request checks a request. Its body stays readable.
func (d *description) request(r *http.Request) (*openapi3filter.RequestValidationInput, error) {
	route, params, err := d.router.FindRoute(r)
	if err != nil {
		return nil, err
	}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true,
		SkipSettingDefaults: true, // GitHub would filter by "none" where nothing was asked for
	}}
	return in, openapi3filter.ValidateRequest(r.Context(), in)
}

// example returns a copy of one of the description's own examples; of a list, its first item.
func (d *description) example(tb testing.TB, name string) map[string]any {
	tb.Helper()
	ref := d.examples[name]
	if ref == nil {
		tb.Errorf("fake GitHub: the description has no example %q", name)
		return map[string]any{}
	}
	value := ref.Value.Value
	if list, ok := value.([]any); ok && len(list) > 0 {
		value = list[0]
	}
	text, err := json.Marshal(value)
	out := map[string]any{}
	if err = errors.Join(err, json.Unmarshal(text, &out)); err != nil {
		tb.Errorf("fake GitHub: copying the example %q: %v", name, err)
	}
	return out
}

// anywhere are the statuses that GitHub gives to any request and describes with few of them.
var anywhere = []int{http.StatusMovedPermanently, http.StatusNotModified, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests}

// response checks an answer.
func (d *description) response(ctx context.Context, in *openapi3filter.RequestValidationInput, status int, header http.Header, body []byte) error {
	if in.Route.Operation.Responses.Status(status) == nil && slices.Contains(anywhere, status) {
		return nil
	}
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Options: in.Options,
	})
}
