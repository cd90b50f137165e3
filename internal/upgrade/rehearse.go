package upgrade

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Rehearsal is result.json's rehearsal: the ways to the new version that were gone on a restored copy.
type Rehearsal struct {
	Way       string         `json:"way"`     // the proposed one: direct or hops; "" when none passed
	Because   string         `json:"because"` // why that one
	Ways      []Way          `json:"ways"`
	Revisions []RevisionTime `json:"revisions"` // of the proposed way, in order
	Skew      []Skew         `json:"skew"`      // null when the old client was not tried on the new server
	Proof     *string        `json:"proof"`     // path of what a later run trusts; null when there is none
}

// The ways.
const (
	Direct = "direct" // the new version migrates the database in one go
	ByHops = "hops"   // versions in between are started on the way
)

// Way is one way that was gone.
type Way struct {
	Name             string   `json:"name"`
	Passed           bool     `json:"passed"`
	Stops            []Stop   `json:"stops"` // the versions that were started, the last one is the target
	MigrationSeconds float64  `json:"migration_seconds"`
	DowntimeSeconds  *float64 `json:"predicted_downtime_seconds"` // null when it did not pass
	Failure          *string  `json:"failure"`
}

// Stop is one server start on a way.
type Stop struct {
	Version string  `json:"version"`
	Seconds float64 `json:"seconds"` // until it answered
}

// RevisionTime is one alembic revision that a migration ran through.
type RevisionTime struct {
	Revision string  `json:"revision"`
	Version  string  `json:"version"` // the release that brought it; "" when the migration ended before any
	Seconds  float64 `json:"seconds"`
}

// Skew is a call of the old version's client on the new version's server.
type Skew struct {
	Client string `json:"client"`
	Server string `json:"server"`
	Call   string `json:"call"`
	Status string `json:"status"` // passed, failed, skipped: fails on a server of its own version too
	Detail string `json:"detail"`
}

// rehearse lets the new version migrate the restored copy and runs every check on it that the
// cut-over will run on the real database; where it helps, hop by hop on a second copy too.
func (r *run) rehearse(ctx context.Context) (string, error) {
	h := &Rehearsal{Ways: []Way{}, Revisions: []RevisionTime{}}
	r.report.Rehearsal = h
	direct, err := r.travel(ctx, Direct, []string{r.To})
	stops, why := r.stopsWanted(ctx, err)
	var byHops *journey
	if len(stops) > 0 && ctx.Err() == nil {
		byHops = r.travelAnew(ctx, stops)
	}
	h.propose(direct, byHops, why)
	if err != nil {
		return "", fmt.Errorf("%s on the restored copy: %w", r.To, errors.Join(err, h.remedy()))
	}
	p := r.timing.predict(!r.ByHooks)
	r.report.PredictedDowntimeSeconds, r.report.PredictedDowntimeRange = &p, r.timing.spread(!r.ByHooks)
	if err := r.writeProof(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("migrated in %.1fs through %d revisions, predicted downtime %.1fs (%.0f to %.0f); %s",
		direct.MigrationSeconds, len(direct.revisions), p, r.report.PredictedDowntimeRange[0], r.report.PredictedDowntimeRange[1], h.Because), nil
}

// passBy is the check of a version in between.
func (r *run) passBy(ctx context.Context, s Server, v string) error {
	revision, err := r.copy.DB.Revision(ctx)
	if err != nil {
		return err
	}
	if revision != revisionOf(v) {
		return fmt.Errorf("the database is at revision %q after the migration, not %s", revision, v)
	}
	c, err := r.connect(ctx, s.PrivateURL(), v)
	if err != nil {
		return err
	}
	return errors.Join(r.examineAll(ctx, r.keysHold()), reads(ctx, c), r.compare(ctx, c, r.copy.DB.IDs))
}

// arrive runs every check on the copy that the cut-over will run on the real database.
func (r *run) arrive(ctx context.Context, s Server, way string) error {
	revision, err := r.copy.DB.Revision(ctx)
	if err != nil {
		return err
	}
	began := r.Now()
	if err := r.check(ctx, s.PrivateURL(), revision); err != nil {
		return err
	}
	f, err := r.copy.DB.Fingerprint(ctx)
	r.timing.check = r.Now().Sub(began).Seconds()
	if err != nil {
		return err
	}
	// Not among what was timed: the cut-over does these before or after the downtime, or not at all.
	// The key is revoked for a moment: a client that is at work beside that would be shut out.
	revoked := examination{"revoked key", func(ctx context.Context) (string, error) { return r.checkRevoked(ctx, r.entered) }}
	if err := r.examineAll(ctx, []examination{revoked}); err != nil {
		return err
	}
	if err := r.smokeAfter(ctx, s.PrivateURL()); err != nil {
		return err
	}
	if err := r.checkWhole(ctx, s.PrivateURL()); err != nil {
		return err
	}
	if err := r.countRows(f.Tables); err != nil {
		return err
	}
	if way != Direct {
		return nil
	}
	components := examination{"stack components", func(ctx context.Context) (string, error) { return r.checkComponents(ctx, s.PrivateURL()) }}
	if err := r.examineAll(ctx, []examination{components}); err != nil {
		return err
	}
	return r.tryOldClient(ctx, s)
}

// revisions are what the server started last ran through, where that is known.
func (r *run) revisions() []RevisionTime {
	m, ok := r.newest.(Migrator)
	if !ok {
		return nil
	}
	return m.Course().Revisions
}

// noteBroken keeps which revision failed in the server started last.
func (r *run) noteBroken() {
	if m, ok := r.newest.(Migrator); ok && r.broken == nil {
		r.broken = m.Course().Broken
	}
}

// dated says which release brought each revision: the first one after it whose mark, a revision of
// its name, was run.
func dated(list []RevisionTime) {
	release := ""
	for i := range slices.Backward(list) {
		if migration.Marks(list[i].Revision) && (release == "" || !version.Prerelease(list[i].Revision) && !version.Yanked(list[i].Revision)) {
			release = list[i].Revision
		}
		list[i].Version = release
	}
}

// makeCopy restores a backup into a throw-away database. quieten it before a server starts on it.
func (r *run) makeCopy(ctx context.Context, backup string) (err error) {
	r.keyed, r.late.copy = false, nil
	r.copy, err = r.DB.Scratch(ctx, backup, filepath.Join(r.StateDir, r.state.RunID), func(m database.Mark) error {
		r.state.Copy = &m
		return r.note("throw-away copy begun")
	})
	if err != nil {
		return fmt.Errorf("restoring the backup into a throw-away database: %w", err)
	}
	return nil
}

// quieten switches schedules and triggers off in the copy, before any server starts on it and after
// it was proved equal to the backup.
func (r *run) quieten(ctx context.Context) (int64, error) {
	n, err := r.copy.SwitchOff(ctx)
	if err != nil {
		return 0, fmt.Errorf("switching schedules and triggers off in the copy: %w", err)
	}
	return n, nil
}
