package upgrade

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// object is one REST answer: id and name, and the parts body, metadata and resources. Between
// versions fields move from one part to another, so they are looked up in all of them.
type object = map[string]any

// when reads ZenML's times, which carry no zone and mean UTC.
func when(v any) *time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05.999999", time.RFC3339Nano} {
		if t, err := time.Parse(layout, zenml.Text(v)); err == nil {
			t = t.UTC()
			return &t
		}
	}
	return nil
}

// pipelineRun is what is kept of a run: a server may list tens of thousands, whose settings fill pages.
type pipelineRun struct {
	id, name, status     string
	pipeline, pipelineID string     // the name is "unlisted" for none
	start, end           *time.Time // null: not told
	stack, schedule      *string    // names
	stackID              string
	asked                []string // integrations that its settings ask for
}

// UnmarshalJSON reads a run as the API tells it, hydrated or not.
func (p *pipelineRun) UnmarshalJSON(b []byte) error {
	var o object
	if err := json.Unmarshal(b, &o); err != nil {
		return err
	}
	*p = pipelineRun{
		id: zenml.Text(o["id"]), name: zenml.Text(o["name"]), status: zenml.Text(zenml.Field(o, "status")), pipeline: "unlisted",
		start: when(zenml.Field(o, "start_time")), end: when(zenml.Field(o, "end_time")),
		stack: named(zenml.Field(o, "stack")), schedule: named(zenml.Field(o, "schedule")), stackID: idOf(zenml.Field(o, "stack")), asked: asked(o),
	}
	if belongs, ok := zenml.Field(o, "pipeline").(map[string]any); ok {
		p.pipeline, p.pipelineID = zenml.Text(belongs["name"]), idOf(belongs)
	}
	return nil
}

// unfinished says whether a run may be under way: its status is none of the final ones. A status that
// is missing or new counts as under way: what is not known must not be cut off.
func (p *pipelineRun) unfinished() bool {
	return !slices.Contains([]string{"completed", "failed", "cached", "stopped", "skipped", "retried", "cancelled"}, p.status)
}

// around is what the inventory needs to know beside the runs.
type around struct {
	critical  []string            // names of pipelines
	stacks    map[string][]string // integrations by the stack's id; nil when not known
	schedules []object            // hydrated
	window    *Window
}

// inventory sums the hydrated runs up per pipeline, sorted by name.
func inventory(runs []pipelineRun, a around) []Pipeline {
	byName := map[string][]*pipelineRun{}
	for i := range runs {
		n := runs[i].pipeline
		byName[n] = append(byName[n], &runs[i])
	}
	out := make([]Pipeline, 0, len(byName))
	for name, rs := range byName {
		out = append(out, a.summarise(name, rs))
	}
	slices.SortFunc(out, func(a, b Pipeline) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (a around) summarise(name string, runs []*pipelineRun) Pipeline {
	p := Pipeline{Name: name, Runs: len(runs), Critical: slices.Contains(a.critical, name)}
	var seconds []float64
	last := &pipelineRun{}
	for _, r := range runs {
		if r.start == nil {
			continue
		}
		if p.LastRun == nil || r.start.After(*p.LastRun) {
			p.LastRun, last = r.start, r
		}
		if r.end != nil {
			seconds = append(seconds, r.end.Sub(*r.start).Seconds())
		}
	}
	if len(seconds) > 0 {
		slices.Sort(seconds)
		median, longest := seconds[len(seconds)/2], seconds[len(seconds)-1]
		p.MedianSeconds, p.LongestSecs = &median, &longest
	}
	p.Stack, p.Schedule, p.Integrations = last.stack, last.schedule, a.integrations(last)
	p.CrossesWindow = a.crosses(last.pipelineID, p.LongestSecs)
	return p
}

// integrations are those behind the last run's stack and those that its settings ask for. Null when the
// stack is gone: then nobody knows.
func (a around) integrations(last *pipelineRun) []string {
	used, known := a.stacks[last.stackID]
	if !known {
		return nil
	}
	out := append(append([]string{}, used...), last.asked...) // none is not null
	slices.Sort(out)
	return slices.Compact(out)
}

// asked are the integrations that a run's settings ask for.
func asked(run object) (out []string) {
	config, _ := zenml.Field(run, "config").(map[string]any)
	settings, _ := config["settings"].(map[string]any)
	docker, _ := settings["docker"].(map[string]any)
	list, _ := docker["required_integrations"].([]any)
	for _, i := range list {
		if n := zenml.Text(i); n != "" {
			out = append(out, n)
		}
	}
	return out
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
