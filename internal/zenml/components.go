package zenml

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// maxComponents bounds the answer of the components probe: some hundred bytes for each component.
const maxComponents = 64 << 20

// Made is what making one stack component gave, as a pipeline's start makes it.
type Made struct {
	Name   string `json:"name"`
	Type   string `json:"type"`   // orchestrator, artifact_store, experiment_tracker, model_registry, ...
	Status string `json:"status"` // loaded, failed, absent (a library is not installed here) or skipped
	Cause  string `json:"cause"`  // one line; "" when loaded
}

// Components makes every stack component of a server with the client and returns what came of each,
// by id. Flavors of the team's own are imported only when custom says so: that runs the team's code.
func Components(ctx context.Context, t Target, custom bool) (map[string]Made, error) {
	w, err := newWorkdir(t)
	if err != nil {
		return nil, err
	}
	defer w.remove()
	answer, own := filepath.Join(w.dir, "answer.json"), ""
	if custom {
		own = "custom"
	}
	if err := w.run(ctx, t, "zu_components.py", own, answer); err != nil {
		return nil, fmt.Errorf("making the stack components: %w", err)
	}
	f, err := os.Open(answer)
	if err != nil {
		return nil, fmt.Errorf("reading what the stack components gave: %w", err)
	}
	defer f.Close()
	out := map[string]Made{}
	if err := json.NewDecoder(io.LimitReader(f, maxComponents)).Decode(&out); err != nil {
		return nil, fmt.Errorf("reading what the stack components gave: %w", err)
	}
	return out, nil
}

// CompareMade tells which components the new version no longer makes, and of which nobody knows: what
// the old version did not make here either says nothing about the upgrade. Both are sentences, sorted.
func CompareMade(before, after map[string]Made) (broken, unknown []string) {
	for _, id := range slices.Sorted(maps.Keys(before)) {
		was, now := before[id], after[id]
		name := fmt.Sprintf("%s %s", was.Type, was.Name)
		switch {
		case was.Status == loadedStatus && now.Status == loadedStatus:
		case was.Status == loadedStatus && now.Status == "failed":
			broken = append(broken, name+": "+now.Cause)
		case was.Status != loadedStatus:
			unknown = append(unknown, fmt.Sprintf("%s: %s under the old version: %s", name, was.Status, was.Cause))
		default:
			unknown = append(unknown, fmt.Sprintf("%s: %s under the new version: %s", name, cmp.Or(now.Status, "not listed"), now.Cause))
		}
	}
	slices.Sort(broken)
	slices.Sort(unknown)
	return broken, unknown
}

const loadedStatus = "loaded"
