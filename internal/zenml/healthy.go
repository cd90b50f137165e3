package zenml

import (
	"context"
	"net/url"
)

// Healthy makes the reads that fail when code and database do not match, which /health, /ready
// and /info do not notice (facts, behaviour section 3), and returns what failed. It needs a login.
func (c *Client) Healthy(ctx context.Context) []string {
	// The newest: what the version that runs wrote itself is read too.
	some := url.Values{"hydrate": {"true"}, "size": {"50"}, "sort_by": {"desc:created"}}
	reads := []struct {
		path  string
		query url.Values
	}{
		{"/current-user", nil},
		{"/stacks", url.Values{"hydrate": {"true"}}},
		{"/components", url.Values{"hydrate": {"true"}}},
		{"/runs", some},
		{"/steps", some},
		{"/pipelines", some},
		{"/artifact_versions", some},
		{"/flavors", url.Values{"size": {"500"}}},
	}
	failed := []string{}
	for _, r := range reads {
		var any any
		if err := c.Get(ctx, r.path, r.query, &any); err != nil {
			failed = append(failed, err.Error())
		}
	}
	return failed
}
