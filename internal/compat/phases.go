package compat

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
)

// prepare makes both worlds at once: the old server starts and the new one loads its code while
// the clients' environments are installed.
func (t *test) prepare(ctx context.Context) error {
	// A failure must not cut short the starts beside it: ctx, not the group's own context.
	var g errgroup.Group
	g.Go(func() error {
		return t.step("ZenML "+t.From+": server starts", func() (err error) {
			env, err := t.serverEnv(ctx, t.From)
			if err != nil {
				return err
			}
			if err := t.old.build(t.Repo); err != nil {
				return err
			}
			t.old.server, err = server.Start(ctx, t.old.serverConfig(env))
			return unusable(t.From, err)
		})
	})
	g.Go(func() error {
		return t.step("ZenML "+t.To+": server loads", func() error {
			env, err := t.serverEnv(ctx, t.To)
			if err != nil {
				return err
			}
			if err := t.new.build(t.Repo); err != nil {
				return err
			}
			s, err := server.Load(ctx, t.new.serverConfig(env))
			if err != nil {
				t.newDown = clean(err.Error())
				return nil // a new version that does not load is a finding
			}
			t.new.server = s
			return nil
		})
	})
	g.Go(func() error { return t.step("clients: environments", func() error { return t.clientEnvs(ctx) }) })
	if err := g.Wait(); err != nil {
		return err
	}
	if err := t.old.login(ctx); err != nil {
		return err
	}
	return t.checkIntegrations(ctx)
}

// baseline runs every check in the old world.
func (t *test) baseline(ctx context.Context) error {
	checks := suiteChecks(t.Suite, project{packages: t.packages(), parts: t.parts, integrations: t.Integrations})
	err := t.step("ZenML "+t.From+": checks", func() error {
		t.oldResult = t.runAll(ctx, t.old, checks, false)
		t.noteIntegrations()
		return nil
	})
	if err != nil {
		return err
	}
	if t.Artifacts != (Selection{}) {
		err = t.step("ZenML "+t.From+": artifacts are loaded", func() error {
			if err := t.loadOld(ctx); err != nil {
				t.oldResult.set("artifact:probe", failure(nil, err.Error()))
			}
			return nil
		})
	}
	if err != nil {
		return err
	}
	return database.Snapshot(ctx, t.old.database(), t.new.database())
}

// both ends the old world's part and runs the new world's, at once where memory allows. The copy of
// the database is taken: what the new client writes on the old server is not part of what is upgraded.
func (t *test) both(ctx context.Context) error {
	old := func() error {
		defer close(t.visited)
		defer t.old.stop(ctx)
		if !slices.Contains(t.Suite, "client") {
			return nil
		}
		return t.step("ZenML "+t.From+": the new client visits", func() error { t.visitOld(ctx); return nil })
	}
	now := func() error { return errors.Join(t.upgrade(ctx), t.candidate(ctx)) }
	var g errgroup.Group
	if !t.res.Machine.Abreast {
		g.SetLimit(1)
	}
	g.Go(old)
	g.Go(now)
	return g.Wait()
}

// packages returns the names of what the repository asks for beside ZenML itself.
func (t *test) packages() []string {
	var out []string
	for _, l := range t.needs.Lines {
		if l.Name != "zenml" {
			out = append(out, l.Name)
		}
	}
	return out
}

// noteIntegrations says so when the group integration found nothing to test.
func (t *test) noteIntegrations() {
	for _, name := range t.oldResult.names {
		if strings.HasPrefix(name, "integration") {
			return
		}
	}
	if slices.Contains(t.Suite, "integration") {
		t.oldResult.set(noIntegration, skip("no requirement is a package that a ZenML integration needs"))
	}
}

// upgrade starts the new server on the copy of the old one's database.
func (t *test) upgrade(ctx context.Context) error {
	return t.step("ZenML "+t.To+": a copy of the database is upgraded", func() error {
		if t.newDown != "" {
			return nil
		}
		if err := t.new.server.Serve(ctx); err != nil {
			t.newDown = clean(err.Error())
			return nil
		}
		if err := t.new.login(ctx); err != nil {
			t.newDown = clean(err.Error())
		}
		return nil
	})
}

// candidate runs every check in the new world.
func (t *test) candidate(ctx context.Context) error {
	if t.newDown != "" || t.new.client == nil {
		t.res.Artifacts = compareArtifacts(t.From, t.chosen, t.oldLoads, nil, "the new server does not serve")
		return nil
	}
	var checks []string
	for _, name := range t.oldResult.names {
		if kind, ok := builtIn(name); ok && kind != KindDashboard && name != noIntegration {
			checks = append(checks, name)
		}
	}
	return t.step("ZenML "+t.To+": checks", func() error {
		t.newResult = t.runAll(ctx, t.new, checks, true)
		return nil
	})
}

// theirs tests the team's own servers.
func (t *test) theirs(ctx context.Context) error {
	if t.theirOld == nil {
		return nil
	}
	return t.step("your own servers", func() error { t.visitServers(ctx); return nil })
}

// step shows one piece of work.
func (t *test) step(name string, do func() error) error {
	s := t.Progress.Start(name)
	if err := do(); err != nil {
		s.Fail("")
		return err
	}
	s.Done("")
	return nil
}
