package github

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
)

// CheckEvent holds an event's payload against GitHub's description of it, such as
// webhook-pull-request-opened. The test is skipped when the description is not at hand.
func CheckEvent(tb testing.TB, schema string, payload []byte) {
	tb.Helper()
	d := loadDescription(tb)
	var value any
	if err := json.Unmarshal(payload, &value); err != nil {
		tb.Fatalf("the payload is no JSON: %v", err)
	}
	ref := d.schemas[schema]
	if ref == nil {
		tb.Fatalf("GitHub describes no %q", schema)
	}
	if err := ref.Value.VisitJSON(value); err != nil {
		tb.Errorf("the payload is no %s: %v", schema, err)
	}
}

// CheckRequest holds a request that is never sent, such as a file that people send by hand, against
// GitHub's description. The test is skipped when the description is not at hand.
func CheckRequest(tb testing.TB, method, path string, body []byte) {
	tb.Helper()
	d := loadDescription(tb)
	r, err := http.NewRequestWithContext(tb.Context(), method, path, bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if _, err := d.request(r); err != nil {
		tb.Errorf("%s %s is no request that GitHub describes: %v", method, path, err)
	}
}
