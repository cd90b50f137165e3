package stagingupgrade

import (
	"context"
	"fmt"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/impact"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

// environments makes the Python environments of an upgrade, on the interpreter that runs the
// server now: pickled artifacts load on no other.
type environments struct {
	manager *pyenv.Manager
	python  string // path of that interpreter
	repo    string
}

// server returns an interpreter that holds a ZenML server of this version.
func (e environments) server(ctx context.Context, v string) (string, error) {
	env, err := e.manager.Ensure(ctx, pyenv.Spec{Python: e.python, Requirements: pyenv.ServerRequirements(v)})
	if err != nil {
		return "", fmt.Errorf("installing ZenML %s: %w", v, err)
	}
	return env.Python, nil
}

// client returns an interpreter that holds the client of this version and what the repository's
// code needs, so that its artifacts can be loaded.
func (e environments) client(ctx context.Context, v string) (string, error) {
	own, err := e.requirements()
	if err != nil {
		return "", err
	}
	env, err := e.manager.Ensure(ctx, pyenv.Spec{Python: e.python, Requirements: append(pyenv.ServerRequirements(v), own...)})
	if err != nil {
		return "", fmt.Errorf("installing the client of ZenML %s with the repository's requirements: %w", v, err)
	}
	return env.Python, nil
}

// requirements returns what the repository's code needs beside ZenML: of several sets the first,
// with requirements.txt before all others.
func (e environments) requirements() ([]string, error) {
	tree, err := impact.Scan(e.repo)
	if err != nil {
		return nil, fmt.Errorf("reading the repository: %w", err)
	}
	defer tree.Close()
	sets, _, _ := impact.Sets(tree)
	if len(sets) == 0 {
		return nil, nil
	}
	at := max(0, slices.IndexFunc(sets, func(s impact.Set) bool { return s.Name == "requirements.txt" }))
	var out []string
	for _, l := range sets[at].Lines {
		if l.Name != "zenml" {
			out = append(out, l.Text)
		}
	}
	return out, nil
}
