package releasecheck

import (
	"context"
	"fmt"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/impact"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// checkPins asks the resolver about every set of requirements on each Python that it is installed on.
func (g *gathered) checkPins(ctx context.Context, rt *action.Runtime, s *settings) {
	asked, projects := impact.Ask(s.sets, s.uses)
	g.projects = projects
	if len(s.pythons) == 0 {
		return
	}
	step := rt.Progress.Start("pins against the resolver")
	g.pins = impact.CheckPins(ctx, s.index, s.tree, asked, s.from, s.to)
	g.pins.Unjudged = append(g.pins.Unjudged, s.gaps...)
	step.Done(fmt.Sprintf("%d conflicts", len(g.pins.Conflicts)))
}

// python compares what both versions ask of Python with what is used.
func python(s *settings, g *gathered) impact.Python {
	p := impact.Python{Used: []string{}, UsedFrom: slices.Concat([]repo.Python{}, s.pythons), Projects: g.projects}
	for _, u := range s.pythons {
		p.Used = append(p.Used, u.Version)
	}
	if g.pair != nil {
		p.RequiresOld, p.RequiresNew = &g.pair.OldMeta.RequiresPython, &g.pair.NewMeta.RequiresPython
	}
	p.Judge()
	return p
}
