package releasecheck

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/apidiff"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/integrations"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Waiver is a waiver of the configuration and what became of it.
type Waiver struct {
	Finding string      `json:"finding"`
	Owner   string      `json:"owner"`
	Reason  string      `json:"reason"`
	Expires string      `json:"expires"` // the last day on which it holds, UTC
	State   WaiverState `json:"state"`
	// Migrated is the tick of the migration step; null where none is asked for.
	Migrated *bool   `json:"migrated"`
	Near     *string `json:"near"` // of an unknown finding: the id that was probably meant
}

// WaiverState says what became of a waiver.
type WaiverState string

// Applied lifts its finding; Expired does so no longer, and its finding blocks; StepOpen acknowledges a
// breaking change that hits, whose migration step is not ticked: it blocks until it is; Needless names a
// finding that does not stand against the upgrade; OtherUpgrade one of a version that is not crossed;
// UnknownFinding none that there is.
const (
	Applied        WaiverState = "applied"
	Expired        WaiverState = "expired"
	StepOpen       WaiverState = "step_open"
	Needless       WaiverState = "needless"
	OtherUpgrade   WaiverState = "other_upgrade"
	UnknownFinding WaiverState = "unknown_finding"
)

// waive notes on a finding the waiver that accepts it and says what became of every waiver. Only
// findings can be waived: a breakage, a conflict and a missing fact are reasons of their own.
func waive(findings []release.Finding, waivers []config.Waiver, stands func(*release.Finding) standing, crossed func(string) bool, now time.Time) []Waiver {
	out := []Waiver{}
	var ids []string
	for i := range findings {
		ids = append(ids, findings[i].ID)
	}
	for _, w := range waivers {
		row := Waiver{Finding: w.Finding, Owner: w.Owner, Reason: w.Reason, Expires: w.Expires, State: UnknownFinding}
		last, err := time.Parse(time.DateOnly, w.Expires)
		over := err != nil || !now.Before(last.AddDate(0, 0, 1))
		at := slices.Index(ids, w.Finding)
		v, _, _ := strings.Cut(w.Finding, "-")
		switch {
		case at < 0 && version.Valid(v) == nil && !crossed(v):
			row.State = OtherUpgrade
		case at < 0:
			if near := fault.Near(w.Finding, ids); near != "" {
				row.Near = &near
			}
		case stands(&findings[at]) == standsNot:
			row.State = Needless
		case over:
			row.State = Expired
		case hitsBreaking(&findings[at]) && w.Migrated != "true":
			row.State = StepOpen
		default:
			row.State = Applied
		}
		if at >= 0 && hitsBreaking(&findings[at]) {
			migrated := w.Migrated == "true"
			row.Migrated = &migrated
		}
		if row.State == Applied {
			for i := range findings { // one thing told twice has one id
				if text := fmt.Sprintf("%s, until %s: %s", w.Owner, w.Expires, w.Reason); findings[i].ID == w.Finding {
					findings[i].Waiver = &text
				}
			}
		}
		out = append(out, row)
	}
	return out
}

// hitsBreaking says whether acknowledging a finding is not enough: what it breaks here has to be
// changed, and a person ticks that it was.
func hitsBreaking(f *release.Finding) bool {
	return f.Category == release.Breaking && f.Affects == release.Yes
}

// standing is how a finding stands against the upgrade.
type standing int

const (
	standsNot standing = iota
	hits               // a breaking change names something that no check has covered
	named              // it names what the checked code uses
	unjudged           // it could not be judged
	other              // another change names what is used
	destroys           // a migration takes something away
)

