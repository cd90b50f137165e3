package hops

import "github.com/zenml-upgrade/zenml-upgrade/internal/version"

// What is known of single versions stands here and nowhere else, each with where it was learned.
// A number with # is an issue or pull request of zenml-io/zenml; "measured" was seen on real servers.

// Fault is a version that should not be an end or a stop of an upgrade. Passing it by is safe: a
// newer server runs the repaired scripts.
type Fault struct {
	Version    string
	RepairedBy string // the next release without it
	What       string
	Source     string
}

var faults = []Fault{
	{"0.45.2", "0.45.4", "its migration leaves databases whose runs cannot be listed", "#1957, release notes of 0.45.4"},
	{"0.45.3", "0.45.4", "its migration leaves databases whose runs cannot be listed", "release notes of 0.45.4"},
	{"0.55.0", "0.55.1", "its notes ask users of the Model Control Plane to pass it by", "release notes of 0.55.1"},
	{"0.80.0", "0.80.1", "its migration fails on a database that holds a tagged artifact", "#3453"},
	{"0.93.0", "0.93.1", "its migration fails on a database that holds a pipeline without runs", "#4360"},
}

// FaultOf returns what is known to be wrong with a version, nil for nothing.
func FaultOf(v string) *Fault {
	for i := range faults {
		if version.Compare(faults[i].Version, v) == 0 {
			return &faults[i]
		}
	}
	return nil
}

// A database of a server older than firstAlembic was never touched by alembic; a server newer than
// lastWithout refuses it and asks for lastWithout first (sql_zen_store.py of 0.98.0: "first to 0.54.0
// or an earlier version and then to the latest version"; the first revisions came with 0.21.0).
const (
	firstAlembic = "0.21.0"
	lastWithout  = "0.54.0"
)

// Upgrades in one hop that were measured: from these versions or newer ones, up to this one (0.58.2
// on MySQL 8.0; 0.60.0, 0.68.1, 0.75.0, 0.83.0, 0.90.0 and 0.94.0 on SQLite; 0.85.0 on MariaDB too).
const (
	OldestMeasured = "0.58.2"
	NewestMeasured = "0.98.0"
)

// rule is something that holds for every hop that crosses its version.
type rule struct{ version, text, source string }

// conditions are what must hold before the hop, for a migration on the way refuses otherwise.
var conditions = []rule{
	{"0.80.0", "no more than one workspace may be left: a migration of 0.80.0 refuses otherwise", "migration 3b1776345020"},
}

// together are releases whose clients and servers do not work with those before.
var together = []rule{
	{"0.54.0", "clients and servers before and after 0.54.0 do not work together", "release notes of 0.54.0"},
	{"0.83.0", "clients and servers before and after 0.83.0 do not work together", "#3675"},
	{"0.85.0", "older clients do not know the status provisioning of 0.85.0", "release notes of 0.85.0"},
	{"0.90.0", "clients and servers before and after 0.90.0 do not work together", "release notes of 0.90.0; measured: 0.85.0 with 0.98.0, both ways"},
	{"0.93.0", "clients before 0.93.0 do not work whole with newer servers", "#4614; measured: 0.90.0 cannot run a pipeline or load an artifact on 0.98.0"},
}

// others are rules for those who are not upgrading the server alone.
var others = []rule{
	{"0.97.0", "Helm: chart and image must be upgraded together, for the chart starts a module that older images lack", "#5264"},
}

// Skew with a server of measuredServer: clients from fullSkew on do all that was tried, both ways
// (0.95.0 and 0.97.0 were measured); those from partSkew on run and load, and fail to list all flavors.
const (
	measuredServer = "0.98.0"
	fullSkew       = "0.95.0"
	partSkew       = "0.93.0"
)

// What a server runs by itself has two names: run templates came with templatesSince, and snapshots,
// which replace them, with snapshotsSince (REST routes of the wheels). Both are tied to the server's
// version and must be made anew after an upgrade (documentation, #3856).
const (
	templatesSince = "0.63.0"
	snapshotsSince = "0.90.0"
)

// Runnable names what of the old server must be made anew for the new one, by the words that both
// know; "" when the old one has nothing of the kind.
func Runnable(from, to string) string {
	switch {
	case from == "" || to == "" || version.Compare(from, snapshotsSince) >= 0:
		return "snapshots (run templates before " + snapshotsSince + ")"
	case version.Compare(from, templatesSince) < 0:
		return ""
	case version.Compare(to, snapshotsSince) >= 0:
		return "run templates (snapshots since " + snapshotsSince + ")"
	}
	return "run templates"
}

// Guide is one of ZenML's migration guides: it covers the versions after From, up to To.
type Guide struct{ From, To, URL string }

const guideBase = "https://docs.zenml.io/deploying-zenml/upgrade-zenml-server/migration-guide/migration-zero-"

// guides are all that ZenML has written (its page "Migration guide"): to be followed in order.
var guides = []Guide{
	{"0.13.2", "0.20.0", guideBase + "twenty"},
	{"0.23.0", "0.30.0", guideBase + "thirty"},
	{"0.39.1", "0.41.0", guideBase + "forty"},
	{"0.58.2", "0.60.0", guideBase + "sixty"},
}

// GuideOf returns the guide that covers a version, nil for none.
func GuideOf(v string) *Guide {
	for i := range guides {
		if version.Compare(guides[i].From, v) < 0 && version.Compare(v, guides[i].To) <= 0 {
			return &guides[i]
		}
	}
	return nil
}

// guidesOf are the guides that an upgrade needs, in order.
func guidesOf(from, to string) []Guide {
	var out []Guide
	for _, g := range guides {
		if version.Compare(from, g.To) < 0 && version.Compare(to, g.From) > 0 {
			out = append(out, g)
		}
	}
	return out
}
