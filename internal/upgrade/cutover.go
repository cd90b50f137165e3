package upgrade

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// answerLimit is how long the opened address may take to be seen from outside.
const answerLimit = 30 * time.Second

// cutOverSteps are the steps that touch the real server and database, in order. Every undo acts on
// what it finds, so that it can run twice and in another process than the step it undoes.
func (r *run) cutOverSteps() []Step {
	phase := "staging"
	if r.Kind == "production" {
		phase = "production"
	}
	return []Step{
		{Name: "load the new version", Phase: phase, Do: r.loadNext, Undo: r.endNext},
		{Name: "last look", Phase: phase, Do: r.lastLook},
		{Name: stopStep, Phase: phase, Do: r.stopOld, Undo: r.startOld},
		{Name: "final backup", Phase: phase, Do: r.finalBackup},
		{Name: "migrate", Phase: phase, Do: r.migrate, Undo: r.restore},
		{Name: "check in private", Phase: phase, Do: r.checkPrivate},
		{Name: openStep, Phase: phase, Do: r.open, Undo: r.withdraw},
		{Name: "check in public", Phase: phase, Do: r.checkPublic},
	}
}

// The outside world begins to notice at stopStep, and may write again from openStep on.
const (
	stopStep = "stop the old server"
	openStep = "open to the public"
)

// cutOver moves the real server to the new version, or puts everything back.
func (r *run) cutOver(ctx context.Context) error {
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.limit = func() *time.Timer {
		return time.AfterFunc(r.MaxDowntime, func() { cancel(fmt.Errorf("the downtime passed max-downtime (%s)", r.MaxDowntime)) })
	}
	defer r.dismissClients()
	steps := r.cutOverSteps()
	err := r.engine.run(limited, steps)
	if r.probe != nil {
		defer r.probe.Stop()
	}
	if err == nil {
		r.report.Outcome = Upgraded
		return nil
	}
	r.explain(ctx, err)
	// The way back must not be cut short by what ended the way forward.
	return r.goBack(context.WithoutCancel(ctx), steps, err)
}

func (r *run) loadNext(ctx context.Context) (string, error) {
	s, err := r.Driver.Load(ctx, World{Version: r.To})
	if err != nil {
		return "", fmt.Errorf("loading %s: %w", r.To, err)
	}
	r.next = s
	r.started(s)
	return "imports done, waiting", r.readyClients(ctx)
}

// lastLook refuses when the world moved since the rehearsal.
func (r *run) lastLook(ctx context.Context) (string, error) {
	if p := *r.report.PredictedDowntimeSeconds; r.MaxDowntime > 0 && p > r.MaxDowntime.Seconds() {
		return "", fmt.Errorf("the predicted downtime of %.0fs is above max-downtime (%s); nothing was stopped", p, r.MaxDowntime)
	}
	if err := r.readRuns(ctx, "false"); err != nil {
		return "", fmt.Errorf("listing pipeline runs: %w", err)
	}
	if running := r.underway(); len(running) > 0 {
		return "", fmt.Errorf("pipeline runs have begun since the preflight: %s; nothing was stopped", strings.Join(shorten(running), ", "))
	}
	revision, err := r.DB.Revision(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the database's revision: %w", err)
	}
	if revision != revisionOf(r.From) {
		return "", fmt.Errorf("the database moved to revision %q since the rehearsal; nothing was stopped", revision)
	}
	inv, err := r.client.Inventory(ctx)
	if err != nil {
		return "", fmt.Errorf("listing what the server holds: %w", err)
	}
	r.before = &inv // what people did during the rehearsal is theirs and must be there afterwards
	if r.was.boundaries, err = r.client.Boundaries(ctx); err != nil {
		return "", fmt.Errorf("asking who may do what: %w", err)
	}
	if r.was.definitions, err = r.client.Definitions(ctx); err != nil {
		return "", err
	}
	return "nothing is running", nil
}

