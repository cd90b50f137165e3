package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// errWritten stops a rollback: somebody's work since the opening would be lost.
var errWritten = errors.New("the database was written to since the new version opened")

// goBack undoes the steps and says in the report how that ended. cause is what ended the way
// forward; a failed way back is joined to it.
func (r *run) goBack(ctx context.Context, steps []Step, cause error) error {
	touched := r.began(stopStep)
	if touched && r.way(cause) == wayFreeze {
		r.report.Outcome = Frozen
		r.report.Failure.Advice = "the settings say so (rollback-on-failure, or rollback in the configuration): nothing was undone; " + r.byHand()
		return errors.Join(cause, r.note("frozen by choice"))
	}
	err := r.undo(ctx, steps)
	if err == nil && touched {
		err = r.serves(ctx, r.state.From) // asked last: nothing of the way back comes after it
	}
	switch {
	case errors.Is(err, errWritten):
		r.report.Outcome = Frozen
		exported, failed := r.exportWritten(ctx, r.state.FinalBackup, r.state.FinalAt)
		if failed != nil {
			exported = failed.Error()
		}
		r.report.Failure.Advice = fmt.Sprintf("%v (written_since_backup: %s), and rolling back would lose it; its data was left as it is; decide, and %s", err, exported, r.byHand())
	case err != nil:
		r.report.Outcome = RollbackFailed
		r.report.Failure.Advice = fmt.Sprintf("the rollback stopped: %v; the data is safe in the backup; run again to retry it, or %s", err, r.byHand())
	case touched:
		r.report.Outcome = RolledBack
		r.report.Failure.Advice = fmt.Sprintf("the old version %s serves again on its old data; mend the cause and run again", r.state.From)
		r.noteDowntime(ctx)
	}
	return errors.Join(cause, err)
}

// serves says whether this version answers on the public address.
func (r *run) serves(ctx context.Context, want string) error {
	got, err := zenml.New(r.PublicURL).Version(ctx)
	if err != nil {
		return fmt.Errorf("looking whether %s answers: %w", want, err)
	}
	if got != want {
		return fmt.Errorf("the public address answers with version %q, not %s", got, want)
	}
	return nil
}

// noteDowntime measures the downtime of a failed upgrade, when the probe saw both its ends.
func (r *run) noteDowntime(ctx context.Context) {
	if r.probe == nil {
		return
	}
	if s, err := r.awaitAnswer(ctx); err == nil {
		r.report.DowntimeSeconds = &s
	}
}

// byHand is what a person does when the tool must not or cannot go on.
func (r *run) byHand() string {
	if r.state.FinalBackup == "" {
		return fmt.Sprintf("to go back by hand: start ZenML %s again; its database was not changed", r.state.From)
	}
	return fmt.Sprintf("to go back by hand: follow RESTORE.md in %q, then start ZenML %s", r.state.FinalBackup, r.state.From)
}

// endNext ends the new version's process, also one that an earlier run left.
func (r *run) endNext(ctx context.Context) (string, error) {
	if r.next != nil {
		r.next.Stop(ctx)
		return "stopped", nil
	}
	return r.endChildren(ctx)
}

// endChildren proves that no process of an interrupted run lives.
func (r *run) endChildren(ctx context.Context) (string, error) {
	ended := 0
	for _, c := range r.state.Children {
		lived, err := r.Driver.End(ctx, c)
		if err != nil {
			return "", fmt.Errorf("ending process %d (%s): %w", c.Pid, c.What, err)
		}
		if lived {
			ended++
		}
	}
	return fmt.Sprintf("%d processes ended", ended), nil
}

