package stagingupgrade

import (
	"context"
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// releases answers from the package index what an upgrade asks about other releases.
type releases struct {
	manager *pyenv.Manager
	index   *pyenv.Index
	environ []string
	dir     string // where facts are kept
}

// stops returns the versions that the way hop by hop starts: those that the facts ask for, else the
// last release of each line between.
func (x releases) stops(ctx context.Context, from, to string) ([]string, error) {
	all, err := x.index.Versions(ctx, "zenml", from, to)
	if err != nil {
		return nil, err
	}
	crossed := version.Crossed(all, from, to)
	way := hops.Plan(hops.Question{From: from, To: to, Crossed: crossed, Requires: func(v string) (string, error) { return hops.Requires(ctx, x.index, v) }})
	if len(way.Hops) < 2 {
		return hops.EachLine(crossed, from, to), nil
	}
	var out []string
	for _, h := range way.Hops {
		out = append(out, h.To)
	}
	return out, nil
}

// explain looks for a repair of a broken migration in the scripts of later releases.
func (x releases) explain(ctx context.Context, to string, b *migration.Broken) {
	all, err := x.index.Versions(ctx, "zenml", to)
	if err != nil {
		b.Compared, b.Repair = []string{}, fmt.Sprintf("whether a later release repairs it is not known: %v", err)
		return
	}
	reader := migration.Reader{Dir: x.dir, Env: proc.BaseEnv(x.environ)}
	b.Look(ctx, to, migration.Later(all, to), func(ctx context.Context, v string) ([]migration.Revision, error) {
		env, err := x.manager.Ensure(ctx, pyenv.Spec{Requirements: []string{"zenml==" + v}, NoDeps: true})
		if err != nil {
			return nil, err
		}
		return reader.Read(ctx, env)
	})
}
