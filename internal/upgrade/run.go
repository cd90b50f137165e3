package upgrade

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/isolate"
	"github.com/zenml-upgrade/zenml-upgrade/internal/progress"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// Mode says how far a run goes.
type Mode string

// The modes that are built.
const (
	Plan     Mode = "plan"
	BackUp   Mode = "backup"
	Rehearse Mode = "rehearse"
	Upgrade  Mode = "upgrade"
)

// Options say what to do and with what.
type Options struct {
	Mode        Mode
	From, To    string // From "": the running server's version
	Commit      string
	Environment string
	Kind        string // staging, production, development: the phase of the cut-over's steps

	PublicURL     string
	APIKey        string
	BackupDir     string
	StateDir      string
	Workspace     []string // folders that workflows upload or clean: no backup goes there
	CodeRoot      string   // where the modules of pickled objects are found
	Terraform     []string // folders below CodeRoot that describe the server; kept beside backups
	ArtifactRoot  string   // "": artifacts are not checked, and the report says so
	EncryptionKey string   // of the server's stored secrets; "": none is known
	JWTKey        bool     // whether the key of the server's tokens is known
	HostedDisk    bool     // backup-dir lies on the disk of a runner that is gone after the job
	SecretsStore  string   // where the server keeps secrets: "sql", or the kind of an external store
	Critical      []string // names of the critical pipelines
	MaxDowntime   time.Duration
	KeepBroken    bool  // rollback-on-failure false: freeze and leave it for a person
	Unready       error // why nothing can be installed; an earlier run is put back all the same

	ByHooks bool // the driver's servers are no processes of ours: none waits loaded, none shows its database

	DB       Database
	Vault    Vault // what becomes of backups; nil leaves them where they are
	Driver   Driver
	Probe    func(url string) Prober
	Python   func(ctx context.Context, version string) (string, error) // interpreter with that version's client
	Environ  []string
	Progress *progress.Display
	Now      func() time.Time
}

// run is one execution.
type run struct {
	Options
	engine
	report Report
	client *zenml.Client // to the public address, logged in

	serverVersion string
	runs          []object
	before        *zenml.Inventory   // null in a run that only recovers another
	backedUp      *database.Manifest // what the drill restores
	beside        map[string][]byte  // how the server was set up, kept in every backup
	artifactIDs   []string
	loadedOld     map[string]zenml.Loaded // what the old version loaded
	was           former
	ready         *ready // clients of the new version, imported and waiting
	copy          *database.Scratch
	room          *isolate.Room // while a server of the copy is used: where its clients live too
	next          Server        // the new version, loaded and waiting
	newest        Server        // started last: its log explains a failure
	timing        timing
	probe         Prober
	overdue       *time.Timer        // ends the way forward at MaxDowntime
	limit         func() *time.Timer // starts it
}

// Execute carries out the mode. The report is complete whatever happens; the error is not nil
// when no verdict could be formed: server or database out of reach, or a key that is refused.
func Execute(ctx context.Context, o Options) (*Report, error) {
	r := &run{Options: o}
	r.now, r.progress = o.Now, o.Progress
	defer func() { r.report.Running = r.From }()
	if o.Mode == Plan {
		return &r.report, r.plan(ctx)
	}
	release, err := o.DB.Lock(ctx, fmt.Sprintf("zenml-upgrade %s of %s", o.Mode, o.Environment))
	if errors.Is(err, database.ErrHeld) {
		r.refuse(Problem{Code: "locked", What: err.Error(), Remedy: "wait for that run to end", Blocks: true})
		return &r.report, nil
	}
	if err != nil {
		return &r.report, err
	}
	defer func() { _ = release() }() // the lock ends with our process in any case
	recovered, err := r.recover(ctx)
	if recovered || err != nil {
		return &r.report, err
	}
	if err := errors.Join(o.Unready, r.survey(ctx)); err != nil {
		return &r.report, err
	}
	err = r.execute(ctx)
	r.tidy(context.WithoutCancel(ctx))
	return &r.report, err
}

