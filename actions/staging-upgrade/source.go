package stagingupgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/vault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// newest is the input backup for the newest one in backup-dir.
const newest = "newest"

// fromBackup says whether only a backup is rehearsed with, and no server or database is asked. An
// environment that has a server means that server: a secret that is missing in a workflow must not turn
// its rehearsal into another one.
func (s *settings) fromBackup(in *Inputs) bool {
	return s.mode == upgrade.Rehearse && (in.Backup != "" || s.noServer(in) && in.DatabaseURL == "")
}

// alone says whether a database is given and no server.
func (s *settings) alone(in *Inputs) bool {
	return (s.mode == upgrade.BackUp || s.mode == upgrade.Rehearse) && s.noServer(in)
}

func (s *settings) noServer(in *Inputs) bool {
	return in.ServerURL == "" && in.ServerToken == "" && s.env.ServerURL == ""
}

// decodeSource tells what is missing to know what is upgraded.
func (s *settings) decodeSource(ctx context.Context, in *Inputs) error {
	var faults []error
	missing := func(name, next string) { faults = append(faults, fault.BadInput(name+" is missing", next)) }
	if in.To == "" && (s.mode == upgrade.Plan || s.mode == upgrade.Upgrade) {
		missing("to", "give --to, the version to upgrade to, such as 0.98.0")
	}
	if in.Backup != "" && s.mode != upgrade.Rehearse && s.mode != upgrade.Rollback {
		faults = append(faults, fault.BadInput(fmt.Sprintf("backup is given, and mode is %s", s.mode), "leave it away, or rehearse with it or go back to it"))
	}
	if in.Backup != "" && s.mode == upgrade.Rollback {
		var far bool
		if s.backTo, far = s.located(in); far && s.dry {
			faults = append(faults, fault.BadInput(fmt.Sprintf("backup %q is not in backup-dir, and a dry run fetches none", in.Backup), "copy it there from backup-destination, or run without dry-run: nothing is lost unasked"))
		}
	}
	switch {
	case s.fromBackup(in):
		return errors.Join(append(faults, s.findBackup(ctx, in))...)
	case s.alone(in):
		if in.DatabaseURL == "" {
			missing("database-url", "set ZENML_UPGRADE_DATABASE_URL or give --database-url @FILE")
		}
		return errors.Join(faults...)
	}
	if in.ServerToken == "" {
		missing("server-token", "set ZENML_UPGRADE_SERVER_TOKEN or give --server-token @FILE")
	}
	if in.DatabaseURL == "" {
		missing("database-url", "set ZENML_UPGRADE_DATABASE_URL or give --database-url @FILE")
	}
	return errors.Join(faults...)
}

// findBackup takes the backup that was named, or the newest one. The copies get a folder of their
// own below backup-dir, so that a rehearsal at night never meets the journal of an upgrade.
func (s *settings) findBackup(ctx context.Context, in *Inputs) error {
	if s.backupDir != "" && in.StateDir == "" {
		s.stateDir = filepath.Join(s.backupDir, "rehearsals")
	}
	if in.Backup != "" && in.Backup != newest {
		var far bool
		if s.backup, far = s.located(in); far && in.BackupDestination == "" {
			return fault.BadInput(fmt.Sprintf("backup %q is no backup", in.Backup), "give a backup's folder, its packed file (.tar.gz, .tar.gz.age), the name of one in backup-dir or backup-destination, or newest")
		}
		return nil
	}
	if s.backupDir == "" {
		return nil // told already
	}
	source := ""
	if in.DatabaseURL != "" {
		db, err := database.Open(in.DatabaseURL, database.Options{})
		if err != nil {
			return nil //nolint:nilerr // told with the database
		}
		source = db.URL()
	}
	newest, err := s.vault.Newest(ctx, source)
	if errors.Is(err, os.ErrNotExist) {
		return fault.BadInput(fmt.Sprintf("backup-dir %q does not exist", s.backupDir), "give the folder that holds the backups")
	}
	s.backup = newest
	return err
}

// located is the path of the backup that is named: as it was given, or by its name in backup-dir. far says
// that it is not there, and may only be in backup-destination.
func (s *settings) located(in *Inputs) (path string, far bool) {
	there := func(path string) bool {
		st, err := os.Stat(path)
		return vault.PackedFile(path) != "" || err == nil && st.IsDir()
	}
	path = in.Backup
	if name := vault.NameOf(in.Backup); name != "" && !there(path) && s.backupDir != "" {
		path = filepath.Join(s.backupDir, name)
	}
	if abs, err := filepath.Abs(path); err == nil { // fails only in a folder that is gone
		path = abs
	}
	return path, !there(path)
}

func (s *settings) decodeRehearsal(in *Inputs) error {
	var err error
	s.oldClients, err = action.Bool("old-clients", cmp.Or(in.OldClients, "true"))
	s.path = cmp.Or(in.Path, upgrade.PathAuto)
	if !slices.Contains([]string{upgrade.PathAuto, upgrade.PathDirect, upgrade.PathBoth}, s.path) {
		err = errors.Join(err, fault.BadInput(fmt.Sprintf("path %q is not known", in.Path), "use auto, direct or both"))
	}
	return err
}

// open opens what the inputs name: a database, or a backup of one.
func (a *stagingUpgrade) open(ctx context.Context, o database.Options) (database.Database, error) {
	if a.set.fromBackup(&a.in) {
		if a.set.backup == "" || a.set.stateDir == "" {
			return nil, nil // told with the other inputs
		}
		return a.openBackup(ctx, o)
	}
	if a.in.DatabaseURL == "" {
		return nil, nil // told with the other inputs
	}
	o.Engine = a.in.BackupEngine
	return database.Open(a.in.DatabaseURL, o)
}

// openBackup opens the backup to rehearse with. A packed one lies in the clear until release.
func (a *stagingUpgrade) openBackup(ctx context.Context, o database.Options) (database.Database, error) {
	if err := a.set.vault.Fetch(ctx, a.set.backup); err != nil {
		return nil, err
	}
	m, release, err := a.set.vault.Open(ctx, a.set.backup)
	if err != nil {
		return nil, err
	}
	stored, err := database.OpenStored(ctx, m.Path, a.set.stateDir, o)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	if a.release = release; m.Path != a.set.backup {
		a.packed, a.set.backup = vault.PackedFile(a.set.backup), m.Path
	}
	return stored, nil
}

// interpreters returns which Pythons run both versions, as uv takes a range; "" when that is not
// known: uv then takes one, and says so when it does not fit.
func (a *stagingUpgrade) interpreters(ctx context.Context, index *pyenv.Index) string {
	revision, err := a.db.Revision(ctx)
	from := cmp.Or(a.in.From, revision)
	if err != nil || version.Valid(from) != nil {
		return ""
	}
	old, err := hops.Requires(ctx, index, from)
	if err != nil || a.in.To == "" {
		return old
	}
	target, err := hops.Requires(ctx, index, a.in.To)
	if err != nil {
		return old
	}
	return old + "," + target
}

// newestRelease is what mode rehearse upgrades to when nobody says to what.
func newestRelease(all []string) string {
	for _, v := range all { // newest first
		if !version.Prerelease(v) && !version.Yanked(v) && hops.FaultOf(v) == nil {
			return v
		}
	}
	return ""
}
