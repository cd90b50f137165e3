package impact

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// fewest is from how many sets on all of them are first asked as one.
const fewest = 3

// together asks of each Python whether all its sets hold at once. Versions that meet the lines of all
// meet those of each, so a yes answers for every set; a no says nothing of any.
func together(ctx context.Context, x *pyenv.Index, cells []*cell, to string) {
	var group errgroup.Group
	group.SetLimit(2)
	byPython := map[string][]*cell{}
	for _, c := range cells {
		byPython[c.python] = append(byPython[c.python], c)
	}
	for python, list := range byPython {
		if len(list) < fewest {
			continue
		}
		group.Go(func() error {
			all := pyenv.Question{Python: python}
			for _, c := range list {
				a := asker{set: *c.set, python: python}
				q := a.question(to, func(l repo.Line) string { return l.Text })
				all.Requirements, all.Constraints = append(all.Requirements, q.Requirements...), append(all.Constraints, q.Constraints...)
			}
			slices.Sort(all.Requirements)
			slices.Sort(all.Constraints)
			all.Requirements, all.Constraints = slices.Compact(all.Requirements), slices.Compact(all.Constraints)
			if _, err := x.Resolve(ctx, all); err == nil {
				for _, c := range list {
					c.answer = Resolves
				}
			}
			return nil
		})
	}
	_ = group.Wait() // what does not resolve is asked one by one
}
