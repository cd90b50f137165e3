package upgrade

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
)

// wayBack is what a rollback by hand goes back to.
type wayBack struct {
	*database.Manifest
	since    *database.Fingerprint // the content when people began to write; nil when that is not known
	unending bool                  // the upgrade that it takes back has not ended: it was frozen
}

// considerRollback tells what stands against a rollback, its loss among it, and changes nothing. It
// returns the run whose journal the rollback goes on in, nil for none.
func (r *run) considerRollback(ctx context.Context) (*journal.Record, error) {
	said := r.From
	last, err := r.findWayBack(ctx)
	if err == nil && r.back != nil {
		if err = r.lookAtLoss(ctx); err == nil {
			p := problems(r.report.Problems)
			r.checkServerVersion(said, &p)
			r.report.Problems = p
			r.checkDriver(ctx)
		}
	}
	if err == nil {
		r.judgeGates(ctx)
	}
	if err == nil && len(problems(r.report.Problems).blocking()) > 0 {
		r.report.Outcome = Refused
	}
	return last, err
}

// findWayBack chooses the backup: the given one, else the one that the last upgrade would have gone
// back to, else the newest. It returns the run whose journal the rollback goes on in, nil for none.
func (r *run) findWayBack(ctx context.Context) (*journal.Record, error) {
	runs, err := journal.Runs(r.StateDir)
	if err != nil {
		return nil, err
	}
	p := problems(r.report.Problems)
	defer func() { r.report.Problems = p }()
	path, states := r.BackTo, make([]State, len(runs))
	for i, run := range runs {
		if states[i], err = lastState(run); err != nil {
			return nil, err
		}
		if s := states[i]; s.Opened && !s.ByHand && s.Database == r.DB.URL() {
			path = cmp.Or(path, s.FinalBackup)
		}
	}
	if path == "" {
		if path, err = r.Vault.NewestHere(); err != nil {
			return nil, err
		}
		if path == "" {
			p.block("no_backup", fmt.Sprintf("%q holds no backup of this database", r.BackupDir), "give the right backup-dir, or backup: the name of one in backup-destination, too")
			return nil, nil
		}
	}
	if err = r.Vault.Fetch(ctx, path); err != nil && !fault.IsInput(err) {
		return nil, err
	}
	var m *database.Manifest
	if err == nil {
		m, err = r.openWayBack(ctx, path)
	}
	if !r.opens(m, err, &p) {
		return nil, nil
	}
	r.back, r.To, r.report.Target = &wayBack{Manifest: m}, m.ZenMLVersion, m.ZenMLVersion
	r.report.Backup = backupOf(m)
	for i, s := range states { // the newest first: what was there when people began to write
		if s.ByHand && filepath.Base(s.BackTo) == filepath.Base(m.Path) && endedAs(runs[i], RolledBack) {
			f := m.Fingerprint()
			r.back.since = &f
			break
		}
		if s.Opened && s.ContentBefore == m.ContentDigest && filepath.Base(s.FinalBackup) == filepath.Base(m.Path) {
			r.back.since = s.AtOpening
			break
		}
	}
	last, err := journal.Last(r.StateDir)
	if err != nil || last == nil || last.Finished() {
		return nil, err
	}
	r.back.unending = true
	return last, nil
}

// opens says whether a backup was opened that can be gone back to; p learns why not.
func (r *run) opens(m *database.Manifest, err error, p *problems) bool {
	switch {
	case fault.IsInput(err):
		p.block("backup_not_opened", err.Error(), "give backup-identity, or another backup")
	case fault.NoRoom(err):
		p.block("backup_not_opened", err.Error(), "make room on the disk of state-dir")
	case err != nil:
		p.block("backup_not_whole", err.Error(), "give another backup")
	case m.SourceURL != r.DB.URL():
		p.block("other_database", fmt.Sprintf("the backup %q is of the database %s", m.Path, m.SourceURL), "give a backup of this database")
	default:
		return true
	}
	return false
}

// endedAs says whether a run came to its end with this outcome.
func endedAs(run *journal.Record, o Outcome) bool {
	return run.Finished() && run.Entries[len(run.Entries)-1].Detail == string(o)
}

// lookAtLoss says what going back would lose. Nothing is logged in to before the content was read: a
// log-in is written down, too.
func (r *run) lookAtLoss(ctx context.Context) error {
	lost := []string{}
	now, err := r.DB.Fingerprint(ctx)
	switch {
	case err != nil:
		return unreachable("what the database holds cannot be read, so nothing of it could be kept", err, "mend the database, or follow RESTORE.md of the backup by hand")
	case r.back.since != nil:
		lost = r.back.since.DiffWork(now)
		if len(r.back.since.Diff(now)) > len(lost) {
			p := problems(r.report.Problems)
			p.review("use_forgotten", "when keys were used and the server was active since, and which requests it remembers, is forgotten, too: ZenML notes it by itself, and nobody's work is in it", "nothing")
			r.report.Problems = p
		}
		r.changed = changedTables(*r.back.since, now)
	default:
		lost = append(lost, fmt.Sprintf("whatever was written since the backup was made (%s): it is no backup of an upgrade whose journal is in state-dir", r.back.CreatedAt.UTC().Format(time.RFC3339)))
		r.changed = changedTables(database.Fingerprint{}, now)
	}
	revision, err := r.DB.Revision(ctx)
	if err != nil {
		return unreachable("the database's revision cannot be read", err, "check database-url")
	}
	r.From = revision
	unasked := r.survey(ctx)
	if unasked == nil { // else it may be why somebody goes back
		r.From = r.serverVersion
	}
	if err := r.readRuns(ctx); err != nil {
		lost = append(lost, fmt.Sprintf("whether pipelines are running is not known: %v", err))
	}
	fate := " and would be stopped"
	if unasked != nil {
		fate = fmt.Sprintf(", and nobody can be asked to stop it: %v", unasked)
	}
	for _, name := range r.underway() {
		lost = append(lost, fmt.Sprintf("the pipeline run %q is under way%s", name, fate))
	}
	r.report.WrittenSinceBackup = lost
	if len(lost) > 0 && !r.AcceptLoss {
		p := problems(r.report.Problems)
		p.block("loss_not_accepted", fmt.Sprintf("going back to %q loses: %s", r.back.Path, strings.Join(shorten(lost), "; ")),
			"read written_since_backup; to go back all the same, run again with accept-loss: true (all of it is backed up before)")
		r.report.Problems = p
	}
	return nil
}

// checkDriver asks the driver what stands in the way. That no server runs is none of it: it may be why
// somebody goes back. Who is connected to the database is looked at before it is touched.
func (r *run) checkDriver(ctx context.Context) {
	for _, p := range r.Driver.Check(ctx) {
		if r.serverVersion == "" && slices.Contains([]string{"in_container", "server_process", "hook_status", "hook_version"}, p.Code) {
			p.Blocks = false
		}
		r.report.Problems = append(r.report.Problems, p)
	}
}

// changedTables names the tables that hold something else than before.
func changedTables(before, now database.Fingerprint) []string {
	var out []string
	for name, t := range now.Tables {
		if before.Tables[name] != t {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (w *wayBack) path() string {
	if w == nil || w.Manifest == nil {
		return "the backup"
	}
	return w.Path
}
