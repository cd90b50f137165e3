package main

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

// sabotage kills the new server in the middle of its migration of the real database, as the
// kernel does when memory runs out. It follows the journal to know when that has begun.
func (d *demo) sabotage(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() { done <- d.killMigration(ctx) }()
	return done
}

func (d *demo) killMigration(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	var victim upgrade.Child
	err := await(ctx, func() (bool, error) {
		var err error
		victim, err = d.migrating()
		return victim.Pid != 0, err
	})
	if err != nil {
		return err
	}
	db, err := database.Open(d.world.StoreURL)
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
	return syscall.Kill(victim.Pid, syscall.SIGKILL)
}

// migrating returns the new server once the journal says that the migration has begun.
func (d *demo) migrating() (upgrade.Child, error) {
	runs, err := filepath.Glob(filepath.Join(d.dir, "backups", "state", "*", "journal.jsonl"))
	if err != nil || len(runs) == 0 {
		return upgrade.Child{}, err
	}
	record, err := journal.Read(runs[0])
	if err != nil {
		return upgrade.Child{}, err
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
