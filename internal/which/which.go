// Package which finds the two commits that a pull request or a merge group lies between, and reads
// both without checking anything out.
package which

import (
	"context"
	"errors"
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// Change is what would be brought into a base.
type Change struct {
	Repository string // owner/name on GitHub; empty when not known
	Base, Head string // commits, as GitHub names them
	Merge      string // the commit that GitHub made of both, empty when there is none
	Group      bool   // a merge group: its head stands on its base
}

// GitHub is the reading half of GitHub that is needed when a checkout lacks commits.
type GitHub interface {
	repo.Remote
	Fork(ctx context.Context, repository, a, b string) (string, error)
}

// Sides are both ends of a change. Close them when done.
type Sides struct {
	Base    *repo.Tree // what the change is compared with
	Head    *repo.Tree
	Trusted *repo.Tree // the base as GitHub names it: what the change cannot have written
	BaseID  string
	HeadID  string
	// Checkout says that the work tree is the head, or the head merged into the base.
	Checkout bool
	// Exact says that every difference is the change's own. Else the base may have moved on since.
	Exact bool

	git    *repo.Git
	github GitHub
	change Change
	below  string
	opened []*repo.Tree
}

// Open finds both ends. git may be nil when the machine has none, below is then the folder that is
// looked at. An error says which commit is missing and what to do.
func Open(ctx context.Context, c Change, git *repo.Git, github GitHub, below string) (*Sides, error) {
	s := place(ctx, c, git, github, below)
	var err error
	if s.Head, err = s.tree(ctx, s.HeadID, nil); err == nil {
		s.Base, err = s.tree(ctx, s.BaseID, s.Head)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.Trusted = s.Base
	return s, nil
}

// Base reads only what the change cannot have written: its base as GitHub names it.
func Base(ctx context.Context, c Change, git *repo.Git, github GitHub, below string) (*repo.Tree, error) {
	s := place(ctx, c, git, github, below)
	return s.tree(ctx, s.BaseID, nil)
}

// place finds out what the checkout is, and with it which commits are compared.
func place(ctx context.Context, c Change, git *repo.Git, github GitHub, below string) *Sides {
	s := &Sides{git: git, github: github, change: c, below: below, BaseID: c.Base, HeadID: c.Head, Exact: c.Group}
	if git != nil {
		if p, err := git.Below(ctx); err == nil {
			s.below = p
		} else {
			s.git = nil // a folder without a repository
		}
	}
	if s.git != nil {
		at, parents, err := s.git.Parents(ctx)
		switch {
		case err != nil:
		case at == c.Head:
			s.Checkout = true
		case at == c.Merge && len(parents) == 2 && parents[1] == c.Head:
			// GitHub's own merge: its first parent is the base's newest commit.
			s.Checkout, s.Exact, s.HeadID, s.BaseID = true, true, at, parents[0]
		}
	}
	return s
}

// tree reads a commit from the checkout, else from GitHub.
func (s *Sides) tree(ctx context.Context, id string, near *repo.Tree) (*repo.Tree, error) {
	err := error(nil)
	if s.git != nil {
		var t *repo.Tree
		if t, err = s.git.Commit(ctx, id); err == nil {
			s.opened = append(s.opened, t)
			return t, nil
		}
		if !errors.Is(err, repo.ErrNoCommit) {
			return nil, fault.Unreachable(fmt.Sprintf("commit %s cannot be read", id), err, "check the checkout")
		}
	}
	if s.github == nil || s.change.Repository == "" {
		return nil, fault.Unreachable(fmt.Sprintf("commit %s is needed to see what the pull request changes", id), err, "fetch it")
	}
	t, errRemote := repo.RemoteCommit(ctx, s.github, s.change.Repository, id, s.below, near)
	if errRemote != nil {
		return nil, fault.Unreachable(fmt.Sprintf("commit %s is not in the checkout and GitHub did not give it", id), errRemote, "fetch it")
	}
	s.opened = append(s.opened, t)
	return t, nil
}

// AtFork makes the base the commit where the change began, so that what its base gained since is not
// taken for the change's.
func (s *Sides) AtFork(ctx context.Context) error {
	if s.Exact {
		return nil
	}
	id, err := "", repo.ErrNoCommit
	if s.git != nil {
		id, err = s.git.Fork(ctx, s.change.Base, s.change.Head)
	}
	if err != nil && s.github != nil && s.change.Repository != "" {
		id, err = s.github.Fork(ctx, s.change.Repository, s.change.Base, s.change.Head)
	}
	if err != nil {
		return fault.Unreachable("where the pull request began is not known", err, "fetch the history")
	}
	if id != s.BaseID {
		t, err := s.tree(ctx, id, s.Head)
		if err != nil {
			return err
		}
		s.Base, s.BaseID = t, id
	}
	s.Exact = true
	return nil
}

// Close ends the use of all trees.
func (s *Sides) Close() error {
	var errs []error
	for _, t := range s.opened {
		errs = append(errs, t.Close())
	}
	s.opened = nil
	return errors.Join(errs...)
}
