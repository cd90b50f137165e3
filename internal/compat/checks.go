package compat

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// atOnce is how many of the Python processes run beside each other in one world.
const atOnce = 2

// serverStart is the check that the new server starts on the copy of the database.
const serverStart = "server:start"

// runAll runs the built-in checks and the repository's pipelines in one world; in the new one also
// what belongs to it alone: old artifacts are loaded, the old client visits.
func (t *test) runAll(ctx context.Context, w *world, checks []string, last bool) *attempts {
	var g errgroup.Group
	g.SetLimit(atOnce)
	var mu sync.Mutex
	out := &attempts{}
	add := func(from *attempts) {
		mu.Lock()
		defer mu.Unlock()
		for _, name := range from.names {
			out.set(name, from.by[name])
		}
	}
	if len(checks) > 0 {
		g.Go(func() error { add(w.runSuite(ctx, checks, t.oldResult.passed())); return nil })
	}
	for _, p := range t.pipelines {
		if p.skip != "" {
			add(single(p.check(), skip(p.skip)))
			continue
		}
		g.Go(func() error {
			at, old := w.runPipeline(ctx, p)
			add(single(p.check(), at))
			if last {
				mu.Lock()
				defer mu.Unlock()
				t.res.Deprecated = append(t.res.Deprecated, old...)
			}
			return nil
		})
	}
	if last {
		g.Go(func() error { t.loadNew(ctx); return nil })
		if slices.Contains(t.Suite, "client") {
			g.Go(func() error { t.visitNew(ctx); return nil })
		}
	}
	_ = g.Wait() // the goroutines' failures are attempts, not errors
	if slices.Contains(t.Suite, "dashboard") {
		add(w.runDashboard(ctx)) // last, when there is something to show
	}
	return out
}

func single(name string, at Attempt) *attempts {
	a := &attempts{}
	a.set(name, at)
	return a
}

// builtIn returns the kind of a check of ours, and whether it is one.
func builtIn(name string) (Kind, bool) {
	switch {
	case strings.HasPrefix(name, "pipeline:"):
		return KindPipeline, false
	case strings.HasPrefix(name, "artifact:") && suiteKind(name) != KindArtifact:
		return KindArtifact, false
	case strings.HasPrefix(name, "dashboard:"):
		return KindDashboard, true
	default:
		return suiteKind(name), true
	}
}

// conclude joins both worlds' attempts into checks and decides.
func (t *test) conclude() {
	why := "the new world was not reached"
	if t.newDown != "" {
		why = "the new server does not serve"
	}
	server := Check{Name: serverStart, Kind: KindClient, Required: true, Baseline: Attempt{Status: Passed}, Candidate: Attempt{Status: Passed}}
	if t.newDown != "" {
		server.Candidate = failure(nil, t.newDown)
	}
	t.res.Checks = append(t.res.Checks, server)
	for _, name := range t.oldResult.names {
		kind, _ := builtIn(name)
		c := Check{Name: name, Kind: kind, critical: t.marked(name, "critical"), Baseline: t.oldResult.by[name]}
		now, ok := t.newResult.by[name]
		if !ok {
			now = skip(why)
		}
		c.Candidate = now
		c.Required = name != noIntegration && !t.marked(name, "skip") && concerns(c.Baseline, now)
		t.res.Checks = append(t.res.Checks, c)
	}
	for i := range t.res.Artifacts {
		t.res.Checks = append(t.res.Checks, t.res.Artifacts[i].asCheck())
	}
	for _, w := range []*world{t.old, t.new} {
		if w.disturbed != "" {
			t.res.disturbed = append(t.res.disturbed, w.disturbed)
		}
	}
	if after, err := readTree(t.Repo, leftBehind); err == nil {
		t.res.touched = slices.DeleteFunc(after.changed(t.repository, true), func(path string) bool {
			return t.Logs != "" && strings.HasPrefix(filepath.Join(t.Repo, path), filepath.Dir(t.Logs)+"/")
		})
	}
	for i := range t.res.Checks {
		judge(&t.res.Checks[i])
	}
	for _, c := range t.res.Checks {
		if f := c.Candidate.fault; f != nil && c.Verdict == BrokenByUpgrade {
			f.Rule, f.Check = string(c.Verdict), c.Name
			t.res.Code = append(t.res.Code, *f)
		}
	}
	slices.SortStableFunc(t.res.Checks, func(a, b Check) int { return strings.Compare(order(a), order(b)) })
	slices.SortStableFunc(t.res.Deprecated, func(a, b Deprecated) int { return strings.Compare(a.Check, b.Check) })
	t.res.Reasons = t.res.reasons(slices.Contains(t.Suite, "client"))
	t.res.Decide("compatible")
}

// concerns says whether a check counts for every project: not one that is said to be optional, and
// not one that a throw-away world cannot give. What passed before and is refused now does count.
func concerns(old, now Attempt) bool {
	switch {
	case old.Status == Skipped && old.optional:
		return now.Status == Failed
	case now.Status == Skipped && now.optional:
		return old.Status != Skipped
	}
	return !old.optional && !now.optional
}

// order puts the server first and keeps results equal from run to run.
func order(c Check) string {
	if c.Name == serverStart {
		return ""
	}
	return string(c.Kind) + " " + c.Name
}

// marked says whether a check is of a pipeline that the configuration marks so.
func (t *test) marked(check, marker string) bool {
	for _, p := range t.pipelines {
		if p.check() == check && p.Marker == marker {
			return true
		}
	}
	return false
}
