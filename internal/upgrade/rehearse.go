package upgrade

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

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

// journey is a way with what it found.
type journey struct {
	Way
	revisions []RevisionTime
}

// travel starts the versions one after the other on the copy, and checks the last one whole.
func (r *run) travel(ctx context.Context, name string, stops []string) (*journey, error) {
	j := &journey{Way: Way{Name: name, Stops: []Stop{}}, revisions: []RevisionTime{}}
	var err error
	for i, v := range stops {
		err = r.onCopy(ctx, World{Version: v}, func(s Server) error {
			j.Stops = append(j.Stops, Stop{Version: v, Seconds: r.timing.served})
			j.MigrationSeconds += r.timing.served
			if i < len(stops)-1 {
				return r.passBy(ctx, s, v)
			}
			return r.arrive(ctx, s, name)
		})
		j.revisions = append(j.revisions, r.revisions()...)
		if err != nil {
			break
		}
	}
	dated(j.revisions)
	r.timing.migrate = j.MigrationSeconds
	if err != nil {
		text := err.Error()
		j.Failure = &text
		r.noteBroken()
		return j, err
	}
	j.Passed = true
	p := r.timing.predict(!r.ByHooks) + float64(len(stops)-1)*(stopSeconds+r.timing.backup+r.timing.check)
	j.DowntimeSeconds = &p
	return j, nil
}

// travelAnew goes hop by hop on a fresh copy, for the first one was migrated. What the direct way
// found and measured stays in the report: it is the one that the cut-over goes.
func (r *run) travelAnew(ctx context.Context, stops []string) *journey {
	report, times, newest, broken := r.report, r.timing, r.newest, r.broken
	defer func() {
		r.report, r.timing, r.newest, r.broken = report, times, newest, broken
	}()
	if a := r.report.Artifacts; a != nil {
		own := *a
		r.report.Artifacts = &own
	}
	r.report.Checks, r.report.Differences = nil, nil
	err := r.dropCopy(context.WithoutCancel(ctx))
	if err == nil {
		err = r.makeCopy(ctx)
	}
	if err == nil {
		_, err = r.quieten(ctx)
	}
	if err != nil {
		text := err.Error()
		return &journey{Way: Way{Name: ByHops, Stops: []Stop{}, Failure: &text}}
	}
	j, _ := r.travel(ctx, ByHops, stops) // its failure is in it
	return j
}

// stopsWanted says which versions the way hop by hop stops at, none when it is not to be gone, and
// why it is gone.
func (r *run) stopsWanted(ctx context.Context, direct error) (stops []string, why string) {
	switch {
	case r.Path == PathDirect || r.Stops == nil:
		return nil, "the way hop by hop was not asked for"
	case direct != nil && r.broken != nil && r.broken.Message != migration.CutOff:
		why = "the direct way fails in a migration"
	case r.Path == PathBoth:
		why = "both ways were asked for"
	default:
		return nil, "the way hop by hop is gone where the direct one fails in a migration"
	}
	stops, err := r.Stops(ctx, r.From, r.To)
	switch {
	case err != nil:
		return nil, fmt.Sprintf("%s; where a way hop by hop would stop is not known: %v", why, err)
	case len(stops) < 2:
		return nil, why + "; no release lies between"
	}
	return stops, why
}

// propose chooses among the ways that were gone.
func (h *Rehearsal) propose(direct, byHops *journey, why string) {
	h.Ways, h.Revisions = []Way{direct.Way}, direct.revisions
	if byHops != nil {
		h.Ways = append(h.Ways, byHops.Way)
	}
	hops := byHops != nil && byHops.Passed
	switch {
	case direct.Passed && hops:
		h.Way = Direct
		if *byHops.DowntimeSeconds < *direct.DowntimeSeconds {
			h.Way, h.Revisions = ByHops, byHops.revisions
		}
		h.Because = fmt.Sprintf("both ways pass; the direct one is expected to be down for %.0fs, %d hops for %.0fs",
			*direct.DowntimeSeconds, len(byHops.Stops), *byHops.DowntimeSeconds)
	case direct.Passed && byHops != nil:
		h.Way, h.Because = Direct, "the direct way passes, hop by hop fails"
	case direct.Passed:
		h.Way, h.Because = Direct, "the direct way passes; "+why
	case hops:
		h.Way, h.Because, h.Revisions = ByHops, "the direct way fails, hop by hop passes", byHops.revisions
	default:
		h.Because = "no way that was gone passes; " + why
	}
}

// remedy is what to do when only the way hop by hop passed.
func (h *Rehearsal) remedy() error {
	if h.Way != ByHops {
		return nil
	}
	var names []string
	for _, s := range h.Ways[len(h.Ways)-1].Stops {
		names = append(names, s.Version)
	}
	return fmt.Errorf("hop by hop it passes: run mode upgrade to each of %s in turn", strings.Join(names, ", "))
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
	return errors.Join(r.reads(ctx, c), r.compare(ctx, c))
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
	if err := r.checkInventory(ctx, s.PrivateURL()); err != nil {
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

// makeCopy restores the backup into a throw-away database, in which nothing acts by itself.
func (r *run) makeCopy(ctx context.Context) (err error) {
	r.keyed = false
	r.copy, err = r.DB.Scratch(ctx, r.state.BackupPath, filepath.Join(r.StateDir, r.state.RunID), func(m database.Mark) error {
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

// timing are the measured seconds from which the downtime is predicted.
type timing struct{ backup, loaded, served, migrate, check float64 }

// stopSeconds is what stopping an idle server takes: uvicorn closes its port at once and ends
// within about a second (measured: shared facts on the behaviour of real servers, 3a).
const stopSeconds = 1.0

// predict sums up what lies between the old version's last answer and the new one's first. Where the
// new version waits, loaded, before the old one stops, its loading is not in it.
func (t timing) predict(waits bool) float64 {
	if waits {
		t.loaded = 0
	}
	// Hooks start the new version twice: in private, where it migrates, and in public.
	return stopSeconds + t.backup + 2*t.loaded + t.migrate + t.check
}

// Each part was measured once, on a copy, beside whatever else the machine did. A cut-over on the
// same machine was up to a fifth quicker and a third slower than that; an old server that still
// answers something ends later than an idle one.
const (
	quicker, slower = 0.8, 1.35
	slowStop        = 3.0
)

// spread is the range in which the downtime is expected, from and to.
func (t timing) spread(waits bool) *[2]float64 {
	work := t.predict(waits) - stopSeconds
	return &[2]float64{work * quicker, slowStop + work*slower}
}
