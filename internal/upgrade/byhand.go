package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// The steps of a rollback by hand at which it begins to touch the server and the database. From the
// first on a later run goes on with it: whoever asked for it has accepted the loss.
const (
	endNewStep    = "stop the running server"
	bringBackStep = "restore the old data"
)

func (r *run) byHandSteps() (before, after []Step) {
	const phase = "rollback"
	return []Step{
			{Name: "stop running pipelines", Phase: phase, Do: r.stopRuns},
			{Name: "back up what is there", Phase: phase, Do: r.saveNow},
			{Name: "drill the way back", Phase: phase, Do: r.drillBack},
		}, []Step{
			{Name: endNewStep, Phase: phase, Do: r.stopNew, Undo: r.startNew},
			{Name: "back up the last of it", Phase: phase, Do: r.saveLast},
			{Name: "export what was written", Phase: phase, Do: func(ctx context.Context) (string, error) { return r.exportWritten(ctx, r.back.Path, r.back.CreatedAt) }},
			{Name: bringBackStep, Phase: phase, Do: r.bringBack},
			{Name: "start the old version", Phase: phase, Do: r.startOldAgain},
		}
}

// rollBack carries out the mode rollback: it shows what would be lost, refuses to lose it unasked, and
// goes back to a backup.
func (r *run) rollBack(ctx context.Context) error {
	last, err := r.considerRollback(ctx)
	if err != nil || r.report.Outcome == Refused {
		return err
	}
	if err := r.openRollback(last); err != nil {
		return err
	}
	defer r.journal.Close()
	r.state.ByHand, r.state.BackTo, r.state.Packed = true, r.back.Path, r.opened.packed
	r.state.Accepted, r.state.Since = r.AcceptLoss, r.back.since
	before, after := r.byHandSteps()
	if err = r.engine.run(ctx, before); err == nil {
		err = r.engine.run(context.WithoutCancel(ctx), after) // an interrupt must not leave it half-way
	}
	return r.concludeByHand(ctx, err)
}

// openRollback goes on in the journal of an upgrade that has not ended, or begins one.
func (r *run) openRollback(last *journal.Record) error {
	if last != nil {
		return r.resume(last)
	}
	began := r.Now()
	id := began.UTC().Format("20060102T150405.000Z")
	j, err := r.createJournal(id)
	if err != nil {
		return err
	}
	r.journal, r.state = j, &State{
		RunID: id, From: r.From, To: r.To, Commit: r.Commit, Environment: r.Environment, StartedAt: began, Database: r.DB.URL(), Address: r.PublicURL,
	}
	return nil
}

// finishByHand goes on with a rollback by hand that was cut off after it had stopped the server. Every
// step from there on can be done again.
func (r *run) finishByHand(ctx context.Context) error {
	m, err := database.Verify(ctx, r.state.BackTo)
	r.back = &wayBack{Manifest: m, since: r.state.Since, unending: r.state.FinalBackup != ""}
	r.From, r.To = r.state.To, r.state.From
	if !r.back.unending { // a journal of its own
		r.From, r.To = r.To, r.From
	}
	if err == nil {
		r.report.Backup, r.To, r.report.Target = backupOf(m), m.ZenMLVersion, m.ZenMLVersion
		_, after := r.byHandSteps()
		if r.began(bringBackStep) { // what is there may be half of the old data; what was there is saved already
			after = slices.DeleteFunc(after, func(s Step) bool { return s.Name == "back up the last of it" || s.Name == "export what was written" })
		}
		err = r.engine.run(context.WithoutCancel(ctx), after)
	}
	return r.concludeByHand(ctx, err)
}

