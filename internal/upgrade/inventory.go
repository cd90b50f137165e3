package upgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// object is one REST answer: id and name, and the parts body, metadata and resources. Between
// versions fields move from one part to another, so they are looked up in all of them.
type object = map[string]any

// unfinished says whether a run with this status may be under way: it is none of the final ones. A status
// that is missing or new counts as under way: what is not known must not be cut off.
func unfinished(status string) bool {
	return !slices.Contains([]string{"completed", "failed", "cached", "stopped", "skipped", "retried", "cancelled"}, status)
}

// around is what the inventory needs to know beside the runs.
type around struct {
	critical  []string            // names of pipelines
	stacks    map[string][]string // integrations by the stack's id; nil when not known
	schedules []object            // hydrated
	window    *Window
}

// takeHistory sums the runs up per pipeline: how many and how long from the database's rows, the rest
// from the answer about each pipeline's last run.
func (r *run) takeHistory(ctx context.Context, c *zenml.Client, db runner) error {
	history, err := readHistory(ctx, db)
	if err != nil {
		return err
	}
	a := r.lookAround(ctx, c)
	r.report.Inventory = make([]Pipeline, 0, len(history))
	for _, name := range slices.Sorted(maps.Keys(history)) {
		last, err := lastRun(ctx, c, history[name].last)
		if err != nil {
			return fmt.Errorf("reading the last run of the pipeline %q: %w", name, err)
		}
		r.report.Inventory = append(r.report.Inventory, a.summarise(name, history[name], last))
	}
	return nil
}

// runner gives the rows of the runs.
type runner interface {
	Runs(ctx context.Context, take func(database.Run)) error
}

// history is what is kept of one pipeline's runs.
type history struct {
	runs    int
	last    database.Run // the one that started last; zero when none did
	seconds []float64    // of those that ended
}

func readHistory(ctx context.Context, db runner) (map[string]*history, error) {
	byName := map[string]*history{}
	err := db.Runs(ctx, func(run database.Run) {
		name := cmp.Or(run.Pipeline, "unlisted")
		h := byName[name]
		if h == nil {
			h = &history{}
			byName[name] = h
		}
		h.runs++
		if run.Start.IsZero() {
			return
		}
		if run.Start.After(h.last.Start) {
			h.last = run
		}
		if !run.End.IsZero() {
			h.seconds = append(h.seconds, run.End.Sub(run.Start).Seconds())
		}
	})
	return byName, err
}

// lastRun asks for a run with its details. One that was deleted meanwhile has none.
func lastRun(ctx context.Context, c *zenml.Client, run database.Run) (object, error) {
	if run.ID == "" {
		return nil, nil
	}
	var o object
	err := c.Get(ctx, "/runs/"+url.PathEscape(run.ID), url.Values{"hydrate": {"true"}}, &o)
	var status *zenml.StatusError
	if errors.As(err, &status) && status.Code == http.StatusNotFound {
		return nil, nil
	}
	return o, err
}

func (a around) summarise(name string, h *history, last object) Pipeline {
	p := Pipeline{Name: name, Runs: h.runs, Critical: slices.Contains(a.critical, name)}
	if !h.last.Start.IsZero() {
		p.LastRun = &h.last.Start
	}
	if seconds := h.seconds; len(seconds) > 0 {
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
