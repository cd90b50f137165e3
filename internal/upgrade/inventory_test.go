package upgrade

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
)

// rows are a database's runs.
type rows []database.Run

func (r rows) Runs(_ context.Context, take func(database.Run)) error {
	for _, run := range r {
		take(run)
	}
	return nil
}

func TestInventorySumsRunsPerPipeline(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 2, 10, 0, 0, 5e8, time.UTC)
	run := func(id, pipeline string, start, end time.Time) database.Run {
		return database.Run{ID: id, Pipeline: pipeline, Start: start, End: end}
	}
	byName, err := readHistory(t.Context(), rows{
		run("1", "train", at, at.Add(time.Minute)),
		run("2", "train", at.Add(-time.Hour), at.Add(-time.Hour).Add(10*time.Second)),
		run("3", "train", at.Add(-2*time.Hour), time.Time{}), // has not ended
		run("4", "train", time.Time{}, time.Time{}),
		run("5", "", time.Time{}, time.Time{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	a := around{critical: []string{"train"}}
	last := object{"resources": map[string]any{"stack": map[string]any{"name": "default"}}}
	if got := byName["train"].last.ID; got != "1" {
		t.Errorf("the last run is %q", got)
	}
	stack, sixty := "default", 60.0
	for want, got := range map[*Pipeline]Pipeline{
		{Name: "train", Runs: 4, LastRun: &at, MedianSeconds: &sixty, LongestSecs: &sixty, Stack: &stack, Critical: true}: a.summarise("train", byName["train"], last),
		{Name: "unlisted", Runs: 1}: a.summarise("unlisted", byName["unlisted"], nil),
	} {
		if diff := cmp.Diff(*want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestUnfinishedTrustsOnlyKnownFinalStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{
		"completed": false, "failed": false, "cached": false, "stopped": false,
		"running": true, "initializing": true, "provisioning": true, "stopping": true, "a new one": true, "": true,
	} {
		if got := unfinished(status); got != want {
			t.Errorf("status %q: unfinished = %v, want %v", status, got, want)
		}
	}
}
