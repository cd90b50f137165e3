package command

import (
	"context"
	"fmt"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pin"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/which"
)

// Pinned returns what finds the version that a change raises ZenML to, for Place.Pinned. An empty
// version says that none is named exactly.
func Pinned(repository string, git *repo.Git, github which.GitHub, below string, projects []string) func(ctx context.Context, base, head string) (string, error) {
	return func(ctx context.Context, base, head string) (version string, err error) {
		sides, err := which.Open(ctx, which.Change{Repository: repository, Base: base, Head: head}, git, github, below)
		if err != nil {
			return "", err
		}
		defer func() {
			if errClose := sides.Close(); err == nil {
				err = errClose
			}
		}()
		if err := sides.AtFork(ctx); err != nil {
			return "", err
		}
		before, gapsBefore := pin.Read(sides.Base, projects)
		after, gapsAfter := pin.Read(sides.Head, projects)
		if gaps := pin.ChangedUnread(sides.Base, sides.Head, gapsBefore, gapsAfter); len(gaps) > 0 {
			return "", fmt.Errorf("a file in which a version can stand could not be read: %s", gaps[0])
		}
		changes := pin.Compare(before, after)
		outcome, _, to, _ := pin.Decide(changes)
		if outcome != pin.Upgrades || slices.ContainsFunc(after, func(p pin.Pin) bool { return p.Counts() && p.Version != nil && !p.Agrees(to) }) {
			return "", nil
		}
		return to, nil
	}
}
