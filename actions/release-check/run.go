// Package releasecheck is the action release-check: what changed between two versions of ZenML,
// and whom it hits.
package releasecheck

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
	"github.com/zenml-upgrade/zenml-upgrade/internal/impact"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

const name = "release-check"

type check struct {
	inputs     Inputs
	set        *settings   // what Check made of them
	publishing *publishing // of a run that only publishes
}

// New returns the action.
func New() action.Action { return &check{} }

func (c *check) Name() string { return name }

func (c *check) Help() string {
	return "Says what changed between two versions of ZenML and whom it hits: code, pins, Python versions.\n\n" +
		"Examples:\n" +
		"  zenml-upgrade release-check --to 0.98.0\n" +
		"  zenml-upgrade release-check --from 0.85.0 --to 0.98.0 --releases releases.json --format json\n" +
		"  zenml-upgrade release-check publish artifact:release-check   (in a workflow that workflow_run starts)\n"
}

func (c *check) Inputs() any { return &c.inputs }

// gathered is all that the domain found out, failures beside it.
type gathered struct {
	bodies          []release.Body
	requests        int
	pair            *impact.Pair
	code            *impact.Code
	pins            *impact.Pins
	noNotes, noCode error
	noPair          error
	migrations      []migration.Migration // null when noMigrations says why
	noMigrations    error
	path            *hops.Path
}

// Check decodes the inputs and tells every fault in them.
func (c *check) Check(ctx context.Context, rt *action.Runtime) (err error) {
	if c.inputs.Publish != "" {
		c.publishing, err = c.inputs.decodePublish(rt)
		return err
	}
	c.set, err = c.inputs.decode(ctx, rt)
	return err
}

// Run gathers the facts side by side and judges them, on inputs that Check found good.
func (c *check) Run(ctx context.Context, rt *action.Runtime) (action.Result, error) {
	if c.publishing != nil {
		return c.publish(ctx, rt)
	}
	begin, s := rt.Now(), c.set
	defer s.tree.Close()
	g := &gathered{}
	var group errgroup.Group
	group.Go(func() error { return g.notes(ctx, rt, s, c.inputs.GithubToken) })
	group.Go(func() error { return g.checkCode(ctx, rt, s) })
	group.Go(func() error { g.checkPins(ctx, rt, s); return nil })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	g.planPath(ctx, s)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("checking the release: %w", err) // an interrupted run knows nothing
	}
	r := &Result{Common: report.Common{From: &s.from, To: &s.to, GitHub: report.GitHubUse{Requests: g.requests}}}
	if err := r.fill(s, g, begin); err != nil {
		return nil, err
	}
	return r, nil
}

func (g *gathered) notes(ctx context.Context, rt *action.Runtime, s *settings, token string) error {
	if !s.github {
		g.bodies = s.bodies
		return nil
	}
	step := rt.Progress.Start("release notes from GitHub")
	address, _ := rt.GitHubURLs()
	reader, err := forge.NewReader(address, token)
	if err != nil {
		return err
	}
	g.bodies, g.noNotes = release.FromGitHub(ctx, reader)
	g.requests = reader.Requests()
	end(step, g.noNotes, fmt.Sprintf("%d releases", len(g.bodies)))
	return nil
}

// checkCode installs both versions and checks the code against them. An input fault (no Python that
// both support) is returned; everything else that goes wrong leaves the code unknown.
func (g *gathered) checkCode(ctx context.Context, rt *action.Runtime, s *settings) error {
	step := rt.Progress.Start(fmt.Sprintf("ZenML %s and %s", s.from, s.to))
	used := make([]string, 0, len(s.pythons))
	for _, p := range s.pythons {
		used = append(used, p.Version)
	}
	g.pair, g.noPair = impact.Install(ctx, s.manager, s.from, s.to, used)
	end(step, g.noPair, "")
	if g.noPair != nil {
		g.pair, g.noCode, g.noMigrations = nil, g.noPair, g.noPair
		if fault.IsInput(g.noPair) {
			return g.noPair
		}
		return nil
	}
	var group errgroup.Group
	group.Go(func() error { g.readMigrations(ctx, rt, s); return nil })
	step = rt.Progress.Start("code against both versions")
	checker := impact.Checker{Ty: s.manager.Ty, Env: s.manager.Env, Old: g.pair.Old, New: g.pair.New}
	for _, p := range s.cfg.Projects {
		checker.Roots = append(checker.Roots, p.Path, p.Path+"/src")
	}
	g.code, g.noCode = checker.Check(ctx, s.tree)
	note := ""
	if g.code != nil {
		note = fmt.Sprintf("%d files, %d breakages", g.code.Files, len(g.code.Breakages))
	}
	end(step, g.noCode, note)
	return group.Wait()
}

func (g *gathered) checkPins(ctx context.Context, rt *action.Runtime, s *settings) {
	if len(s.pythons) == 0 {
		return
	}
	step := rt.Progress.Start("pins against the resolver")
	pythons := make([]string, 0, len(s.pythons))
	for _, p := range s.pythons {
		pythons = append(pythons, p.Version)
	}
	g.pins = impact.CheckPins(ctx, s.index, s.sets, pythons, s.from, s.to)
	g.pins.Unjudged = append(g.pins.Unjudged, s.gaps...)
	step.Done(fmt.Sprintf("%d conflicts", len(g.pins.Conflicts)))
}

type ender interface {
	Done(note string)
	Fail(note string)
}

func end(step ender, err error, note string) {
	if err != nil {
		step.Fail(err.Error())
		return
	}
	step.Done(note)
}

// python compares what both versions ask of Python with what is used.
func python(s *settings, g *gathered) impact.Python {
	p := impact.Python{Used: []string{}, UsedFrom: slices.Concat([]repo.Python{}, s.pythons)}
	for _, u := range s.pythons {
		p.Used = append(p.Used, u.Version)
	}
	if g.pair != nil {
		p.RequiresOld, p.RequiresNew = &g.pair.OldMeta.RequiresPython, &g.pair.NewMeta.RequiresPython
	}
	p.Judge()
	return p
}