// startOld brings the old version back to the public address and proves that it is whole.
func (r *run) startOld(ctx context.Context) (string, error) {
	// Not noted among the children: what undoes the steps before this one ends those, and until it
	// is open to the public the old version ends with us anyway.
	if err := r.Driver.StartOld(ctx, r.state.From); err != nil {
		return "", fmt.Errorf("starting the old version again: %w", err)
	}
	c, err := r.connect(ctx, r.PublicURL, r.state.From)
	if err != nil {
		return "", err
	}
	if err := r.isOurs(ctx); err != nil {
		return "", err
	}
	if err := r.whole(ctx, c); err != nil {
		return "", err
	}
	if _, err := r.readSecret(ctx, c); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s answers again", r.state.From), nil
}

// whole proves that the old version holds what it held. A run that recovers another one has no
// list of that; the restored content's digest speaks for it.
func (r *run) whole(ctx context.Context, c *zenml.Client) error {
	if r.before == nil {
		return nil
	}
	if !r.began(migrateStep) && !r.undone[migrateStep] {
		// Nothing was changed by us, and until the server stopped people could still delete.
		return reads(ctx, c)
	}
	if err := r.compare(ctx, c, r.DB.IDs); err != nil {
		return err
	}
	f, err := r.DB.Fingerprint(ctx)
	if err != nil {
		return fmt.Errorf("counting rows: %w", err)
	}
	return r.countRows(f.Tables)
}

// restore puts the old content back, exactly. The new version's process must be gone before.
func (r *run) restore(ctx context.Context) (string, error) {
	if _, err := r.endNext(ctx); err != nil {
		return "", fmt.Errorf("ending the new version before the restore: %w", err)
	}
	return r.restoreExactly(ctx, r.state.FinalBackup, r.state.ContentBefore)
}

// restoreExactly brings a backup back and proves by its digest that the content is the wanted one.
func (r *run) restoreExactly(ctx context.Context, backup, want string) (string, error) {
	if err := r.DB.Restore(ctx, backup); err != nil {
		return "", fmt.Errorf("restoring %q: %w", backup, err)
	}
	f, err := r.DB.Fingerprint(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the restored content: %w", err)
	}
	digest := f.Digest()
	r.report.Content = &Content{Before: want, After: &digest}
	if digest != want {
		return "", fmt.Errorf("the restored content %s differs from %s", digest, want)
	}
	return "content " + digest, nil
}

// withdraw is the way back after the opening: free only while nobody has written; that somebody used the
// server, which ZenML notes with every request, is no work that could be lost. The second look is
// taken when nobody can reach the server any more: what was written while the first one was taken,
// or after it, would else be restored away unseen.
func (r *run) withdraw(ctx context.Context) (string, error) {
	if !r.state.Opened {
		return "had not opened", nil
	}
	if !r.state.Withdrawn { // else a run was cut off between the two looks
		if err := r.noneWritten(ctx); err != nil {
			return "", err
		}
		r.state.Withdrawn = true
		if err := r.note("the new version is withdrawn"); err != nil {
			return "", err
		}
	}
	if _, err := r.endNext(ctx); err != nil {
		return "", fmt.Errorf("ending the new version: %w", err)
	}
	err := r.noneWritten(ctx)
	if !errors.Is(err, errWritten) {
		return "nothing was written since", err
	}
	if up := r.Driver.StartOld(ctx, r.state.To); up != nil {
		return "", fmt.Errorf("%w, while it was being ended; start ZenML %s again, its data is whole: %w", err, r.state.To, up)
	}
	return "", err
}

func (r *run) noneWritten(ctx context.Context) error {
	lines, now, err := r.writtenSinceOpening(ctx)
	if err != nil {
		return err
	}
	r.report.WrittenSinceBackup = append(slices.Clone(r.state.Written), lines...)
	r.changed = changedTables(*r.state.AtOpening, now)
	if len(r.report.WrittenSinceBackup) > 0 {
		return errWritten
	}
	return nil
}

func (r *run) writtenSinceOpening(ctx context.Context) (lines []string, now database.Fingerprint, err error) {
	if now, err = r.DB.Fingerprint(ctx); err != nil {
		return nil, now, fmt.Errorf("looking what was written since the opening: %w", err)
	}
	return r.state.AtOpening.DiffWork(now), now, nil
}
