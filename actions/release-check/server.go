package releasecheck

import (
	"context"
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// readMigrations reads from both installed versions what the new server will do to the database.
func (g *gathered) readMigrations(ctx context.Context, rt *action.Runtime, s *settings) {
	step := rt.Progress.Start("database migrations")
	reader := migration.Reader{Dir: rt.CacheDir, Env: proc.BaseEnv(rt.Environ)}
	older, err := reader.Read(ctx, g.pair.Old)
	if err == nil {
		var newer []migration.Revision
		if newer, err = reader.Read(ctx, g.pair.New); err == nil {
			g.migrations, err = migration.Between(older, newer)
		}
	}
	if err != nil {
		g.noMigrations = fmt.Errorf("reading what ZenML %s does to the database of %s: %w", s.to, s.from, err)
	}
	end(step, g.noMigrations, fmt.Sprintf("%d run", len(g.migrations)))
}

// planPath computes the way. Of the two ends the installed packages say which Python they run on;
// the index is asked for what they do not say.
func (g *gathered) planPath(ctx context.Context, s *settings) {
	type answer struct {
		bounds string
		err    error
	}
	known := map[string]answer{} // failures too: a silent index is not asked twice
	if g.pair != nil {
		known[s.from], known[s.to] = answer{bounds: g.pair.OldMeta.RequiresPython}, answer{bounds: g.pair.NewMeta.RequiresPython}
	}
	q := hops.Question{From: s.from, To: s.to, Crossed: s.crossed, Requires: func(v string) (string, error) {
		a, ok := known[v]
		if !ok {
			if a.err = s.noIndex; a.err == nil {
				a.bounds, a.err = hops.Requires(ctx, s.index, v)
			}
			known[v] = a
		}
		return a.bounds, a.err
	}}
	for _, p := range s.pythons {
		q.Used = append(q.Used, p.Version)
	}
	if s.noIndex == nil {
		// The answer is kept from decoding the inputs. Without it no newer patch release is proposed.
		all, _ := s.index.Versions(ctx, "zenml")
		for _, v := range all {
			if version.Compare(v, s.to) > 0 {
				q.Newer = append(q.Newer, v)
			}
		}
	}
	g.path = hops.Plan(q)
}

func (r *Result) pathReasons(g *gathered) []verdict.Reason {
	var out []verdict.Reason
	if g.path.Unproved {
		out = append(out, verdict.Because(verdict.Unknown, "path_unproved", fmt.Sprintf("A direct upgrade from a version below %s was never measured.", hops.OldestMeasured), nil))
	}
	if err := g.path.Unknown; err != nil {
		out = append(out, verdict.Because(verdict.Unknown, "path_unknown", "Which Python the versions on the way run on is not known.", []string{oneLine(err)}))
	}
	if f := g.path.Fault; f != nil {
		out = append(out, verdict.Because(verdict.Unknown, "target_faulty",
			fmt.Sprintf("ZenML %s has a known fault, and whether it hits this server is not known: %s. Upgrade to %s instead, which repairs it.", f.Version, f.What, f.RepairedBy), []string{f.Source}))
	}
	if len(g.path.Conditions) > 0 {
		out = append(out, verdict.Because(verdict.Review, "path_conditions", fmt.Sprintf("%s of the path must be met before the upgrade.", report.Count(len(g.path.Conditions), "condition")), g.path.Conditions))
	}
	return out
}

// migrationReasons tells what of the migrations is not known. A missing fact cannot be waived.
func (r *Result) migrationReasons(g *gathered) []verdict.Reason {
	if r.Migrations == nil {
		if g.pair == nil {
			return nil // code_unknown says that nothing could be installed
		}
		return []verdict.Reason{verdict.Because(verdict.Unknown, "migrations_unknown", "What the upgrade does to the server's database is not known.", []string{oneLine(g.noMigrations)})}
	}
	var unread []string
	for _, m := range r.Migrations {
		if m.Destructive == nil {
			unread = append(unread, m.Revision+" ("+m.Version+")")
		}
	}
	if len(unread) == 0 {
		return nil
	}
	return []verdict.Reason{verdict.Because(verdict.Unknown, "migrations_unknown",
		fmt.Sprintf("Whether %s of the server's database take something away could not be read.", report.Count(len(unread), "migration")), unread)}
}