// stands judges a finding. A name met in Python code that both versions accept is for a person to
// read; met elsewhere nothing has proved that it still works.
func (r *Result) stands(f *release.Finding) standing {
	if f.Source == migration.Source {
		for i := range r.Migrations {
			if m := &r.Migrations[i]; m.FindingID() == f.ID && m.Destructive != nil && *m.Destructive {
				return destroys
			}
		}
		return standsNot // a downgrade that is refused is no news: ZenML has none
	}
	switch {
	case f.Source == "metadata" || f.Affects == release.No:
	case f.Source == apidiff.PythonSource && r.toldByCode(f.Evidence): // code_breaks says it
	case f.Source == integrations.Source && f.Category == release.Dependency && f.Affects == release.Yes:
		return other
	case hitsBreaking(f) && !r.covered(f.Evidence):
		return hits
	case hitsBreaking(f):
		return named
	case f.Category == release.Breaking:
		return unjudged
	case f.Affects == release.Yes && slices.Contains([]release.Category{release.Helm, release.KnownIssue, release.Deprecation, release.Migration}, f.Category):
		return other
	}
	return standsNot
}

// findingReasons judges the findings that nobody waived.
func (r *Result) findingReasons() []verdict.Reason {
	lists := map[standing][]string{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Waiver != nil {
			continue
		}
		line := fmt.Sprintf("%s: %s", f.ID, f.Title)
		how := r.stands(f)
		if how == unjudged && f.WouldDecide != nil {
			line += "; open: " + *f.WouldDecide
		}
		lists[how] = append(lists[how], line)
	}
	var out []verdict.Reason
	for _, k := range []struct {
		how              standing
		decision         verdict.Decision
		code, what, text string
	}{
		{hits, verdict.Block, "breaking_affects", "breaking change", "What this repository uses is hit by %s."},
		{named, verdict.Review, "breaking_named", "breaking change", "What this repository uses is named by %s; the code itself passes the check."},
		{unjudged, verdict.Review, "breaking_unjudged", "breaking change", "%s could not be judged from the repository."},
		{other, verdict.Review, "findings_affect", "other change", "What this repository uses is touched by %s."},
		{destroys, verdict.Review, "migrations_destructive", "migration", "Tables, columns or rows of the server's database are removed by %s: only a backup brings them back."},
	} {
		if list := lists[k.how]; len(list) > 0 {
			out = append(out, verdict.Because(k.decision, k.code, fmt.Sprintf(k.text, report.Count(len(list), k.what)), list))
		}
	}
	return out
}

// waiverReasons tells of waivers that do not hold. A finding whose waiver has expired blocks, however
// it stood before: somebody promised to have dealt with it by that day. So does one whose migration
// is acknowledged and not ticked.
func (r *Result) waiverReasons() []verdict.Reason {
	var expired, open, unknown []string
	for _, w := range r.Waivers {
		switch {
		case w.State == Expired:
			expired = append(expired, fmt.Sprintf("%s: waived by %s until %s", w.Finding, w.Owner, w.Expires))
		case w.State == StepOpen:
			open = append(open, fmt.Sprintf("%s: acknowledged by %s; when its migration is done, add \"migrated: true\" to the waiver", w.Finding, w.Owner))
		case w.State == UnknownFinding && w.Near != nil:
			unknown = append(unknown, fmt.Sprintf("%s (%s): did you mean %s?", w.Finding, w.Owner, *w.Near))
		case w.State == UnknownFinding:
			unknown = append(unknown, fmt.Sprintf("%s (%s)", w.Finding, w.Owner))
		}
	}
	var out []verdict.Reason
	if len(expired) > 0 {
		out = append(out, verdict.Because(verdict.Block, "waiver_expired", fmt.Sprintf("%s expired: what was waived blocks again.", report.Count(len(expired), "waiver")), expired))
	}
	if len(open) > 0 {
		out = append(out, verdict.Because(verdict.Block, "migration_step_open", fmt.Sprintf("The migration step of %s that hit is not ticked.", report.Count(len(open), "acknowledged breaking change")), open))
	}
	if len(unknown) > 0 {
		out = append(out, verdict.Because(verdict.Review, "waiver_unknown", fmt.Sprintf("%s without effect: no finding of this upgrade has that id.", report.Count(len(unknown), "waiver")), unknown))
	}
	return out
}
