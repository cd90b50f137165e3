package upgrade

import (
	"context"
	"fmt"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
)

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
		err = r.makeCopy(ctx, r.state.BackupPath)
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
		return nil, "hop by hop is tried only where the direct way fails in a migration"
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
