package stagingupgrade

import (
	"context"
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// environments makes the Python environments of an upgrade, on the interpreter that runs the
// server now: pickled artifacts load on no other.
type environments struct {
	manager  *pyenv.Manager
	python   string // path of that interpreter
	repo     string
	projects []string // folders below repo whose code the server's pipelines are
}

// server returns an interpreter that holds a ZenML server of this version.
func (e environments) server(ctx context.Context, v string) (string, error) {
	env, err := e.manager.Ensure(ctx, pyenv.Spec{Python: e.python, Requirements: pyenv.ServerRequirements(v)})
	if err != nil {
		return "", fmt.Errorf("installing ZenML %s: %w", v, err)
	}
	return env.Python, nil
}

// client returns an environment that holds the client of this version and what the repository's
// code needs, so that its artifacts can be loaded and its pipelines run.
func (e environments) client(ctx context.Context, v string) (*pyenv.Env, error) {
	tree, err := repo.Scan(e.repo)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	needs, err := repo.Needs(tree, e.projects)
	if err != nil {
		return nil, err
	}
	env, err := e.manager.Ensure(ctx, pyenv.Spec{Python: e.python, Requirements: needs.Client(v)})
	if err != nil {
		return nil, fmt.Errorf("installing the client of ZenML %s with the repository's requirements: %w", v, err)
	}
	return env, nil
}

// clientPython returns the interpreter of client's environment.
func (e environments) clientPython(ctx context.Context, v string) (string, error) {
	env, err := e.client(ctx, v)
	if err != nil {
		return "", err
	}
	return env.Python, nil
}
