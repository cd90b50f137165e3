package database

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hook"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// The commands of EngineCommand, as the configuration names them (docs/snapshots.md).
const (
	commandTake    = "take"    // make a snapshot
	commandRestore = "restore" // restore one, to a throw-away copy or to the real database
	commandDrop    = "drop"    // remove a throw-away copy; nothing there is no error
	commandForget  = "forget"  // remove a snapshot; nothing there is no error
)

// snapshotForm is how snapshots are called: as their backups' folders, in letters that clouds take.
var snapshotForm = regexp.MustCompile(`^zenml-upgrade-[0-9]{8}t[0-9]{6}z-[a-z0-9]{8}$`)

func snapshotOf(folder string) string {
	return "zenml-upgrade-" + strings.ToLower(filepath.Base(folder))
}

func (d *MySQL) byCommand() bool { return d.options.Engine == EngineCommand }

func (d *MySQL) haveCommands() error {
	if d.options.Snapshots != nil {
		return nil
	}
	return fault.Unreachable("there is a snapshot, and the environment has no commands for it", nil,
		"add snapshot: {take, restore, drop, forget} to the environment in the configuration file")
}

// commandsDigest tells one set of commands from another.
func commandsDigest(s *hook.Set) string {
	text, err := json.Marshal(s.Commands) // sorted by key
	if err != nil {
		panic(err) // strings are always encoded
	}
	return fmt.Sprintf("commands sha256:%x", sha256.Sum256(text))
}

// ask runs one of the commands. What it starts keeps hold, so that a later run waits for its end when we
// are killed.
func (d *MySQL) ask(ctx context.Context, name, snapshot string, hold *os.File, more ...string) (proc.Result, error) {
	if err := d.haveCommands(); err != nil {
		return proc.Result{}, err
	}
	c := hook.Call{Name: name, Brief: true, Env: append([]string{
		"ZENML_UPGRADE_SNAPSHOT=" + snapshot, "ZENML_UPGRADE_DATABASE_HOST=" + d.client.Host,
		fmt.Sprintf("ZENML_UPGRADE_DATABASE_PORT=%d", d.client.Port), "ZENML_UPGRADE_DATABASE_NAME=" + d.client.Name,
	}, more...)}
	if hold != nil {
		c.Files = []*os.File{hold}
	}
	return d.options.Snapshots.Run(ctx, c)
}

// take has a snapshot made and returns the bytes of the database. Its name is on the disk before:
// whoever removes an unfinished backup has the snapshot removed, too.
func (b *dumping) take(ctx context.Context) (int64, error) {
	err := writeSynced(filepath.Join(b.partial, snapshotName), []byte(b.m.Snapshot+"\n"))
	if err := errors.Join(err, syncPath(b.partial), syncPath(filepath.Dir(b.partial))); err != nil {
		return 0, err
	}
	if _, err := b.db.ask(ctx, commandTake, b.m.Snapshot, b.hold); err != nil {
		return 0, err
	}
	return b.db.measure(ctx)
}

// giveUp takes an unfinished backup away, and its snapshot. When that cannot be removed the folder stays,
// for the next Sweep.
func (b *dumping) giveUp(ctx context.Context) error {
	err := removeUnfinished(ctx, b.partial, b.db.URL(), b.db.forget)
	return errors.Join(err, syncPath(filepath.Dir(b.partial)), b.hold.Close())
}

func (d *MySQL) forget(ctx context.Context, snapshot string) error {
	_, err := d.ask(ctx, commandForget, snapshot, nil)
	return err
}

// ForgetSnapshot has the snapshot of a backup removed that is removed itself.
func ForgetSnapshot(ctx context.Context, d Database, snapshot string) error {
	m, ok := d.(*MySQL)
	if !ok {
		return noSnapshots(ctx, snapshot)
	}
	return m.forget(ctx, snapshot)
}

func noSnapshots(_ context.Context, snapshot string) error {
	return fmt.Errorf("the snapshot %q is of another kind of database", cut(snapshot, 100))
}

// revert has the snapshot brought back to the real database.
func (r *reloading) revert(ctx context.Context) error {
	if _, err := r.db.ask(ctx, commandRestore, r.m.Snapshot, r.hold, "ZENML_UPGRADE_RESTORE_TO=original"); err != nil {
		return err
	}
	return r.db.stillLocked(ctx) // the server may have been restarted
}

// snapshotSteps is what RESTORE.md says of a snapshot.
func snapshotSteps(b *dumping) string {
	var rows strings.Builder
	for _, name := range slices.Sorted(maps.Keys(b.m.Tables)) {
		fmt.Fprintf(&rows, "       %d %s\n", b.m.Tables[name].Rows, oneLine(name))
	}
	return fmt.Sprintf(`# How to restore this backup by hand

It is the snapshot %[1]s of the database
%[2]s, of a ZenML server of version %[3]s (its alembic_version: %[4]s).
Made %[5]s by zenml-upgrade %[6]s. This folder holds no data: without the snapshot
there is nothing to restore.

1. Stop every ZenML server and every client that uses the database.
2. Restore the snapshot to the database, by the means of what keeps it. The command of the
   configuration was run by /bin/sh in the repository's root:

       export ZENML_UPGRADE_HOOK=restore ZENML_UPGRADE_RESTORE_TO=original
       export ZENML_UPGRADE_SNAPSHOT=%[1]s
       export ZENML_UPGRADE_DATABASE_HOST=%[7]s ZENML_UPGRADE_DATABASE_PORT=%[8]d
       export ZENML_UPGRADE_DATABASE_NAME=%[9]s
       /bin/sh -c %[10]s

3. Compare: every table must have as many rows as here, and there must be no further one but
   zenml_upgrade_marker, which is to be dropped.

%[11]s
4. Start a ZenML server of version %[3]s, the one that the database was written by. A newer one
   would migrate it again, an older one does not start.
`, b.m.Snapshot, oneLine(b.m.SourceURL), oneLine(b.meta.ZenMLVersion), oneLine(b.m.Revision), b.meta.created().Format("2006-01-02 15:04:05 MST"), version.Tool,
		shellQuote(b.db.client.Host), b.db.client.Port, shellQuote(b.db.client.Name), shellQuote(b.db.options.Snapshots.Commands[commandRestore]), strings.TrimRight(rows.String(), "\n"))
}
