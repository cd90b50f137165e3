package release

import (
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// From 0.93.0 on a release is published with the generated list alone; the prose, breaking changes
// included, is written into it hours or days later (ZenML's changelog repository, facts 1.1).
const (
	proseSince = "0.93.0"
	proseTime  = 14 * 24 * time.Hour
)

// Assess says for every version that an upgrade crosses (from < v <= to, in the order given) how
// far its notes can be trusted, and what they say. Notes without any words are Missing, and so are
// those that are longer than GitHub lets notes be: what was not read may say anything. A release without a date counts as young, for its age is not known.
func Assess(bodies []Body, crossed []string, now time.Time) ([]Release, []Finding) {
	byVersion := make(map[string]Body, len(bodies))
	for _, b := range merge(bodies) {
		byVersion[b.Version] = b
	}
	releases, lists := make([]Release, len(crossed)), make([][]Finding, len(crossed))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, v := range crossed {
		releases[i] = Release{Version: v, Notes: Missing}
		b, found := byVersion[v]
		if !found {
			continue
		}
		group.Go(func() error {
			releases[i], lists[i] = assess(b, now)
			return nil
		})
	}
	_ = group.Wait() // none fails
	return releases, append([]Finding{}, slices.Concat(lists...)...)
}

// assess reads one body.
func assess(b Body, now time.Time) (Release, []Finding) {
	d := read(b.Text)
	r := Release{Version: b.Version, PublishedAt: b.PublishedAt, Notes: state(d, b, now)}
	if b.URL != "" {
		r.URL = &b.URL
	}
	return r, d.findings(b.Version, b.URL)
}

func state(d *document, b Body, now time.Time) NotesState {
	said, prose := false, false
	for _, u := range d.units {
		if strings.TrimSpace(u.plain) == "" && !u.coded {
			continue
		}
		said = true
		is := d.placeOf(u).is
		prose = prose || is != sectionChanged && !(is == sectionQuiet && underChanged(d, u)) && !pointer.in(u.said)
	}
	young := b.PublishedAt == nil || now.Sub(*b.PublishedAt) < proseTime
	switch {
	case !said || b.Cut:
		return Missing
	case !prose && young && version.Compare(b.Version, proseSince) >= 0:
		return Pending
	}
	return Complete
}

// underChanged says whether a quiet unit is one that GitHub generates: its list of new contributors.
func underChanged(d *document, u unit) bool {
	for _, h := range u.heads {
		if contributors.in(hear(d.heads[h].plain)) {
			return true
		}
	}
	return false
}

var contributors = say(`^new contributors$`)
