package compat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/guard"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

const (
	meetTimeout  = 10 * time.Minute // of one client on one server
	sweepTimeout = 2 * time.Minute
	onYours      = " on your server"
)

// The calls of zu_team.py that are checks.
const (
	ownRun   = "run a pipeline"
	ownLists = "lists"

	teamPipeline = "team:pipeline"
	teamLists    = "team:lists"
)

// readCalls are the calls of zu_probe.py that change nothing. The last one runs code of the artifact's.
var readCalls = []string{
	"connect", "active_stack", "list_stacks(hydrate=True)", "list_stack_components(hydrate=True)", "list_pipeline_runs(hydrate=True)",
	"list_run_steps(hydrate=True)", "list_artifact_versions(hydrate=True)", "list_flavors()", "list_flavors(size=500)", "artifact_version.load()",
}

// visitServers runs on the team's servers what may run there.
func (t *test) visitServers(ctx context.Context) {
	if t.theirOld == nil {
		return
	}
	var old, now, early, late meeting
	var g errgroup.Group
	g.Go(func() error {
		old = t.onServer(ctx, t.old, t.theirOld)
		if slices.Contains(t.Suite, "client") {
			early = t.meet(ctx, t.new, t.theirOld)
		}
		return nil
	})
	if t.theirNew != nil {
		g.Go(func() error {
			now = t.onServer(ctx, t.new, t.theirNew)
			if slices.Contains(t.Suite, "client") {
				late = t.meet(ctx, t.old, t.theirNew)
			}
			return nil
		})
	}
	_ = g.Wait() // failures are attempts
	for _, name := range old.checks.names {
		c := Check{Name: name, Kind: KindClient, Required: t.theirNew != nil, Baseline: old.checks.by[name], Candidate: skip("new-server-url is not given")}
		if strings.HasPrefix(name, teamPipeline) {
			c.Kind = KindPipeline
		}
		if at, ok := now.checks.by[name]; ok {
			c.Candidate = at
		}
		t.res.Checks = append(t.res.Checks, c)
	}
	if slices.Contains(t.Suite, "client") {
		t.res.Servers.Skew = append(judged(late.calls, old.calls), judged(early.calls, now.calls)...)
	}
	if t.Artifacts != (Selection{}) {
		if err := t.loadTheirs(ctx); err != nil {
			t.res.Servers.gaps = append(t.res.Servers.gaps, "artifacts: "+clean(err.Error()))
		}
	}
}

// onServer runs the checks of one side: w's client on a server of its own version.
func (t *test) onServer(ctx context.Context, w *world, s *ownServer) meeting {
	m := t.meet(ctx, w, s)
	if len(failedCalls(m.calls)) > 0 && ctx.Err() == nil {
		again := t.meet(ctx, w, s)
		for _, name := range m.checks.names {
			if m.checks.by[name].Status == Failed {
				m.checks.set(name, repeated(m.checks.by[name], again.checks.by[name]))
			}
		}
	}
	m.checks.set("team:server", Attempt{Status: Passed})
	if bad := s.api.Healthy(ctx); len(bad) > 0 {
		m.checks.set("team:server", failure(nil, strings.Join(bad, "; ")))
	}
	if t.Servers.AllowWrites {
		t.writeOn(ctx, w, s, &m.checks)
	}
	return m
}

// writeOn runs on a server what the team allowed: the check client:writes and the repository's pipelines.
func (t *test) writeOn(ctx context.Context, w *world, s *ownServer, out *attempts) {
	err := t.guarded(ctx, w, s, guard.Config{Open: true}, t.Servers.ArtifactRoot, func(at *world) {
		out.set("team:writes", at.runSuite(ctx, []string{"client:writes"}, nil).by["client:writes"])
		for _, p := range t.pipelines {
			end := skip(p.skip)
			if p.skip == "" {
				end, _ = at.runPipeline(ctx, p)
			}
			out.set("team:"+p.check(), end)
		}
	})
	if err != nil {
		out.set("team:writes", failure(nil, err.Error()))
	}
}

// guarded gives do a world of w's client at a server of the team's. stores is where its artifacts lie, "" for
// an empty folder.
func (t *test) guarded(ctx context.Context, w *world, s *ownServer, c guard.Config, stores string, do func(*world)) error {
	c.URL, c.Key = s.URL, s.Key
	at, err := w.at(ctx, s.name, c, filepath.Join(filepath.Dir(w.dir), fmt.Sprintf("theirs-%d", t.visits.Add(1))), stores)
	if err != nil {
		return err
	}
	defer func() {
		at.guard.Close()
		t.mu.Lock()
		defer t.mu.Unlock()
		s.fact.Refused = append([]string{}, slices.Compact(slices.Sorted(slices.Values(append(s.fact.Refused, at.guard.Refused()...))))...) // [] in JSON
		if at.disturbed != "" {
			t.res.disturbed = append(t.res.disturbed, at.disturbed)
		}
	}()
	if err := at.enter(ctx); err != nil {
		return err
	}
	do(at)
	return nil
}

// meeting is what a client could do on a server.
type meeting struct {
	checks attempts // teamPipeline and teamLists
	calls  []Skew
}

