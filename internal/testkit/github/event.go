package github

import (
	"encoding/json"
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