func (r *run) concludeByHand(ctx context.Context, err error) error {
	switch {
	case err == nil:
		r.report.Outcome = RolledBack
		r.report.Failure = nil
		r.noteDowntime(ctx)
	case !r.began(endNewStep):
		r.conclude(ctx, err)
	default:
		r.explain(ctx, err)
		r.report.Outcome = RollbackFailed
		r.report.Failure.Advice = fmt.Sprintf("the data that was there is safe in %q; run mode rollback again: it goes on where this one stopped; or by hand: follow RESTORE.md in %q, then start ZenML %s",
			r.state.Saved, r.back.path(), r.To)
		if !r.began(bringBackStep) {
			r.putUp(ctx)
		}
	}
	if r.probe != nil {
		r.probe.Stop()
	}
	r.report.Steps = r.results
	if r.report.Outcome == RollbackFailed && !r.undone[endNewStep] {
		return nil // the journal stays open: a later run goes on
	}
	if r.back.unending && r.report.Outcome != RolledBack { // the upgrade before it waits for a decision still
		r.state.ByHand = false
		return r.note("the rollback by hand was given up")
	}
	return r.write(Step{Name: "run"}, journal.End, string(r.report.Outcome))
}

// putUp starts the version again that a rollback had stopped before it failed.
func (r *run) putUp(ctx context.Context) {
	_, after := r.byHandSteps()
	if err := r.undo(context.WithoutCancel(ctx), after); err == nil {
		r.report.Failure.Advice = fmt.Sprintf("nothing was restored, and ZenML %s serves again on the data that was there; mend the cause and run again", r.From)
	}
}

// stopLimit is how long pipelines may take to end when they are asked to.
const stopLimit = time.Minute

// stopRuns asks the server to stop what is under way. What does not stop goes on without a server that
// knows of it: that was accepted with the loss.
func (r *run) stopRuns(ctx context.Context) (string, error) {
	if r.client == nil {
		return "the server could not be asked to stop anything", nil
	}
	asked := 0
	for _, o := range r.running {
		asked++
		if err := r.client.StopRun(ctx, o.ID); err != nil {
			r.report.Problems = append(r.report.Problems, Problem{
				Code: "pipeline_not_stopped", What: fmt.Sprintf("the pipeline run %q could not be stopped: %v", o.Name, err), Remedy: "stop it where it runs",
			})
		}
	}
	if asked == 0 {
		return "none is under way", nil
	}
	var failed error
	_ = await(ctx, stopLimit, func() bool { // what is late is told below
		failed = r.readRuns(ctx)
		return failed != nil || len(r.underway()) == 0
	})
	if ctx.Err() != nil || failed != nil {
		return "", errors.Join(context.Cause(ctx), failed)
	}
	if len(r.underway()) > 0 {
		return fmt.Sprintf("%d asked, still under way: %s", asked, strings.Join(shorten(r.underway()), ", ")), nil
	}
	return fmt.Sprintf("%d stopped", asked), nil
}

// saveNow backs up what going back replaces, while the server goes on, and proves that backup.
func (r *run) saveNow(ctx context.Context) (string, error) {
	m, err := r.DB.Backup(ctx, r.BackupDir, r.meta(false))
	if err != nil {
		return "", fmt.Errorf("backing up what is there: %w", err)
	}
	r.state.Saved = m.Path
	if err := r.drillOf(ctx, m.Path, r.From); err != nil {
		return "", err
	}
	return m.Path, nil
}

func (r *run) drillBack(ctx context.Context) (string, error) {
	if err := r.drillOf(ctx, r.back.Path, r.To); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s boots on the restored backup", r.To), nil
}

// drillOf proves a backup as the drill of an upgrade does, with the version that it is of.
func (r *run) drillOf(ctx context.Context, backup, v string) (err error) {
	began := r.Now()
	if err := r.makeCopy(ctx, backup); err != nil {
		return err
	}
	d := &Drill{Seconds: r.Now().Sub(began).Seconds()}
	r.report.Backup.Drill = d
	if d.Switched, err = r.quieten(ctx); err == nil {
		err = r.onCopy(ctx, World{Version: v}, func(s Server) (err error) {
			d.Secret, err = r.sound(ctx, s.PrivateURL(), v)
			return err
		})
	}
	d.Passed = err == nil
	if err != nil {
		err = fmt.Errorf("%s on a copy of %q: %w", v, backup, err)
	}
	return errors.Join(err, r.dropCopy(context.WithoutCancel(ctx)))
}

