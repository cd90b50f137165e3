// Package sabotage makes an upgrade fail for real, for tests and the demo.
package sabotage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
)

// limit is how long an upgrade may take to reach its migration.
const limit = 10 * time.Minute

// Migration follows the journal of the upgrade below stateDir until the new version is in the
// middle of migrating the real database, which was at revision from, and then sends pick's choice
// a SIGKILL, as the kernel does when memory runs out: pick gets the new server's process.
func Migration(ctx context.Context, stateDir, storeURL, from string, pick func(server int) int) <-chan error {
	done := make(chan error, 1)
	go func() { done <- killMigration(ctx, stateDir, storeURL, from, pick) }()
	return done
}

// InTheWay follows the journal like Migration and calls act when the migration of the real
// database has begun.
func InTheWay(ctx context.Context, stateDir string, act func() error) <-chan error {
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		_, err := awaitMigration(ctx, stateDir)
		if err == nil {
			err = act()
		}
		done <- err
	}()
	return done
}

// awaitMigration returns the new server's process when it begins to migrate the real database.
func awaitMigration(ctx context.Context, stateDir string) (victim upgrade.Child, err error) {
	err = await(ctx, func() (bool, error) {
		victim, err = migrating(stateDir)
		return victim.Pid != 0, err
	})
	return victim, err
}

func killMigration(ctx context.Context, stateDir, storeURL, from string, pick func(int) int) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	victim, err := awaitMigration(ctx, stateDir)
	if err != nil {
		return err
	}
	db, err := database.Open(storeURL, database.Options{})
	if err != nil {
		return err
	}
	err = await(ctx, func() (bool, error) {
		// Busy while a statement commits: asked again a moment later.
		revision, err := db.Revision(ctx)
		return err == nil && revision != from, nil
	})
	if err != nil {
		return err
	}
	if started, alive := proc.StartTime(victim.Pid); !alive || started != victim.Started {
		return errors.New("the new server ended before it could be killed")
	}
	return syscall.Kill(pick(victim.Pid), syscall.SIGKILL)
}

// migrating returns the new server once the journal says that the migration has begun.
func migrating(stateDir string) (upgrade.Child, error) {
	runs, err := filepath.Glob(filepath.Join(stateDir, "*", journal.FileName))
	if err != nil || len(runs) == 0 {
		return upgrade.Child{}, err
	}
	record, err := journal.Read(runs[0])
	if err != nil {
		return upgrade.Child{}, err
	}
	if len(record.Entries) == 0 {
		return upgrade.Child{}, nil
	}
	last := record.Entries[len(record.Entries)-1]
	if last.Step != "migrate" || last.Event != journal.Begin {
		return upgrade.Child{}, nil
	}
	var s upgrade.State
	if err := json.Unmarshal(last.State, &s); err != nil {
		return upgrade.Child{}, fmt.Errorf("reading the journal: %w", err)
	}
	return s.Children[len(s.Children)-1], nil
}

// await asks until the condition holds.
func await(ctx context.Context, holds func() (bool, error)) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := holds(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the migration: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
