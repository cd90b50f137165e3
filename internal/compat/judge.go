package compat

import (
	"cmp"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// judge fills a check's verdict and cause from its two attempts. A check that failed and passed
// when repeated, in either world, is flaky whatever else it did: neither its pass nor its failure
// says anything of the upgrade. Only a check that was unsteady before and fails twice after counts
// as broken: nothing shows that it is harmless.
func judge(c *Check) {
	old, now := c.Baseline, c.Candidate
	switch {
	case old.Status == Skipped || now.Status == Skipped:
		c.Verdict, c.Cause = NotCompared, cmp.Or(now.Detail, old.Detail)
		// A check that failed on the new version is worth its reason even without a baseline.
		if now.Status == Failed {
			c.Cause = now.Detail
		}
	case old.Status == Failed && now.Status == Failed:
		c.Verdict, c.Cause = AlreadyBroken, old.Detail
	case old.unsteady && now.Status == Failed:
		c.Verdict, c.Cause = BrokenByUpgrade, now.Detail
	case old.unsteady || now.unsteady:
		c.Verdict, c.Cause = Flaky, cmp.Or(now.Detail, old.Detail)
	case old.Status == Failed:
		c.Verdict, c.Cause = Fixed, old.Detail
	case now.Status == Failed:
		c.Verdict, c.Cause = BrokenByUpgrade, now.Detail
	default:
		c.Verdict, c.Cause = OK, nil
	}
}

// rule turns the checks of one verdict into a reason.
type rule struct {
	code     string
	required bool // true: only required checks count; false: only those that are not
	verdict  Verdict
	decision verdict.Decision
	text     string // after the count
}

func (r rule) kind() string {
	if r.required {
		return "required check"
	}
	return "optional check"
}

var rules = []rule{
	{"broken_by_upgrade", true, BrokenByUpgrade, verdict.Block, " passed on the old version and failed on the new one"},
	{"optional_broken_by_upgrade", false, BrokenByUpgrade, verdict.Review, " passed on the old version and failed on the new one"},
	{"already_broken", true, AlreadyBroken, verdict.Review, " failed on both versions, so the upgrade could not be judged by them"},
	{"flaky", true, Flaky, verdict.Review, " failed once and passed when repeated"},
	{"check_skipped", true, NotCompared, verdict.Review, " could not be run on both versions"},
}

// reasons lists the grounds for the decision, in the order of rules; skew says whether the meeting
// of old client and new server was to be measured.
func (r *Result) reasons(skew bool) []verdict.Reason {
	out := []verdict.Reason{}
	for _, rule := range rules {
		var names []string
		for _, c := range r.Checks {
			if c.Verdict == rule.verdict && c.Required == rule.required {
				names = append(names, c.Name)
			}
		}
		if len(names) > 0 {
			out = append(out, verdict.Because(rule.decision, rule.code, report.Count(len(names), rule.kind())+rule.text, names))
		}
	}
	out = append(out, r.gaps()...)
	if r.withheld {
		out = append(out, verdict.Because(verdict.Review, "own_servers_withheld",
			"your own servers were not tested: code of a fork or a bot gets throw-away servers only", nil))
	}
	if r.Servers != nil {
		out = append(out, r.Servers.reasons(*r.From, *r.To)...)
	}
	if skew {
		out = append(out, r.skewReasons()...)
	}
	return out
}

// nothingPassed is the code of the reason that no check passed: of the whole, not of a shard.
const nothingPassed = "nothing_passed"

// gaps lists what was not found out.
func (r *Result) gaps() []verdict.Reason {
	var out []verdict.Reason
	if !r.anyPassed() {
		out = append(out, verdict.Because(verdict.Unknown, nothingPassed, "no check passed on the new version, so nothing shows that it works", nil))
	}
	var blind []string
	for _, c := range r.Checks {
		if c.Required && c.Baseline.Status == Skipped && c.Candidate.Status == Failed {
			blind = append(blind, c.Name)
		}
	}
	if len(blind) > 0 {
		out = append(out, verdict.Because(verdict.Unknown, "failed_without_baseline",
			report.Count(len(blind), "check")+" failed on the new version and did not run on the old one", blind))
	}
	if !r.Pins.Resolved {
		out = append(out, verdict.Because(verdict.Unknown, "pins_unresolved",
			"the requirements cannot be installed beside the new version; what ran there ran without some of them", r.Pins.Files))
	}
	if len(r.Pins.Ignored) > 0 {
		out = append(out, verdict.Because(verdict.Review, "requirements_not_followed",
			report.Count(len(r.Pins.Ignored), "requirement line")+" could not be followed", r.Pins.Ignored))
	}
	var opaque []string
	for _, a := range r.Artifacts {
		if a.LoadOld == Passed && a.LoadNew == Passed && a.SameValue == nil {
			opaque = append(opaque, a.label())
		}
	}
	if len(opaque) > 0 {
		out = append(out, verdict.Because(verdict.Review, "value_not_compared",
			report.Count(len(opaque), "artifact")+" loaded on both versions, but the values could not be compared", opaque))
	}
	if len(r.disturbed) > 0 {
		out = append(out, verdict.Because(verdict.Unknown, "world_disturbed", r.disturbed[0]+"; what failed then proves nothing", r.disturbed))
	}
	if names := r.notProved(); len(names) > 0 {
		out = append(out, verdict.Because(verdict.Unknown, "critical_not_proved",
			report.Count(len(names), "pipeline")+" marked critical did not pass on both versions", names))
	}
	if len(r.touched) > 0 {
		out = append(out, verdict.Because(verdict.Review, "repository_written",
			report.Count(len(r.touched), "file")+" of the repository itself changed while copies of it were tested", r.touched[:min(maxWrote, len(r.touched))]))
	}
	if len(r.written) > 0 {
		out = append(out, verdict.Because(verdict.Review, "artifact_store_written",
			"loading artifacts changed "+report.Count(len(r.written), "file")+" of the artifact store: code of yours writes while it loads", r.written[:min(maxWrote, len(r.written))]))
	}
	if len(r.unseen) > 0 {
		out = append(out, verdict.Because(verdict.Review, "artifacts_left_out",
			"the selection of artifacts holds none of "+report.Count(len(r.unseen), "pair")+" of type and materializer", r.unseen))
	}
	return out
}

// notProved names the critical checks of which it is not known whether the upgrade breaks them.
func (r *Result) notProved() []string {
	var out []string
	for _, c := range r.Checks {
		if c.critical && (c.Verdict == AlreadyBroken || c.Verdict == NotCompared || c.Verdict == Flaky) {
			out = append(out, c.Name)
		}
	}
	return out
}

// anyPassed says whether something passed on the new version. That its server starts says nothing
// of what runs on it.
func (r *Result) anyPassed() bool {
	for _, c := range r.Checks {
		if !strings.HasPrefix(c.Name, serverStart) && c.Candidate.Status == Passed {
			return true
		}
	}
	return false
}

func (a *Artifact) label() string {
	name, version := a.ID, ""
	if a.Name != nil {
		name = *a.Name
	}
	if a.Version != nil {
		version = ":" + *a.Version
	}
	if a.Server == "yours" {
		version += onYours
	}
	return name + version
}

// databaseText begins what a database driver says in an error. It may hold statements and values
// of the user's, which have no place in a report.
var databaseText = []string{"[SQL:", "[parameters:", "(pymysql.", "(sqlite3.", "(MySQLdb.", "sqlalchemy.exc."}

const longestDetail = 2000

// clean makes text from outside fit for a report: without database statements, bounded.
func clean(text string) string {
	for _, sign := range databaseText {
		if i := strings.Index(text, sign); i >= 0 {
			text = text[:i] + "[the database's words are left out]"
		}
	}
	text = strings.TrimSpace(strings.ToValidUTF8(text, "?"))
	if len(text) > longestDetail {
		text = strings.ToValidUTF8(text[:longestDetail], "") + " [cut]"
	}
	return text
}