// sound says that a server of this version lets the key in, answers hydrated reads and decrypts.
func (r *run) sound(ctx context.Context, address, v string) (secret string, err error) {
	c, err := r.connect(ctx, address, v)
	if err != nil {
		return "", err
	}
	if err := reads(ctx, c); err != nil {
		return "", err
	}
	return r.readSecret(ctx, c)
}

// stopNew stops what serves. A server that is gone already is as good.
func (r *run) stopNew(ctx context.Context) (string, error) {
	r.probe = r.Probe(r.PublicURL)
	stopping := r.Driver.StopOld(ctx)
	if stopping == nil {
		return "", nil
	}
	gone, err := r.nothingRuns(ctx)
	if gone {
		return "none was running", nil
	}
	return "", fmt.Errorf("stopping the running server: %w", errors.Join(stopping, err))
}

// nothingRuns says whether nobody answers on the public address and nobody is on the database.
func (r *run) nothingRuns(ctx context.Context) (bool, error) {
	if _, err := zenml.New(r.PublicURL).Version(ctx); err == nil {
		return false, nil
	}
	others, err := r.DB.Others(ctx)
	return err == nil && len(others) == 0, err
}

func (r *run) startNew(ctx context.Context) (string, error) {
	if err := r.Driver.StartOld(ctx, r.From); err != nil {
		return "", fmt.Errorf("starting %s again: %w", r.From, err)
	}
	return fmt.Sprintf("%s answers again", r.From), r.serves(ctx, r.From)
}

// saveLast backs up what is there now that nobody writes any more.
func (r *run) saveLast(ctx context.Context) (string, error) {
	if err := r.unused(ctx); err != nil {
		return "", err
	}
	m, err := r.DB.Backup(ctx, r.BackupDir, r.meta(true))
	if err != nil {
		return "", fmt.Errorf("backing up what is there: %w", err)
	}
	r.state.Saved = m.Path
	return m.Path, r.lastLoss(m.Fingerprint())
}

// lastLoss looks once more at what going back loses, now that nobody can write any more: what was
// written since the first look is exported with the rest, and stops a rollback that was to lose nothing.
func (r *run) lastLoss(now database.Fingerprint) error {
	if r.back.since == nil {
		r.changed = changedTables(database.Fingerprint{}, now)
		return nil
	}
	r.changed = changedTables(*r.back.since, now)
	lost := r.back.since.DiffWork(now)
	if r.state.Accepted || len(lost) == 0 {
		return nil
	}
	r.report.WrittenSinceBackup = lost
	return fmt.Errorf("%s; it was written while the rollback was prepared and would be lost, which nobody accepted", strings.Join(shorten(lost), "; "))
}

// exportWritten writes beside a backup what people made since, for them to bring it back by hand.
func (r *run) exportWritten(ctx context.Context, backup string, since time.Time) (string, error) {
	path := backup + database.WrittenSuffix
	rows, err := r.DB.Export(ctx, path, r.changed, since)
	if err != nil {
		return "", fmt.Errorf("exporting what was written since the backup: %w", err)
	}
	r.report.WrittenExport = &path
	return fmt.Sprintf("%d rows in %s", rows, path), nil
}

func (r *run) bringBack(ctx context.Context) (string, error) {
	return r.restoreExactly(ctx, r.back.Path, r.back.ContentDigest)
}

func (r *run) startOldAgain(ctx context.Context) (string, error) {
	if err := r.Driver.StartOld(ctx, r.To); err != nil {
		return "", fmt.Errorf("starting %s: %w", r.To, err)
	}
	if err := r.isOurs(ctx); err != nil {
		return "", err
	}
	secret, err := r.sound(ctx, r.PublicURL, r.To)
	return fmt.Sprintf("%s answers, secret: %s", r.To, secret), err
}
