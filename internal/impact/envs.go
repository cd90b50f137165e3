// Package impact finds out whom an upgrade of ZenML hits: the user's code, pins and Python
// versions. The repository is read and never executed.
package impact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Pair is the old and the new version of ZenML, installed for the same Python.
type Pair struct {
	Old, New         *pyenv.Env
	OldMeta, NewMeta *pyenv.Metadata
	Python           string // what was asked of uv: a version or a range
}

// Install installs both versions on a Python that both support: one of those in use when there is
// one on this machine, else any. No such Python on the machine is an input fault.
func Install(ctx context.Context, m *pyenv.Manager, from, to string, used []string) (*Pair, error) {
	var bounds []string
	missing := map[string]bool{}
	for range 4 + len(used) {
		python := choose(used, bounds, missing)
		pair, failures := ensureBoth(ctx, m, from, to, python)
		if len(failures) == 0 {
			return pair, pair.read()
		}
		learned := false
		for _, err := range failures {
			var conflict *pyenv.Conflict
			var missed *pyenv.NoPythonError
			if errors.As(err, &conflict) {
				if b, ok := conflict.Python(); ok && !slices.Contains(bounds, b) {
					bounds, learned = append(bounds, b), true
				}
			} else if errors.As(err, &missed) {
				if slices.Contains(used, python) {
					missing[python], learned = true, true
					continue
				}
				return nil, fault.BadInput(fmt.Sprintf("no Python %sthat ZenML %s and %s support was found on this machine", spaced(python), from, to),
					"install such an interpreter")
			}
		}
		if !learned {
			return nil, errors.Join(failures...)
		}
	}
	return nil, fmt.Errorf("finding a Python that ZenML %s and %s support: none of %s", from, to, strings.Join(bounds, ", "))
}

func spaced(word string) string {
	if word == "" {
		return ""
	}
	return word + " "
}

func choose(used, bounds []string, missing map[string]bool) string {
	joined := strings.Join(bounds, ",")
	for _, v := range used {
		if !missing[v] && (joined == "" || version.Allows(joined, v)) {
			return v
		}
	}
	return joined
}

func ensureBoth(ctx context.Context, m *pyenv.Manager, from, to, python string) (*Pair, []error) {
	pair := &Pair{Python: python}
	var errs [2]error
	var group errgroup.Group
	group.Go(func() error {
		pair.Old, errs[0] = m.Ensure(ctx, pyenv.Spec{Python: python, Requirements: pyenv.ServerRequirements(from)})
		return nil
	})
	group.Go(func() error {
		pair.New, errs[1] = m.Ensure(ctx, pyenv.Spec{Python: python, Requirements: pyenv.ServerRequirements(to)})
		return nil
	})
	_ = group.Wait() // both failures are wanted
	return pair, slices.DeleteFunc(errs[:], func(err error) bool { return err == nil })
}

func (p *Pair) read() (err error) {
	if p.OldMeta, err = p.Old.Metadata("zenml"); err != nil {
		return err
	}
	p.NewMeta, err = p.New.Metadata("zenml")
	return err
}
