// Package releasecheck is the action release-check: what changed between two versions of ZenML,
// and whom it hits.
package releasecheck

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
	"github.com/zenml-upgrade/zenml-upgrade/internal/impact"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/serveruse"
	"github.com/zenml-upgrade/zenml-upgrade/internal/usage"
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
		"  GITHUB_REPOSITORY=me/mine zenml-upgrade release-check --pull-request 17\n" +
		"  zenml-upgrade release-check --from 0.85.0 --to 0.98.0 --releases releases.json --format json\n" +
		"  zenml-upgrade release-check publish artifact:release-check   (in a workflow that workflow_run starts)\n"
}

func (c *check) Inputs() any { return &c.inputs }

// gathered is all that the domain found out, failures beside it.
type gathered struct {
	bodies          []release.Body
	pair            *impact.Pair
	code            *impact.Code
	pins            *impact.Pins
	projects        []impact.Project // the Python versions of each folder with requirements
	noNotes, noCode error
	noPair          error
	migrations      []migration.Migration // null when noMigrations says why
	noMigrations    error
	path            *hops.Path
	use             *serveruse.Use // null when no server was named, or noUse says why
	noUse           error
	usage           *usage.Index // null when noUsage says why
	noUsage         error
	older, newer    *usage.Symbols // what both versions define; null when that is not known
	changed         changed
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
	defer func() { _ = s.close() }() // what was read is in the result
	if s.settled != nil {
		return s.short(), nil
	}
	g := &gathered{}
	var group errgroup.Group
	group.Go(func() error { return g.notes(ctx, rt, s) })
	group.Go(func() error { return g.checkCode(ctx, rt, s) })
	group.Go(func() error { g.checkPins(ctx, rt, s); return nil })
	group.Go(func() error { g.lookAtServer(ctx, rt, &c.inputs); return nil })
	group.Go(func() error { g.readUsage(ctx, rt, s); return nil })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	g.planPath(ctx, s)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("checking the release: %w", err) // an interrupted run knows nothing
	}
	r := &Result{Common: report.Common{From: &s.from, To: &s.to, GitHub: report.GitHubUse{Requests: s.requests()}}}
	if err := r.fill(s, g, begin); err != nil {
		return nil, err
	}
	r.tracks(s)
	return r, nil
}

func (g *gathered) notes(ctx context.Context, rt *action.Runtime, s *settings) error {
	if !s.github {
		g.bodies = s.bodies
		return nil
	}
	step := rt.Progress.Start("release notes from GitHub")
	if s.noReader != nil {
		return s.noReader
	}
	g.bodies, g.noNotes = release.FromGitHub(ctx, s.reader)
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
		g.changed.failed(g.noPair)
		if fault.IsInput(g.noPair) {
			return g.noPair
		}
		return nil
	}
	var group errgroup.Group
	group.Go(func() error { g.readMigrations(ctx, rt, s); return nil })
	group.Go(func() error { g.readSymbols(ctx, rt); return nil })
	group.Go(func() error { g.readChanged(ctx, rt, s); return nil })
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

// readUsage finds out what the repository uses of ZenML, without types.
func (g *gathered) readUsage(ctx context.Context, rt *action.Runtime, s *settings) {
	step := rt.Progress.Start("uses of ZenML")
	reader := usage.Reader{Python: s.manager.Python, Env: proc.BaseEnv(rt.Environ), To: s.to}
	if g.usage, g.noUsage = reader.Read(ctx, s.tree); g.noUsage != nil {
		step.Fail(g.noUsage.Error())
		return
	}
	step.Done(report.Count(g.usage.PythonFiles+g.usage.OtherFiles, "file"))
}

// readSymbols reads what both versions define. Without it a use is still found, but not proved broken.
func (g *gathered) readSymbols(ctx context.Context, rt *action.Runtime) {
	env := proc.BaseEnv(rt.Environ)
	if older, err := usage.ReadSymbols(ctx, rt.CacheDir, g.pair.Old, env); err == nil {
		if newer, err := usage.ReadSymbols(ctx, rt.CacheDir, g.pair.New, env); err == nil {
			g.older, g.newer = older, newer
		}
	}
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
