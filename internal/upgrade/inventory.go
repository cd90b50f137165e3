package upgrade

import (
	"cmp"
	"slices"
	"time"
)

// object is one REST answer: id and name, and the parts body, metadata and resources. Between
// versions fields move from one part to another, so they are looked up in all of them.
type object = map[string]any

// field returns a value of an object from whichever part holds it.
func field(o object, name string) any {
	for _, part := range []string{"body", "metadata", "resources"} {
		if m, ok := o[part].(map[string]any); ok {
			if v, ok := m[name]; ok && v != nil {
				return v
			}
		}
	}
	return o[name]
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// when reads ZenML's times, which carry no zone and mean UTC.
func when(v any) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05.999999", time.RFC3339Nano} {
		if t, err := time.Parse(layout, text(v)); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// pipelineOf names the pipeline that a run belongs to, "unlisted" for none.
func pipelineOf(run object) string {
	if p, ok := field(run, "pipeline").(map[string]any); ok {
		return text(p["name"])
	}
	return "unlisted"
}

// unfinished says whether a run may be under way: its status is none of the final ones. A status that
// is missing or new counts as under way: what is not known must not be cut off.
func unfinished(run object) bool {
	return !slices.Contains([]string{"completed", "failed", "cached", "stopped", "skipped", "retried", "cancelled"}, text(field(run, "status")))
}

// inventory sums the hydrated runs up per pipeline, sorted by name.
func inventory(runs []object, critical []string) []Pipeline {
	byName := map[string][]object{}
	for _, r := range runs {
		n := pipelineOf(r)
		byName[n] = append(byName[n], r)
	}
	out := make([]Pipeline, 0, len(byName))
	for name, rs := range byName {
		p := summarise(name, rs)
		p.Critical = slices.Contains(critical, name)
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Pipeline) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func summarise(name string, runs []object) Pipeline {
	p := Pipeline{Name: name, Runs: len(runs)}
	var seconds []float64
	for _, r := range runs {
		start, ok := when(field(r, "start_time"))
		if !ok {
			continue
		}
		if p.LastRun == nil || start.After(*p.LastRun) {
			p.LastRun = &start
			p.Stack = named(field(r, "stack"))
			p.Schedule = named(field(r, "schedule"))
		}
		if end, ok := when(field(r, "end_time")); ok {
			seconds = append(seconds, end.Sub(start).Seconds())
		}
	}
	if len(seconds) > 0 {
		slices.Sort(seconds)
		median, longest := seconds[len(seconds)/2], seconds[len(seconds)-1]
		p.MedianSeconds, p.LongestSecs = &median, &longest
	}
	return p
}

func named(v any) *string {
	m, _ := v.(map[string]any)
	if n := text(m["name"]); n != "" {
		return &n
	}
	return nil
}