func (r *run) stopOld(ctx context.Context) (string, error) {
	r.probe = r.Probe(r.PublicURL)
	if err := await(ctx, answerLimit, r.probe.Answered); err != nil {
		return "", fmt.Errorf("the probe outside got no answer from %s; nothing was stopped: %w", r.PublicURL, err)
	}
	if r.MaxDowntime > 0 {
		r.overdue = r.limit()
	}
	if err := r.Driver.StopOld(ctx); err != nil {
		return "", fmt.Errorf("stopping the old server: %w", err)
	}
	return "", nil
}

// finalBackup is what a rollback restores: taken when nothing writes any more.
func (r *run) finalBackup(ctx context.Context) (string, error) {
	others, err := r.DB.Others(ctx)
	if err != nil {
		return "", fmt.Errorf("looking who else uses the database: %w", err)
	}
	if len(others) > 0 {
		return "", fmt.Errorf("the database is still in use by %s: what they write would be lost", strings.Join(others, ", "))
	}
	m, err := r.DB.Backup(ctx, r.BackupDir, r.meta(true))
	if err != nil {
		return "", fmt.Errorf("taking the final backup: %w", err)
	}
	drill := r.report.Backup.Drill // proved with the same engine a moment ago
	r.report.Backup = backupOf(m)
	r.report.Backup.Drill = drill
	r.state.FinalBackup, r.state.ContentBefore = m.Path, m.ContentDigest
	r.report.Content = &Content{Before: m.ContentDigest}
	if r.keeps() {
		if err := r.keep(ctx, m); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d kB, content %s", m.Bytes>>10, m.ContentDigest), nil
}

func (r *run) migrate(ctx context.Context) (string, error) {
	began := r.Now()
	if err := r.next.Serve(ctx); err != nil {
		return "", err
	}
	s := r.Now().Sub(began).Seconds()
	r.report.MigrationSeconds = &s
	return fmt.Sprintf("%s to %s", r.From, r.To), nil
}

func (r *run) checkPrivate(ctx context.Context) (string, error) {
	revision, err := r.DB.Revision(ctx)
	if err != nil {
		return "", err
	}
	if err := r.check(ctx, r.next.PrivateURL(), revision); err != nil {
		return "", err
	}
	// Taken now and journalled before the address opens: from then on people write, and only this
	// tells whether the way back is still free.
	f, err := r.DB.Fingerprint(ctx)
	if err != nil {
		return "", err
	}
	r.state.AtOpening = &f
	return "all checks passed", r.countRows(f.Tables)
}

// open ends the downtime.
func (r *run) open(ctx context.Context) (string, error) {
	if r.overdue != nil && !r.overdue.Stop() {
		return "", context.Cause(ctx)
	}
	r.state.Opened = true
	if err := r.next.Open(ctx); err != nil {
		return "", fmt.Errorf("opening the public address: %w", err)
	}
	s, err := r.awaitAnswer(ctx)
	if err != nil {
		return "", err
	}
	r.report.DowntimeSeconds = &s
	return fmt.Sprintf("downtime %.1fs", s), nil
}

// checkPublic compares the whole inventory, which takes long on a large server, after the downtime.
func (r *run) checkPublic(ctx context.Context) (string, error) {
	return "nothing is missing", r.checkInventory(ctx, r.PublicURL)
}

// awaitAnswer waits until the probe outside has seen the public address answer again.
func (r *run) awaitAnswer(ctx context.Context) (float64, error) {
	var seconds float64
	err := await(ctx, answerLimit, func() (ok bool) {
		seconds, ok = r.probe.Downtime()
		return ok
	})
	if err != nil {
		return 0, fmt.Errorf("the public address did not answer: %w", err)
	}
	return seconds, nil
}

// await waits until the condition holds.
func await(ctx context.Context, limit time.Duration, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s: %w", limit, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}
