package upgrade

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
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
	steps := []Step{
		{Name: "drain", Phase: phase, Do: r.drain, Undo: r.undrain},
		{Name: "load the new version", Phase: phase, Do: r.loadNext, Undo: r.endNext},
		{Name: "last look", Phase: phase, Do: r.lastLook},
		{Name: stopStep, Phase: phase, Do: r.stopOld, Undo: r.startOld},
		{Name: "final backup", Phase: phase, Do: r.finalBackup},
		{Name: "nobody wrote since", Phase: phase, Do: r.unchanged},
		{Name: migrateStep, Phase: phase, Do: r.migrate, Undo: r.restore},
		{Name: "check in private", Phase: phase, Do: r.checkPrivate},
		{Name: openStep, Phase: phase, Do: r.open, Undo: r.withdraw},
		{Name: publicStep, Phase: phase, Do: r.checkPublic},
	}
	if r.Criteria.Watched > 0 {
		steps = append(steps, Step{Name: watchStep, Phase: phase, Do: r.watchOpened})
	}
	return steps
}

// The outside world begins to notice at stopStep, and may write again from openStep on.
const (
	stopStep    = "stop the old server"
	migrateStep = "migrate"
	openStep    = "open to the public"
	publicStep  = "check in public"
	watchStep   = "watch the opened server"
)

// cutOver moves the real server to the new version, or puts everything back.
func (r *run) cutOver(ctx context.Context) error {
	if r.ProveRollback && !r.KeepBroken {
		if failed, err := r.proveRollback(ctx); failed || err != nil {
			if r.probe != nil {
				r.probe.Stop()
			}
			return err
		}
	}
	defer r.dismissClients()
	steps := r.cutOverSteps()
	err := r.forward(ctx, steps)
	if r.probe != nil {
		defer r.probe.Stop()
	}
	if err == nil {
		r.report.Outcome = Upgraded
		return nil
	}
	r.explain(ctx, err)
	if r.began(migrateStep) && r.way(err) == wayForward {
		forward := r.goForward(context.WithoutCancel(ctx))
		if forward == nil {
			return nil
		}
		steps, err = append(steps, r.forwardSteps()...), errors.Join(err, forward)
	}
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
	return "imports done, waiting", errors.Join(r.readyClients(ctx), r.readyTeam(ctx))
}

// lastLook refuses when the world moved since the rehearsal.
func (r *run) lastLook(ctx context.Context) (string, error) {
	if p := *r.report.PredictedDowntimeSeconds; r.MaxDowntime > 0 && p > r.MaxDowntime.Seconds() {
		return "", fmt.Errorf("the predicted downtime of %.0fs is above max-downtime (%s); nothing was stopped", p, r.MaxDowntime)
	}
	// First, so that a slow GitHub makes none of what is read here old.
	if err := r.gatesStillOpen(ctx, r.report.PredictedDowntimeRange[1]); err != nil {
		return "", err
	}
	revision, err := r.DB.Revision(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the database's revision: %w", err)
	}
	if revision != revisionOf(r.From) {
		return "", fmt.Errorf("the database moved to revision %q since the rehearsal; nothing was stopped", revision)
	}
	inv, err := r.client.Inventory(ctx, r.DB.IDs)
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
	// Last, for what begins after it is cut off.
	if err := r.readRuns(ctx); err != nil {
		return "", fmt.Errorf("looking for running pipelines: %w", err)
	}
	if running := r.underway(); len(running) > 0 {
		return "", fmt.Errorf("pipeline runs have begun since the preflight: %s; nothing was stopped", strings.Join(shorten(running), ", "))
	}
	return "nothing is running", nil
}

func (r *run) stopOld(ctx context.Context) (string, error) {
	r.probe = r.Probe(r.PublicURL)
	if err := await(ctx, answerLimit, r.probe.Answered); err != nil {
		return "", fmt.Errorf("the probe outside got no answer from %s; nothing was stopped: %w", r.PublicURL, err)
	}
	if r.MaxDowntime > 0 {
		r.overdue, r.due = r.limit(), r.Now().Add(r.MaxDowntime)
	}
	if err := r.Driver.StopOld(ctx); err != nil {
		return "", fmt.Errorf("stopping the old server: %w", err)
	}
	return "", nil
}

func (r *run) migrate(ctx context.Context) (string, error) {
	began := r.Now()
	err := r.next.Serve(ctx)
	r.noteLate(r.next)
	if err != nil {
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
	if err := r.examineAll(ctx, []examination{{"alone on the database", r.alone}}); err != nil {
		return "", err
	}
	// Last of what is looked at: what the team's own code writes must not lead another check astray.
	if err := r.runTeam(ctx); err != nil {
		return "", err
	}
	detail := "all checks passed"
	if len(r.state.Held) > 0 {
		// Before the content is taken: from the opening on only people's own writes may differ from it.
		released, err := r.release(ctx, r.entered)
		if err != nil {
			return "", err
		}
		detail += ", " + released
	}
	// Taken now and journalled before the address opens: from then on people write, and only this
	// tells whether the way back is still free.
	f, err := r.DB.Fingerprint(ctx)
	if err != nil {
		return "", err
	}
	r.state.AtOpening = &f
	return detail, r.countRows(f.Tables)
}

// alone proves that nobody but the new server is on the database: two that migrate at once destroy it.
func (r *run) alone(ctx context.Context) (string, error) {
	child, _ := r.next.About()
	if child.Pid == 0 {
		return "", notRunError{"the new server was started by hooks: which processes are its own is not known"}
	}
	others, err := r.DB.Strangers(ctx, []int{child.Pid})
	if errors.Is(err, database.ErrUnseen) {
		return "", notRunError{err.Error()}
	}
	if err != nil {
		return "", fmt.Errorf("looking who uses the database beside the new server: %w", err)
	}
	if len(others) > 0 {
		return "", fmt.Errorf("the new server is not alone on the database: %s", strings.Join(shorten(others), ", "))
	}
	return "no other process is", nil
}

// open ends the downtime.
func (r *run) open(ctx context.Context) (string, error) {
	if r.overdue != nil && !r.overdue.Stop() && ctx.Err() != nil {
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

// checkPublic proves that who asks the public address finds what was there.
func (r *run) checkPublic(ctx context.Context) (string, error) {
	// Logged in before the opening: a log-in is written down, and would close the way back.
	c := r.entered.At(r.PublicURL)
	if err := r.examineAll(ctx, []examination{{"public inventory", func(ctx context.Context) (string, error) {
		return nothingMissing, r.compare(ctx, c, r.DB.IDs)
	}}}); err != nil {
		return "", err
	}
	// What the key may not list was counted before the opening.
	if err := r.countRows(r.state.AtOpening.Tables); err != nil {
		return "", err
	}
	r.state.Held = nil // released before the opening; from here on no restore brings the held state back
	// Last: what it writes lets nobody but a person go back.
	return nothingMissing, r.smokeAfter(ctx, r.PublicURL)
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
