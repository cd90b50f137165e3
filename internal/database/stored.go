package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// Stored is a database of which only a backup is at hand: what can be asked of it is what the backup
// says, and throw-away copies can be made of it. There is nothing to back up, or to restore to.
type Stored struct {
	Database // makes the copies; its source is never asked
	m        *Manifest
	lockDir  string
}

// OpenStored returns the database in a verified backup. A second user of lockDir, which holds the
// copies, is kept away by Lock. The copies of a database of a server live on a private one: whether
// scratch-database-url leads to the source's server cannot be tried without the source.
func OpenStored(ctx context.Context, backup, lockDir string, o Options) (*Stored, error) {
	m, err := Verify(ctx, backup)
	if err != nil {
		return nil, err
	}
	if o.ScratchURL != "" {
		return nil, fault.BadInput("scratch-database-url is given, and the source of the backup, from which it must differ, is not",
			"leave it away: this machine then needs the database's server program, or give database-url")
	}
	s := &Stored{m: m, lockDir: lockDir}
	if m.Server == nil {
		s.Database = &SQLite{}
		return s, nil
	}
	if m.Engine == EngineCommand {
		return nil, fault.BadInput(fmt.Sprintf("the backup %q is a snapshot: what restores it is the database's account, which a backup does not hold", backup),
			"leave backup away and give database-url: a snapshot is taken and rehearsed with")
	}
	o.Engine = ""
	if s.Database, err = openMySQL(m.SourceURL, o); err != nil {
		return nil, fmt.Errorf("reading the source that the backup %q names: %w", backup, err)
	}
	return s, nil
}

// Path returns the backup's folder.
func (s *Stored) Path() string { return s.m.Path }

// URL tells it from its source: a run on the one is none on the other.
func (s *Stored) URL() string { return "a backup of " + s.m.SourceURL }

// Revision returns what alembic_version held.
func (s *Stored) Revision(context.Context) (string, error) { return s.m.Revision, nil }

// Fingerprint returns what the backup holds.
func (s *Stored) Fingerprint(context.Context) (Fingerprint, error) { return s.m.Fingerprint(), nil }

// Size returns the bytes of the copy or dump.
func (s *Stored) Size(context.Context) (int64, error) { return s.m.Bytes, nil }

// Folders returns none.
func (s *Stored) Folders() []string { return nil }

// Others returns none: nobody uses a backup.
func (s *Stored) Others(context.Context) ([]string, error) { return nil, nil }

// Check finds nothing: what a copy needs of the machine is told when it is made.
func (s *Stored) Check(context.Context) []Finding { return nil }

var errStored = errors.New("only a backup is at hand, and no database")

// Backup refuses.
func (s *Stored) Backup(context.Context, string, Meta) (*Manifest, error) { return nil, errStored }

// Restore refuses.
func (s *Stored) Restore(context.Context, string) error { return errStored }

// Lock keeps a second run away from the folder of the copies until release is called or this process
// ends.
func (s *Stored) Lock(_ context.Context, holder string) (release func() error, err error) {
	if err := os.MkdirAll(s.lockDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for throw-away copies: %w", err)
	}
	path := filepath.Join(s.lockDir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking %q: %w", s.lockDir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, refuse(f, s.lockDir, err)
	}
	if err := writeHolder(f, holder); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %q: %w", s.lockDir, err), f.Close())
	}
	return func() error {
		// Said, and not left to the closing: a program that is just being started holds the file for a moment.
		return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close()) // the file stays: it says nothing when nobody holds it
	}, nil
}
