package upgrade

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/isolate"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
)

// Source is the reading half of what an upgrade asks of the database below a server.
type Source interface {
	Revision(ctx context.Context) (string, error) // the alembic revision, "" when there is none
	Fingerprint(ctx context.Context) (database.Fingerprint, error)
	Size(ctx context.Context) (int64, error)      // bytes
	Folders() []string                            // where it keeps its files on this machine, if it does
	Others(ctx context.Context) ([]string, error) // who else is connected
	// Strangers is Others without the processes of these ids.
	Strangers(ctx context.Context, pids []int) ([]string, error)
	Runs(ctx context.Context, take func(database.Run)) error    // every pipeline run, one row at a time
	IDs(ctx context.Context, table string) ([]uuid.UUID, error) // of every row of one of ZenML's tables
}

// Keeper backs the database up and puts it back.
type Keeper interface {
	Backup(ctx context.Context, dir string, meta database.Meta) (*database.Manifest, error) // a new folder below dir
	Restore(ctx context.Context, backup string) error                                       // exact, proved by fingerprints
	// Export writes the rows of tables that were made or changed since a time as JSON lines, without secrets.
	Export(ctx context.Context, path string, tables []string, since time.Time) (rows int64, err error)
	// Scratch makes a restored throw-away copy. begun learns its mark before it holds anything.
	Scratch(ctx context.Context, backup, dir string, begun func(database.Mark) error) (*database.Scratch, error)
	Drop(ctx context.Context, m database.Mark) error                           // removes a copy, also one of an earlier run
	Lock(ctx context.Context, holder string) (release func() error, err error) // database.ErrHeld
	Sweep(ctx context.Context, dir string) error                               // unfinished backups of killed runs, with the lock held
}

// Database is both.
type Database interface {
	Source
	Keeper
	URL() string                                  // without a password
	Check(ctx context.Context) []database.Finding // what stands against a backup or its way back
}

// Vault is what becomes of finished backups.
type Vault interface {
	Keeps() bool                                          // whether there is a destination beside backup-dir
	Mark(m *database.Manifest) error                      // it was restored and proved good
	Copy(ctx context.Context, m *database.Manifest) error // to the destination; nil: read back, the same
	Tidy(ctx context.Context, held []string) error        // encrypts and removes, but not these folders
	NewestHere() (path string, err error)                 // in backup-dir, a folder or a packed file; "": none
	// Fetch brings one that is in the destination alone to backup-dir; nothing where there is no need.
	Fetch(ctx context.Context, path string) error
	// Open verifies a backup. A packed one lies in the clear until release.
	Open(ctx context.Context, path string) (m *database.Manifest, release func() error, err error)
	SweepOpened(held []string) error // what killed runs left in the clear, but not these folders
}

// Driver starts and stops the servers of one environment.
type Driver interface {
	Check(ctx context.Context) []Problem               // what forbids stopping the running server and starting it again
	StopOld(ctx context.Context) error                 // returns when its process is gone
	StartOld(ctx context.Context, v string) error      // the old version on the public address, unless it answers there already
	Load(ctx context.Context, w World) (Server, error) // a process waits, nothing listens, no database is touched
	End(ctx context.Context, c Child) (bool, error)    // ends a process of an earlier run; false when it no longer lived
}

// World says which server to load.
type World struct {
	Version  string        // the old one, the new one, or one between them on a copy
	StoreURL string        // "": the real database
	Room     *isolate.Room // where the server of a copy lives; nil for the real database's
}

// Server is a loaded server. ZenML's own backup is switched off in it: it runs on a copy, or on a
// database whose backup was proved.
type Server interface {
	Serve(ctx context.Context) error // migrates its database; answers on the private address
	PrivateURL() string
	Open(ctx context.Context) error // the public address answers too, and the server outlives us
	Stop(ctx context.Context)       // returns when its process is gone
	About() (c Child, log string)   // log: the end of what it wrote, secrets removed
}

// Migrator is what a Server may be beside that: one that can say how its migration went.
type Migrator interface{ Course() Course }

// Course is how far a migration came.
type Course struct {
	Revisions []RevisionTime // that ended, in order; their versions are not known
	Broken    *migration.Broken
	Deferred  []string // foreign keys that were added without a look at the rows
}

// Team is the team's own code on a new server that nobody else can reach yet.
type Team interface {
	// Prepare installs and copies what a version's client needs, so that this does not lie in the downtime.
	Prepare(ctx context.Context, version string) error
	// Run runs it with the server's key on an address. What is in checks is complete also beside an error;
	// a check that failed is told by a *TeamError.
	Run(ctx context.Context, address, key string) (checks []Check, err error)
}

// TeamError says that something of the team's own failed on the new version.
type TeamError struct {
	What string
	Log  string // the end of what it wrote, secrets removed
}

func (e *TeamError) Error() string { return e.What }

// Prober measures from outside when the public address answers.
type Prober interface {
	// Answered says whether the address has answered at all; before that nothing is measured.
	Answered() bool
	// Downtime returns the seconds between the old version's last answer and the first answer after
	// it, and false when there was none yet.
	Downtime() (seconds float64, ok bool)
	// Count begins to count questions; Unanswered says how many nobody answered since.
	Count()
	Unanswered() (unanswered, asked int)
	Stop()
}