// plan says what stands against an upgrade and changes nothing. Like preflight it goes on after a
// fault: a person wants to hear all of them at once.
func (r *run) plan(ctx context.Context) error {
	if r.StateDir != "" {
		last, err := journal.Last(r.StateDir)
		if err != nil {
			return err
		}
		if last != nil && !last.Finished() {
			r.report.Problems = append(r.report.Problems, unfinishedRun(last))
		}
	}
	unreachable := errors.Join(r.Unready, r.survey(ctx))
	r.examine(ctx)
	if unreachable != nil {
		return unreachable
	}
	r.report.Inventory = inventory(r.runs, r.Critical)
	r.report.Outcome = Planned
	return nil
}

// refuse ends a run before it began.
func (r *run) refuse(p Problem) {
	r.report.Outcome = Refused
	r.report.Problems = append(r.report.Problems, p)
}

func (r *run) execute(ctx context.Context) error {
	began := r.Now()
	id := began.UTC().Format("20060102T150405.000Z")
	j, err := journal.Create(r.StateDir, id, r.Now)
	if err != nil {
		return fmt.Errorf("opening the journal: %w", err)
	}
	defer j.Close()
	r.journal, r.results = j, nil
	r.state = &State{
		RunID: id, From: r.From, To: r.To, Commit: r.Commit, Environment: r.Environment, StartedAt: began,
		Database: r.DB.URL(), Address: r.PublicURL,
	}
	err = r.engine.run(ctx, r.prepare())
	err = errors.Join(err, r.dropCopy(context.WithoutCancel(ctx)))
	if err == nil && r.Mode == Upgrade {
		err = r.cutOver(ctx)
	}
	r.report.Steps = r.results
	r.conclude(ctx, err)
	return r.end()
}

// prepare lists the steps that do not touch the real server or database.
func (r *run) prepare() []Step {
	steps := []Step{
		{Name: "preflight", Phase: "backup", Do: r.preflight},
		{Name: "inventory", Phase: "backup", Do: r.takeInventory},
		{Name: "backup", Phase: "backup", Do: r.backup},
		{Name: "restore drill", Phase: "backup", Do: r.drill},
	}
	if r.keeps() {
		steps = append(steps, Step{Name: "keep the backup", Phase: "backup", Do: func(ctx context.Context) (string, error) {
			return "copied, read back, the same", r.keep(ctx, r.backedUp)
		}})
	}
	if r.Mode != BackUp {
		steps = append(steps, Step{Name: "rehearsal", Phase: "testing", Do: r.rehearse})
	}
	return steps
}

// conclude turns how the steps ended into an outcome, when the cut-over has not already said it.
func (r *run) conclude(ctx context.Context, err error) {
	switch {
	case r.report.Outcome != "":
	case err == nil:
		r.report.Outcome = map[Mode]Outcome{BackUp: BackedUp, Rehearse: Rehearsed, Upgrade: Upgraded}[r.Mode]
	default:
		r.explain(ctx, err)
		r.report.Outcome = Refused
		if ctx.Err() != nil {
			r.report.Outcome = Interrupted
		}
	}
}

// explain fills the report's failure, once.
func (r *run) explain(ctx context.Context, err error) {
	if r.report.Failure != nil {
		return
	}
	f := &Failure{Message: err.Error(), Advice: "nothing of the running server or its database was changed; mend the cause and run again"}
	var step *StepError
	if errors.As(err, &step) {
		f.Step, f.Message = step.Step, step.Err.Error()
	}
	if r.newest != nil {
		_, f.LogExcerpt = r.newest.About()
	}
	if rev, err := r.DB.Revision(context.WithoutCancel(ctx)); err == nil {
		f.Revision = rev
	}
	r.report.Failure = f
}

// end closes the journal of a run that needs no further hand. One that is frozen or whose rollback
// failed stays open, so that no later run goes on as if nothing had been.
func (r *run) end() error {
	if o := r.report.Outcome; o == Frozen || o == RollbackFailed {
		return nil
	}
	return r.write(Step{Name: "run"}, journal.End, string(r.report.Outcome))
}