// meet tries w's client on a server, which it does not change but for the own pipeline; what that made
// is deleted, also when the test is being ended.
func (t *test) meet(ctx context.Context, w *world, s *ownServer) meeting {
	mark := newMark(time.Now())
	m := meeting{}
	calls := []string{ownLists, ownRun} // last, for it changes the client's active stack
	if slices.Contains(t.Suite, "client") {
		calls = slices.Concat(readCalls, calls)
	}
	for _, name := range []string{teamPipeline, teamLists} {
		m.checks.set(name, failure(nil, "it was not reached"))
	}
	err := t.guarded(ctx, w, s, guard.Config{Mark: mark}, t.Servers.ArtifactRoot, func(at *world) {
		for len(calls) > 0 && ctx.Err() == nil {
			answered := 0
			err := at.ask(ctx, meetTimeout, func(line []byte) {
				if m.note(at, s, line) {
					answered++
				}
			}, "zu_team.py", append([]string{mark}, calls...)...)
			if answered < len(calls) { // the call that ended the process; the others are tried without it
				m.add(at, s, calls[answered], failure(nil, fmt.Sprintf("the client's process ended: %v", err)))
				answered++
			}
			calls = calls[answered:]
		}
	})
	if err != nil {
		t.gap(clean(err.Error()))
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepTimeout)
	defer cancel()
	left, err := sweep(late, s.api, s.fact.Version, func(name string) bool { return strings.HasPrefix(name, mark) })
	if err != nil {
		left = []string{mark + ": " + clean(err.Error())}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s.fact.Left = append(s.fact.Left, left...)
	return m
}

// note takes in one line of zu_team.py's and says whether it answers a call.
func (m *meeting) note(at *world, s *ownServer, line []byte) bool {
	var row struct {
		Call    string  `json:"call"`
		Status  Status  `json:"status"`
		Detail  *string `json:"detail"`
		Seconds float64 `json:"seconds"`
	}
	if json.Unmarshal(line, &row) != nil || row.Call == "" || row.Status != Passed && row.Status != Failed {
		return false
	}
	end := Attempt{Status: Passed, Seconds: &row.Seconds}
	if row.Status == Failed {
		end = at.failed(&row.Seconds, value(row.Detail))
	}
	m.add(at, s, row.Call, end)
	return true
}

// add files how a call ended: as a check, as a row of the skew, or both.
func (m *meeting) add(at *world, s *ownServer, call string, end Attempt) {
	switch call {
	case ownLists: // the calls tell it one by one
		m.checks.set(teamLists, end)
		return
	case ownRun:
		m.checks.set(teamPipeline, end)
	}
	m.calls = append(m.calls, Skew{Client: at.version, Server: s.fact.Version, Call: call, Status: end.Status, Detail: end.Detail})
}

func (t *test) gap(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.res.Servers.gaps = append(t.res.Servers.gaps, why)
}

// loadTheirs loads artifact versions of the team's old server with both clients: the old one there, the new
// one on the new server, or on the old one where there is no new one.
func (t *test) loadTheirs(ctx context.Context) error {
	all, err := t.theirOld.api.ArtifactVersions(ctx)
	if err != nil {
		return err
	}
	chosen, unseen := t.Artifacts.choose(all)
	t.res.held += len(all)
	t.res.unseen = append(t.res.unseen, unseen...)
	if len(chosen) == 0 {
		return nil
	}
	root := t.Servers.ArtifactRoot
	before, err := theirTree(root)
	if err != nil {
		return err
	}
	server, held := t.theirOld, chosen
	if t.theirNew != nil {
		server = t.theirNew
		if held, err = server.api.ArtifactVersions(ctx); err != nil {
			return err
		}
	}
	load := func(w *world, s *ownServer, which []string, expect map[string]loaded) (out map[string]loaded, err error) {
		errGuard := t.guarded(ctx, w, s, guard.Config{}, root, func(at *world) { out, err = at.loadArtifacts(ctx, which, expect, t.limits) })
		return out, errors.Join(errGuard, err)
	}
	old, errOld := load(t.old, t.theirOld, ids(chosen), nil)
	there := slices.DeleteFunc(ids(chosen), func(id string) bool {
		return !slices.ContainsFunc(held, func(v zenml.ArtifactVersion) bool { return v.ID == id })
	})
	now, errNew := load(t.new, server, there, old)
	found := compareArtifacts(t.From, chosen, old, now, "it was not loaded: "+server.name+" does not hold it or gave no answer")
	for i := range found {
		found[i].Server = "yours"
		found[i].outOfReach(root == "", t.theirNew == nil)
	}
	t.res.Artifacts = append(t.res.Artifacts, found...)
	after, errAfter := theirTree(root)
	t.res.Servers.written = after.changed(before, false) // what is added may be other people's
	return errors.Join(errOld, errNew, errAfter)
}

func theirTree(root string) (treeState, error) {
	if root == "" {
		return treeState{}, nil
	}
	return readTree(root, nil)
}

// outOfReach turns failures that say nothing of the artifact into skips: a local store of another machine,
// and a new client that the old server does not understand.
func (a *Artifact) outOfReach(noRoot, noNewServer bool) {
	why := ""
	switch {
	case noRoot && a.Class != nil && (*a.Class == outOfBounds || *a.Class == dataMissing):
		why = "its store is a folder that is not on this machine; give artifact-root where it is"
		a.LoadOld = Skipped
	case noNewServer && a.LoadOld == Passed && a.Class != nil && *a.Class == notReadable:
		why = "the new client cannot read it from the old server, and new-server-url is not given"
	default:
		return
	}
	a.LoadNew, a.Class, a.Cause = Skipped, nil, &why
}
