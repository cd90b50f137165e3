package upgrade

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
	"github.com/zenml-upgrade/zenml-upgrade/internal/isolate"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// run is one execution.
type run struct {
	Options
	engine
	report Report
	client *zenml.Client // to the public address, logged in

	serverVersion string
	running       []database.Run     // the runs that may not be cut off, as they were read last
	before        *zenml.Inventory   // null in a run that only recovers another
	backedUp      *database.Manifest // what the drill restores
	beside        map[string][]byte  // how the server was set up, kept in every backup
	artifactIDs   []string
	loadedOld     map[string]zenml.Loaded // what the old version loaded
	was           former
	ready         *ready // clients of the new version, imported and waiting
	copy          *database.Scratch
	room          *isolate.Room        // while a server of the copy is used: where its clients live too
	entered       *zenml.Client        // logged in to the new server before it was opened
	asked         string               // the version that the run was asked to lead to
	back          *wayBack             // mode rollback
	opened        *unpacked            // mode rollback
	changed       []string             // mode rollback: tables that were written to since
	own           []gate.Gate          // the run's own gates: the window and the rehearsal
	final         database.Fingerprint // what the final backup holds
	borrowed      bool                 // APIKey is of an account that was made in a copy
	keyed         bool                 // the copy of now has that account
	control       []zenml.Call         // what the old version's client can do on a server of its own; nil when not tried
	broken        *migration.Broken
	next          Server // the new version, loaded and waiting
	newest        Server // started last: its log explains a failure
	late          late
	timing        timing
	probe         Prober
	overdue       *time.Timer        // ends the way forward at MaxDowntime
	due           time.Time          // when that is
	teamPassed    string             // the version on which the team's own passed
	teamChecks    []Check            // how it ended there
	limit         func() *time.Timer // starts it
}

// Execute carries out the mode. The report is complete whatever happens; the error is not nil
// when no verdict could be formed: server or database out of reach, or a key that is refused.
func Execute(ctx context.Context, o Options) (*Report, error) {
	r := &run{Options: o, asked: o.To}
	r.now, r.progress, r.watch = o.Now, o.Progress, o.Watch
	defer func() { r.report.Running = r.From }()
	if o.Mode == Plan {
		return &r.report, r.plan(ctx)
	}
	if o.Mode == Verify {
		return &r.report, errors.Join(o.Unready, r.verify(ctx))
	}
	defer r.tidyOpened()
	if o.Mode == Rollback && o.ShowLoss {
		_, err := r.considerRollback(ctx)
		if err == nil && r.report.Outcome == "" {
			r.report.Outcome = Planned
		}
		return &r.report, err
	}
	release, err := o.DB.Lock(ctx, r.holder())
	if errors.Is(err, database.ErrHeld) {
		r.refuse(locked(err))
		return &r.report, nil
	}
	if err != nil {
		return &r.report, err
	}
	defer func() { _ = release() }() // the lock ends with our process in any case
	if err := r.sweep(ctx); err != nil {
		return &r.report, err
	}
	recovered, err := r.recover(ctx)
	if errors.Is(err, journal.ErrHeld) { // of another database, with the same state-dir
		r.refuse(locked(err))
		return &r.report, nil
	}
	if recovered || err != nil {
		return &r.report, err
	}
	if o.Mode == Rollback {
		return &r.report, r.rollBack(ctx)
	}
	if err := errors.Join(o.Unready, r.survey(ctx)); err != nil {
		return &r.report, err
	}
	err = r.execute(ctx)
	r.tidy(context.WithoutCancel(ctx))
	return &r.report, err
}

// sweep removes what killed runs left of backups. A snapshot that cannot be removed must not keep this
// run from putting anything back.
func (r *run) sweep(ctx context.Context) error {
	err := r.DB.Sweep(ctx, r.BackupDir)
	if !errors.Is(err, database.ErrNotForgotten) {
		return err
	}
	r.report.Problems = append(r.report.Problems, Problem{
		Code: "snapshot_not_forgotten", What: err.Error(), Remedy: "mend the hook forget; the next run asks it again. Until then the snapshot may cost and holds data",
	})
	return nil
}

func (o *Options) holder() string {
	return fmt.Sprintf("zenml-upgrade %s of %s", o.Mode, o.Environment)
}

func locked(err error) Problem {
	return Problem{Code: "locked", What: err.Error(), Remedy: "wait for that run to end", Blocks: true}
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
	missed := errors.Join(r.Unready, r.survey(ctx))
	r.examine(ctx)
	if missed != nil {
		return missed
	}
	if err := r.takeHistory(ctx, r.client, r.DB); err != nil {
		return unreachable("the pipeline runs could not be summed up", err, "check the rights of database-url's account and of the key in server-token")
	}
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
	j, err := r.createJournal(id)
	if err != nil {
		return err
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
	err = r.end()
	r.explainMigration(ctx)
	return err
}

func (r *run) createJournal(id string) (*journal.Journal, error) {
	j, err := journal.Create(r.StateDir, id, r.Now)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	if err := j.HeldBy(r.holder()); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// explainLimit bounds the looking for a repair: some wheels are fetched for it.
const explainLimit = 5 * time.Minute

// explainMigration looks for a repair of the migration that failed: last, for the way back must not
// wait for a package index.
func (r *run) explainMigration(ctx context.Context) {
	if f := r.report.Failure; f != nil && f.Migration != nil && r.Explain != nil {
		ctx, cancel := context.WithTimeout(ctx, explainLimit)
		defer cancel()
		r.Explain(ctx, r.To, f.Migration)
	}
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
		if r.forwards() {
			steps = append(steps, Step{Name: "rehearse the patch", Phase: "testing", Do: r.rehearsePatch})
		}
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
	var own *TeamError
	if errors.As(err, &own) {
		f.LogExcerpt, f.OfTeam = own.Log, true
	} else if r.newest != nil {
		_, f.LogExcerpt = r.newest.About()
	}
	if rev, err := r.DB.Revision(context.WithoutCancel(ctx)); err == nil {
		f.Revision = rev
	}
	r.noteBroken()
	f.Migration = r.broken
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
