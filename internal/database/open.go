package database

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hook"
)

// Database is the database of a ZenML server, whatever keeps it.
type Database interface {
	Reader
	Keeper
	StoreURL() string                                              // as ZenML takes it (ZENML_STORE_URL); may hold a password
	Same(storeURL string) bool                                     // whether such an address leads to this database
	OpenIn(ctx context.Context, pids []int) (bool, error)          // whether one of these processes uses it
	Check(ctx context.Context) []Finding                           // what stands against a backup or its way back
	Lock(ctx context.Context, holder string) (func() error, error) // against a second run of this tool: ErrHeld
}

// Reader reads.
type Reader interface {
	URL() string                                  // without a password
	Revision(ctx context.Context) (string, error) // what alembic_version holds
	Fingerprint(ctx context.Context) (Fingerprint, error)
	Size(ctx context.Context) (int64, error)      // bytes
	Folders() []string                            // of this machine, that it keeps its files in
	Others(ctx context.Context) ([]string, error) // who else uses it
	// Strangers is Others without the processes of these ids.
	Strangers(ctx context.Context, pids []int) ([]string, error)
	Runs(ctx context.Context, take func(Run)) error             // every pipeline run, one row at a time
	IDs(ctx context.Context, table string) ([]uuid.UUID, error) // of every row of one of ZenML's tables
}

// Keeper backs up and brings back.
type Keeper interface {
	Backup(ctx context.Context, dir string, meta Meta) (*Manifest, error)
	Restore(ctx context.Context, backup string) error
	Scratch(ctx context.Context, backup, dir string, begun func(Mark) error) (*Scratch, error)
	Drop(ctx context.Context, m Mark) error
	// Export writes the rows of tables that were made or changed since a time as JSON lines, without secrets.
	Export(ctx context.Context, path string, tables []string, since time.Time) (rows int64, err error)
	Sweep(ctx context.Context, dir string) error // removes the unfinished backups of killed runs
}

// Finding is something that stands against a backup or its way back.
type Finding struct {
	Code   string
	What   string
	Remedy string
	Blocks bool
}

// Options are what a database on a server needs beside its URL.
type Options struct {
	Environ    []string // our process's environment: programs are found on its PATH
	CacheDir   string   // what takes time to make is kept there; "" keeps nothing
	Engine     string   // what backups are made with, one of the Engine constants; "": EngineDump
	ScratchURL string   // a server where throw-away databases may be made; "": only private processes
	Production bool     // then no throw-away database is made on the source's own server
	// Snapshots are the commands take, restore, drop and forget of EngineCommand; nil when there are none.
	// They are needed for the snapshots that there are, also when Engine is another by now.
	Snapshots *hook.Set
}

// What makes backups of a database on a server.
const (
	EngineDump     = "dump" // mysqldump or mariadb-dump
	EngineMydumper = mysql.Mydumper
	EngineCommand  = "command" // snapshots by commands of the configuration
)

// Engines lists them.
var Engines = []string{EngineDump, EngineMydumper, EngineCommand}

// Open returns the database behind a URL (contract, "Database URLs"). A file is looked at, a
// server is not asked yet.
func Open(rawURL string, o Options) (Database, error) {
	const works = "what works: sqlite, mysql (for MariaDB, too); "
	scheme, _, ok := strings.Cut(rawURL, "://")
	switch {
	case !ok:
		return nil, fault.BadInput("the database URL has no scheme", works+urlForm) // not quoted: it may hold a password
	case scheme == "mysql":
		d, err := openMySQL(rawURL, o)
		if err != nil {
			return nil, err // not d: an interface that holds a nil pointer is not nil
		}
		return d, nil
	case strings.HasPrefix(scheme, "mysql+") || strings.HasPrefix(scheme, "mariadb"):
		return nil, fault.BadInput(fmt.Sprintf("database-url has the scheme %q", cut(scheme, 20)), mysql.Form)
	case scheme != "sqlite":
		return nil, fault.BadInput(fmt.Sprintf("database-url has the unknown scheme %q", cut(scheme, 20)), works+urlForm)
	case o.Engine != "" && o.Engine != EngineDump:
		return nil, fault.BadInput(fmt.Sprintf("backup-engine is %s, but the database is SQLite's", o.Engine), "leave backup-engine away: a file is copied")
	case o.ScratchURL != "":
		return nil, fault.BadInput("scratch-database-url is given, but a copy of a SQLite database is a file", "leave scratch-database-url away")
	}
	d, err := OpenSQLite(rawURL)
	if err != nil {
		return nil, err
	}
	return d, nil
}
