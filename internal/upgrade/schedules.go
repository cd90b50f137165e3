package upgrade

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/zenml-upgrade/zenml-upgrade/internal/parity"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// Window is the time in which a cut-over may take place.
type Window struct {
	Start  time.Time
	Length time.Duration
}

// End is the first moment after it.
func (w Window) End() time.Time { return w.Start.Add(w.Length) }

// crosses says whether a run that a schedule of the pipeline starts may be under way in the window:
// one that fires in it, or so shortly before that the pipeline's longest run reaches into it. Null
// when there is no window or that cannot be told. A run that a person starts is nobody's plan.
func (a around) crosses(pipeline string, longest *float64) *bool {
	if a.window == nil || pipeline == "" {
		return nil
	}
	from := a.window.Start
	if longest != nil {
		from = from.Add(-time.Duration(*longest * float64(time.Second)))
	}
	crosses, unknown := false, false
	for _, s := range a.schedules {
		on, _ := zenml.Field(s, "active").(bool)
		if !on || zenml.Text(zenml.Field(s, "pipeline_id")) != pipeline {
			continue
		}
		fires, known := firesIn(s, from, a.window.End())
		crosses, unknown = crosses || fires, unknown || !known || longest == nil
	}
	if unknown && !crosses {
		return nil
	}
	return &crosses
}

// mostIntervals bounds the reckoning with a start that lies far back.
const mostIntervals = 365 * 24 * 3600

// firesIn says whether a schedule fires at or after from and before to, as ZenML and its orchestrators
// take it: cron expressions in UTC. Its second answer is false for a schedule of another form.
func firesIn(s object, from, to time.Time) (fires, known bool) {
	if end, ok := when(zenml.Field(s, "end_time")); ok && !end.After(from) {
		return false, true
	}
	if once, ok := when(zenml.Field(s, "run_once_start_time")); ok {
		return !once.Before(from) && once.Before(to), true
	}
	if expression := zenml.Text(zenml.Field(s, "cron_expression")); expression != "" {
		plan, err := cron.ParseStandard(expression)
		if err != nil {
			return false, false
		}
		next := plan.Next(from.UTC().Add(-time.Second))
		return !next.IsZero() && next.Before(to), true
	}
	every, known := seconds(zenml.Field(s, "interval_second"))
	start, begun := when(zenml.Field(s, "start_time"))
	if !known || !begun || every <= 0 {
		return false, false
	}
	if start.Before(from) {
		n := int64(from.Sub(start) / every)
		if n > mostIntervals {
			return true, true
		}
		for start = start.Add(time.Duration(n) * every); start.Before(from); {
			start = start.Add(every)
		}
	}
	return start.Before(to), true
}

// when reads ZenML's times, which carry no zone and mean UTC.
func when(v any) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05.999999", time.RFC3339Nano} {
		if t, err := time.Parse(layout, zenml.Text(v)); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// seconds reads a duration as the API tells it: a number, or ISO 8601 such as PT1H30M.
func seconds(v any) (time.Duration, bool) {
	if n, ok := v.(float64); ok {
		return time.Duration(n * float64(time.Second)), true
	}
	days, clock, _ := strings.Cut(strings.TrimPrefix(zenml.Text(v), "P"), "T")
	var d time.Duration
	var err error
	if n, ok := strings.CutSuffix(days, "D"); ok {
		if d, err = time.ParseDuration(n + "h"); err != nil {
			return 0, false
		}
		d *= 24
	}
	if clock != "" {
		var c time.Duration
		if c, err = time.ParseDuration(strings.ToLower(clock)); err != nil {
			return 0, false
		}
		d += c
	}
	return d, strings.HasPrefix(zenml.Text(v), "P") && d > 0
}

// lookAround reads what the inventory needs beside the runs. What the key may not read is not known.
func (r *run) lookAround(ctx context.Context, c *zenml.Client) around {
	a := around{critical: r.Critical, window: r.Window}
	behind, err := parity.Integrations(ctx, c)
	if err == nil {
		var stacks []object
		if stacks, err = c.List(ctx, "/stacks", url.Values{"hydrate": {"true"}}); err == nil {
			a.stacks = map[string][]string{}
			for _, s := range stacks {
				a.stacks[zenml.Text(s["id"])] = integrationsOf(parity.Kinds(s), behind)
			}
		}
	}
	if a.schedules, err = c.ListEverywhere(ctx, "/schedules", url.Values{"hydrate": {"true"}}); err != nil {
		a.window = nil // whether a run crosses it is not known then
	}
	return a
}

func integrationsOf(kinds []string, behind map[string]string) []string {
	out := []string{}
	for _, k := range kinds {
		if i := behind[k]; i != "" {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// holdSchedules switches active schedules off by the API and returns the ids of those that are off
// then, and the names of the others: older servers take no such change (0.85 does not, 0.98 does). Each id is journalled
// before its schedule is touched, by begun.
func holdSchedules(ctx context.Context, c *zenml.Client, begun func(id string) error) (others []string, err error) {
	list, err := c.ListEverywhere(ctx, "/schedules", url.Values{"hydrate": {"true"}})
	if err != nil {
		return nil, fmt.Errorf("listing schedules: %w", err)
	}
	for _, s := range list {
		if on, _ := zenml.Field(s, "active").(bool); !on {
			continue
		}
		id := zenml.Text(s["id"])
		if err := begun(id); err != nil {
			return nil, err
		}
		if on, err := c.SwitchSchedule(ctx, id, false); err != nil || on {
			others = append(others, zenml.Text(s["name"]))
		}
	}
	return others, nil
}
