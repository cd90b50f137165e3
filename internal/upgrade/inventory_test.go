package upgrade

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestInventorySumsRunsPerPipeline(t *testing.T) {
	t.Parallel()
	run := func(pipeline, status, start, end string) pipelineRun {
		return runOf(t, object{
			"name": pipeline + "-run", "body": map[string]any{"status": status, "pipeline": map[string]any{"name": pipeline}},
			"metadata": map[string]any{"start_time": start, "end_time": end}, "resources": map[string]any{"stack": map[string]any{"name": "default"}},
		})
	}
	got := inventory([]pipelineRun{
		run("train", "completed", "2026-11-01T10:00:00", "2026-11-01T10:00:10"),
		run("train", "failed", "2026-11-02T10:00:00.5", "2026-11-02T10:01:00.5"),
		runOf(t, object{"name": "orphan", "body": map[string]any{"status": "completed"}}),
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

// runOf is a run as it is kept of an answer.
func runOf(t *testing.T, answer object) (out pipelineRun) {
	t.Helper()
	b, err := json.Marshal(answer)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestUnfinishedTrustsOnlyKnownFinalStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{
		"completed": false, "failed": false, "cached": false, "stopped": false,
		"running": true, "initializing": true, "provisioning": true, "stopping": true, "a new one": true, "": true,
	} {
		r := runOf(t, object{"body": map[string]any{"status": status}})
		if got := r.unfinished(); got != want {
			t.Errorf("status %q: unfinished = %v, want %v", status, got, want)
		}
	}
}
