package compat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// serverEnv is an environment of a server alone: a server does not run with a client's pins.
func (t *test) serverEnv(ctx context.Context, version string) (*pyenv.Env, error) {
	env, err := t.Pyenv.Ensure(ctx, pyenv.Spec{Python: t.Python, Requirements: pyenv.ServerRequirements(version)})
	var conflict *pyenv.Conflict
	if errors.As(err, &conflict) {
		if bounds, ok := conflict.Python(); ok {
			return nil, fault.BadInput(fmt.Sprintf("ZenML %s does not run on Python %s: it asks for %s", version, t.Python, bounds),
				"name another Python with python-versions")
		}
		return nil, &fault.Error{
			Kind: fault.Input, What: fmt.Sprintf("ZenML %q cannot be installed with Python %q", version, t.Python), Err: conflict,
			Next: "name a version that is on the index and a Python that it supports (python-versions)",
		}
	}
	return env, err
}

// clientEnvs makes both clients' environments. Requirements that cannot stand beside the new
// version are a finding: the new client then runs with those that can.
func (t *test) clientEnvs(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() (err error) {
		t.old.client, err = t.Pyenv.Ensure(ctx, pyenv.Spec{Python: t.Python, Requirements: t.needs.Client(t.From)})
		var conflict *pyenv.Conflict
		if errors.As(err, &conflict) {
			return &fault.Error{
				Kind: fault.NoVerdict, What: fmt.Sprintf("the requirements in %s cannot be installed with ZenML %s, so there is nothing to compare with",
					strings.Join(t.needs.Files, ", "), t.From), Err: conflict,
				Next: "give the version that the repository runs with as from",
			}
		}
		return err
	})
	var refused *pyenv.Conflict
	g.Go(func() (err error) {
		t.new.client, err = t.Pyenv.Ensure(ctx, pyenv.Spec{Python: t.Python, Requirements: t.needs.Client(t.To)})
		if errors.As(err, &refused) {
			return nil
		}
		return err
	})
	if err := g.Wait(); err != nil || refused == nil {
		return err
	}
	proof := refused.Proof
	t.res.Pins.Resolved, t.res.Pins.Proof = false, &proof
	return t.withoutConflicts(ctx)
}

// withoutConflicts makes the new client's environment of the requirements that can stand beside
// the new version, tried in their order.
func (t *test) withoutConflicts(ctx context.Context) error {
	python, err := t.old.client.PythonVersion()
	if err != nil {
		return err
	}
	isZenML := func(l repo.Line) bool { return l.Name == "zenml" }
	keep := &repo.Set{Lines: slices.DeleteFunc(slices.Clone(t.needs.Lines), func(l repo.Line) bool { return !isZenML(l) })}
	for _, line := range slices.DeleteFunc(slices.Clone(t.needs.Lines), isZenML) {
		try := &repo.Set{Lines: append(slices.Clone(keep.Lines), line)}
		_, err := t.Pyenv.Resolve(ctx, pyenv.Question{Requirements: try.Client(t.To), Python: python})
		var conflict *pyenv.Conflict
		switch {
		case err == nil:
			keep = try
		case errors.As(err, &conflict):
			t.res.Pins.Dropped = append(t.res.Pins.Dropped, line.Text)
		default:
			return err
		}
	}
	t.new.client, err = t.Pyenv.Ensure(ctx, pyenv.Spec{Python: t.Python, Requirements: keep.Client(t.To)})
	return err
}

func noRequirements(projects []string) error {
	if len(projects) == 0 {
		projects = []string{"."}
	}
	return fault.BadInput(fmt.Sprintf("no requirement file: neither requirements.txt nor pyproject.toml with dependencies was found in %q", projects),
		"name the folders that hold one under projects in the configuration, or set pipelines to none")
}

func unreadable(err error) error {
	return &fault.Error{Kind: fault.Input, What: "the requirements cannot be read", Err: err, Next: "give files that can be read"}
}

// unusable words the failure of the old server: without it there is nothing to compare with.
func unusable(version string, err error) error {
	if err == nil {
		return nil
	}
	return fault.Unreachable("the throw-away server of ZenML "+version+" did not start", errors.New(clean(err.Error())),
		"run it by hand with that version's packages to see why")
}
