package compat

import (
	"fmt"
	"strings"

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
		c.Verdict, c.Cause = NotCompared, first(now.Detail, old.Detail)
		// A check that failed on the new version is worth its reason even without a baseline.
		if now.Status == Failed {
			c.Cause = now.Detail
		}
	case old.Status == Failed && now.Status == Failed:
		c.Verdict, c.Cause = AlreadyBroken, old.Detail
	case old.unsteady && now.Status == Failed:
		c.Verdict, c.Cause = BrokenByUpgrade, now.Detail
	case old.unsteady || now.unsteady:
		c.Verdict, c.Cause = Flaky, first(now.Detail, old.Detail)
	case old.Status == Failed:
		c.Verdict, c.Cause = Fixed, old.Detail
	case now.Status == Failed:
		c.Verdict, c.Cause = BrokenByUpgrade, now.Detail
	default:
		c.Verdict, c.Cause = OK, nil
	}
}

func first(texts ...*string) *string {
	for _, t := range texts {
		if t != nil {
			return t
		}
	}
	return nil
}

// rule turns the checks of one verdict into a reason.
type rule struct {
	code     string
	required bool // true: only required checks count; false: only those that are not
	verdict  Verdict
	decision verdict.Decision
	text     string // with the count and the plural's s
}

var rules = []rule{
	{"broken_by_upgrade", true, BrokenByUpgrade, verdict.Block, "%d required check%s passed on the old version and failed on the new one"},
	{"optional_broken_by_upgrade", false, BrokenByUpgrade, verdict.Review, "%d optional check%s passed on the old version and failed on the new one"},
	{"already_broken", true, AlreadyBroken, verdict.Review, "%d required check%s failed on both versions, so the upgrade could not be judged by them"},
	{"flaky", true, Flaky, verdict.Review, "%d required check%s failed once and passed when repeated"},
	{"check_skipped", true, NotCompared, verdict.Review, "%d required check%s could not be run on both versions"},
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
			out = append(out, reason(rule.code, rule.decision, fmt.Sprintf(rule.text, len(names), plural(len(names))), names))
		}
	}
	out = append(out, r.gaps()...)
	if skew {
		out = append(out, r.skewReasons()...)
	}
	return out
}

// gaps lists what was not found out.
func (r *Result) gaps() []verdict.Reason {
	var out []verdict.Reason
	if !r.anyPassed() {
		out = append(out, reason("nothing_passed", verdict.Unknown, "no check passed on the new version, so nothing shows that it works", nil))
	}
	var blind []string
	for _, c := range r.Checks {
		if c.Required && c.Baseline.Status == Skipped && c.Candidate.Status == Failed {
			blind = append(blind, c.Name)
		}
	}
	if len(blind) > 0 {
		out = append(out, reason("failed_without_baseline", verdict.Unknown,
			fmt.Sprintf("%d check%s failed on the new version and did not run on the old one", len(blind), plural(len(blind))), blind))
	}
	if !r.Pins.Resolved {
		out = append(out, reason("pins_unresolved", verdict.Unknown,
			"the requirements cannot be installed beside the new version; what ran there ran without some of them", r.Pins.Files))
	}
	if len(r.Pins.Ignored) > 0 {
		out = append(out, reason("requirements_not_followed", verdict.Review,
			fmt.Sprintf("%d requirement line%s could not be followed", len(r.Pins.Ignored), plural(len(r.Pins.Ignored))), r.Pins.Ignored))
	}
	var opaque []string
	for _, a := range r.Artifacts {
		if a.LoadOld == Passed && a.LoadNew == Passed && a.SameValue == nil {
			opaque = append(opaque, a.label())
		}
	}
	if len(opaque) > 0 {
		out = append(out, reason("value_not_compared", verdict.Review,
			fmt.Sprintf("%d artifact%s loaded on both versions, but the values could not be compared", len(opaque), plural(len(opaque))), opaque))
	}
	if r.leftOut > 0 {
		out = append(out, reason("artifacts_left_out", verdict.Review,
			fmt.Sprintf("%d artifact version%s beyond the limit of the probe were not looked at", r.leftOut, plural(r.leftOut)), nil))
	}
	return out
}

func (r *Result) skewReasons() []verdict.Reason {
	if r.Skew == nil {
		return []verdict.Reason{reason("skew_not_measured", verdict.Review,
			"whether old clients work on the new server could not be measured", nil)}
	}
	var calls []string
	for _, s := range r.Skew {
		if s.Status == Failed {
			calls = append(calls, s.Call)
		}
	}
	if len(calls) == 0 {
		return nil
	}
	return []verdict.Reason{reason("old_clients_break", verdict.Review,
		fmt.Sprintf("clients of %s fail in %d of %d calls on a server of %s: upgrade clients together with the server",
			r.Skew[0].Client, len(calls), len(r.Skew), r.Skew[0].Server), calls)}
}

func (r *Result) anyPassed() bool {
	for _, c := range r.Checks {
		if c.Candidate.Status == Passed {
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
	return name + version
}

func reason(code string, d verdict.Decision, text string, evidence []string) verdict.Reason {
	if evidence == nil {
		evidence = []string{}
	}
	return verdict.Reason{Code: code, Text: text, Evidence: evidence, Decision: d}
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
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
