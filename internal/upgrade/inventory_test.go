package upgrade

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestInventorySumsRunsPerPipeline(t *testing.T) {
	t.Parallel()
	run := func(pipeline, status, start, end string) object {
		return object{
			"name": pipeline + "-run", "body": map[string]any{"status": status, "pipeline": map[string]any{"name": pipeline}},
			"metadata": map[string]any{"start_time": start, "end_time": end}, "resources": map[string]any{"stack": map[string]any{"name": "default"}},
		}
	}
	got := inventory([]object{
		run("train", "completed", "2026-11-01T10:00:00", "2026-11-01T10:00:10"),
		run("train", "failed", "2026-11-02T10:00:00.5", "2026-11-02T10:01:00.5"),
		{"name": "orphan", "body": map[string]any{"status": "completed"}},
	}, around{critical: []string{"train"}})
	last := time.Date(2026, 11, 2, 10, 0, 0, 5e8, time.UTC)
	stack, sixty := "default", 60.0
	want := []Pipeline{
		{Name: "train", Runs: 2, LastRun: &last, MedianSeconds: &sixty, LongestSecs: &sixty, Stack: &stack, Critical: true},
		{Name: "unlisted", Runs: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUnfinishedTrustsOnlyKnownFinalStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{
		"completed": false, "failed": false, "cached": false, "stopped": false,
		"running": true, "initializing": true, "provisioning": true, "stopping": true, "a new one": true, "": true,
	} {
		if got := unfinished(object{"body": map[string]any{"status": status}}); got != want {
			t.Errorf("status %q: unfinished = %v, want %v", status, got, want)
		}
	}
}
