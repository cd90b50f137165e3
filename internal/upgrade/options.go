package upgrade

import (
	"context"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/progress"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
)

// Mode says how far a run goes.
type Mode string

// The modes that are built.
const (
	Plan     Mode = "plan"
	BackUp   Mode = "backup"
	Rehearse Mode = "rehearse"
	Upgrade  Mode = "upgrade"
	Rollback Mode = "rollback"
	Verify   Mode = "verify"
)

// Options say what to do and with what.
type Options struct {
	Mode        Mode
	From, To    string // From "": the running server's version
	Commit      string
	Environment string
	Kind        string // staging, production, development: the phase of the cut-over's steps

	PublicURL string
	APIKey    string
	BackupDir string
	StateDir  string
	Terraform []string // folders below CodeRoot that describe the server; kept beside backups
	Vault     Vault    // what becomes of backups; nil leaves them where they are
	// EncryptionKey is that of the server's stored secrets; "": none is known. JWTKey says whether the key
	// of the server's tokens is known.
	EncryptionKey string
	JWTKey        bool
	HostedDisk    bool     // backup-dir lies on the disk of a runner that is gone after the job
	Workspace     []string // folders that workflows upload or clean: no backup goes there
	CodeRoot      string   // where the modules of pickled objects are found
	ArtifactRoot  string   // "": artifacts are not checked, and the report says so
	SecretsStore  string   // where the server keeps secrets: "sql", or the kind of an external store
	Critical      []string // names of the critical pipelines
	Backup        string   // path of a backup to rehearse with; "": one is taken
	Packed        string   // path of the packed file that Backup was unpacked from; "": it is no such one
	Path          string   // which ways are rehearsed: one of the Path constants
	OldClients    bool     // the old version's client is tried on the new server
	MaxDowntime   time.Duration
	Found         []Problem // what the caller found to stand against an upgrade; told with the preflight's

	// Gates judges what must hold before anything is touched, in the preflight and again before the old
	// server is stopped. clear says that nothing else stands against the upgrade. Nil: there are none.
	Gates      func(ctx context.Context, clear bool) []gate.Gate
	BackTo     string   // mode rollback: path of the backup to go back to; "": the last upgrade's, else the newest
	ShowLoss   bool     // mode rollback: say what would be lost and do nothing
	AcceptLoss bool     // mode rollback: go back although something would be lost
	Criteria   Criteria // what follows a failure
	Window     *Window  // the cut-over lies in it whole; nil: at any time
	// RehearsalMaxAge asks for a rehearsal by an earlier run that is not older; 0: none is asked for.
	RehearsalMaxAge time.Duration
	Drain           time.Duration // how long running pipelines are waited for; 0: they refuse the upgrade
	KeepBroken      bool          // rollback-on-failure false: freeze and leave it for a person
	// ProveRollback goes forward, back and forward again, unless KeepBroken: for environments whose
	// users can bear two downtimes.
	ProveRollback bool
	Unready       error // why nothing can be installed; an earlier run is put back all the same

	// Team is run before the new server opens, but never on an environment of kind production; nil: nothing
	// of the team's is.
	Team Team

	SmokeInPublic bool // the smoke pipeline runs after the opening; its work closes the way back by itself

	ByHooks bool // the driver's servers are no processes of ours: none waits loaded, none shows its database

	DB     Database
	Driver Driver
	Probe  func(url string) Prober
	Python func(ctx context.Context, version string) (string, error) // interpreter with that version's client
	// Stops returns the versions that the way hop by hop starts, the target last.
	Stops func(ctx context.Context, from, to string) ([]string, error)
	// Account makes an API key in a copy, which no server uses yet, where there is no APIKey.
	Account func(ctx context.Context, w World) (string, error)
	// Explain completes what is known of a broken migration, from the releases' scripts.
	Explain  func(ctx context.Context, to string, b *migration.Broken)
	Environ  []string
	Progress *progress.Display
	Now      func() time.Time

	// Watch is told of every entry of the journal, just before and just after it is on the disk; nil:
	// nobody is.
	Watch func(e journal.Entry, written bool)
}

// What Path may be.
const (
	PathAuto   = "auto"   // direct; hop by hop too when a migration fails on the direct way
	PathDirect = "direct" // direct alone
	PathBoth   = "both"
)
