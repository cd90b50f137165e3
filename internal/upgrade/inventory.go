package upgrade

import (
	"cmp"
	"slices"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// object is one REST answer: id and name, and the parts body, metadata and resources. Between
// versions fields move from one part to another, so they are looked up in all of them.
type object = map[string]any

// when reads ZenML's times, which carry no zone and mean UTC.
func when(v any) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05.999999", time.RFC3339Nano} {
		if t, err := time.Parse(layout, zenml.Text(v)); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// pipelineOf names the pipeline that a run belongs to, "unlisted" for none.
func pipelineOf(run object) string {
	if p, ok := zenml.Field(run, "pipeline").(map[string]any); ok {
		return zenml.Text(p["name"])
	}
	return "unlisted"
}

// unfinished says whether a run may be under way: its status is none of the final ones. A status that
// is missing or new counts as under way: what is not known must not be cut off.
func unfinished(run object) bool {
	return !slices.Contains([]string{"completed", "failed", "cached", "stopped", "skipped", "retried", "cancelled"}, zenml.Text(zenml.Field(run, "status")))
}

// around is what the inventory needs to know beside the runs.
type around struct {
	critical  []string            // names of pipelines
	stacks    map[string][]string // integrations by the stack's id; nil when not known
	schedules []object            // hydrated
	window    *Window
}

// inventory sums the hydrated runs up per pipeline, sorted by name.
func inventory(runs []object, a around) []Pipeline {
	byName := map[string][]object{}
	for _, r := range runs {
		n := pipelineOf(r)
		byName[n] = append(byName[n], r)
	}
	out := make([]Pipeline, 0, len(byName))
	for name, rs := range byName {
		out = append(out, a.summarise(name, rs))
	}
	slices.SortFunc(out, func(a, b Pipeline) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (a around) summarise(name string, runs []object) Pipeline {
	p := Pipeline{Name: name, Runs: len(runs), Critical: slices.Contains(a.critical, name)}
	var seconds []float64
	var last object
	for _, r := range runs {
		start, ok := when(zenml.Field(r, "start_time"))
		if !ok {
			continue
		}
		if p.LastRun == nil || start.After(*p.LastRun) {
			p.LastRun, last = &start, r
		}
		if end, ok := when(zenml.Field(r, "end_time")); ok {
			seconds = append(seconds, end.Sub(start).Seconds())
		}
	}
	if len(seconds) > 0 {
		slices.Sort(seconds)
		median, longest := seconds[len(seconds)/2], seconds[len(seconds)-1]
		p.MedianSeconds, p.LongestSecs = &median, &longest
	}
	p.Stack, p.Schedule, p.Integrations = named(zenml.Field(last, "stack")), named(zenml.Field(last, "schedule")), a.integrations(last)
	p.CrossesWindow = a.crosses(idOf(zenml.Field(last, "pipeline")), p.LongestSecs)
	return p
}

// integrations are those behind the last run's stack and those that its settings ask for. Null when the
// stack is gone: then nobody knows.
func (a around) integrations(run object) []string {
	used, known := a.stacks[idOf(zenml.Field(run, "stack"))]
	if !known {
		return nil
	}
	out := slices.Clone(used)
	config, _ := zenml.Field(run, "config").(map[string]any)
	settings, _ := config["settings"].(map[string]any)
	docker, _ := settings["docker"].(map[string]any)
	asked, _ := docker["required_integrations"].([]any)
	for _, i := range asked {
		if n := zenml.Text(i); n != "" {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func idOf(v any) string {
	m, _ := v.(map[string]any)
	return zenml.Text(m["id"])
}

func named(v any) *string {
	m, _ := v.(map[string]any)
	if n := zenml.Text(m["name"]); n != "" {
		return &n
	}
	return nil
}
