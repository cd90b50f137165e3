package stagingupgrade

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/deploy"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// Result is result.json of staging-upgrade.
type Result struct {
	report.Common
	Mode        upgrade.Mode `json:"mode"`
	Environment string       `json:"environment"`
	upgrade.Report
	Approvals   []deploy.Approved `json:"approvals"`    // who let the run into its environments; null: not asked
	Deployment  *string           `json:"deployment"`   // what GitHub's record says of this run; null: it has none
	AskedBy     *string           `json:"asked_by"`     // login of whoever commented from-comment; null: it was not given, or does not hold
	FromComment *string           `json:"from_comment"` // its address
	Next        []string          `json:"next"`         // what a person does now
	Staging     *Staging          `json:"staging"`      // null: nothing was compared

	stateDir      string
	smokeInPublic bool          // the smoke pipeline runs after the opening
	light         []string      // names of the checks that are the team's light pipelines
	track         *action.Track // null: no tracking issue
}

// maxJournal bounds the copy of the journal; real ones hold some hundred kilobytes.
const maxJournal = 64 << 20

// Files returns the newest run's journal. The one in state-dir is the record; this is for reading.
func (r *Result) Files() (map[string][]byte, error) {
	runs, err := filepath.Glob(filepath.Join(r.stateDir, "*", journal.FileName))
	if err != nil || r.stateDir == "" || len(runs) == 0 {
		return nil, err
	}
	f, err := os.Open(slices.Max(runs)) // folders are named by UTC time
	if err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxJournal+1))
	if err == nil && len(text) > maxJournal {
		err = fmt.Errorf("it is larger than %d MiB", maxJournal>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	return map[string][]byte{journal.FileName: text}, nil
}

// OutcomeWord is the outcome, which decides the exit status beside the decision.
func (r *Result) OutcomeWord() string { return string(r.Outcome) }

// decide turns the outcome and what preflight found into reasons.
func (r *Result) decide() {
	for _, p := range r.Problems {
		d := verdict.Review
		if p.Blocks {
			d = verdict.Block
		}
		r.Reasons = append(r.Reasons, verdict.Because(d, p.Code, p.What+" - "+p.Remedy, nil))
	}
	var failure string
	if r.Failure != nil {
		failure = fmt.Sprintf("%s: %s", cmp.Or(r.Failure.Step, "run"), r.Failure.Message)
	}
	switch r.Outcome {
	case upgrade.RolledBack, upgrade.Frozen, upgrade.RollbackFailed:
		r.reason(string(r.Outcome), failure, verdict.Block)
	case upgrade.RolledForward:
		r.reason("rolled_forward", failure, verdict.Review)
	case upgrade.Interrupted:
		r.reason("interrupted", "the run was stopped before it touched the running server; "+failure, verdict.Unknown)
	case upgrade.Refused:
		if failure != "" {
			r.reason("refused", failure, verdict.Block)
		}
	default: // the others are decided by the problems alone
	}
	if a := r.Artifacts; a != nil && len(a.Unknown) > 0 {
		r.Reasons = append(r.Reasons, verdict.Because(verdict.Review, "artifacts_unknown",
			fmt.Sprintf("%d of %d artifacts could not be compared", len(a.Unknown), a.Tried), a.Unknown))
	}
	if b := r.Backup; b != nil && b.Drill != nil && b.Drill.Secret == upgrade.ExternalStore {
		r.Reasons = append(r.Reasons, verdict.Because(verdict.Review, "secrets_external",
			"the server keeps its secrets in an external store: the backup does not hold them, a rollback does not bring them back, and no copy was let at them", nil))
	}
	r.judgeInventory()
	r.judgeRehearsal()
	r.judgeStaging()
	r.judgeDifferences()
	r.judgeTeam()
	r.Decide(string(r.Outcome))
	// The outcome names a failure better than one of several grounds for it.
	if slices.Contains([]upgrade.Outcome{upgrade.RolledBack, upgrade.Frozen, upgrade.RollbackFailed}, r.Outcome) {
		r.ReasonCode = string(r.Outcome)
	}
}

// judgeInventory names the kinds of which nobody knows whether all are still there.
func (r *Result) judgeInventory() {
	for _, kind := range slices.Sorted(maps.Keys(r.Lost)) {
		switch l := r.Lost[kind]; {
		case l.Status == zenml.StatusUnknown:
			r.Reasons = append(r.Reasons, verdict.Because(verdict.Review, "inventory_unknown",
				fmt.Sprintf("the key in server-token may not list every %s, and they could not be counted in the database", kind), nil))
		case l.Status == zenml.StatusGone && l.Before > 0:
			r.Reasons = append(r.Reasons, verdict.Because(verdict.Review, "inventory_gone",
				fmt.Sprintf("%s has no list of what was called %s; %d were there", deref(r.To), kind, l.Before), nil))
		}
	}
}

func (r *Result) reason(code, text string, d verdict.Decision) {
	r.Reasons = append(r.Reasons, verdict.Because(d, code, text, []string{journal.FileName}))
}

// Document is the report for people.
func (r *Result) Document() report.Document {
	doc := report.Document{
		Title:    fmt.Sprintf("staging-upgrade: ZenML %s to %s", deref(r.From), deref(r.To)),
		Decision: r.Decision, Headline: r.headline(), Reasons: r.Reasons,
		Footer: fmt.Sprintf("zenml-upgrade %s, %.0f s, outcome %s", r.ToolVersion, r.Seconds, cmp.Or(string(r.Outcome), "none")),
	}
	doc.Sections = append(doc.Sections, r.failureSection()...)
	doc.Sections = append(doc.Sections, report.Section{Title: "Measured", Blocks: []report.Block{r.figures()}})
	if len(r.Next) > 0 {
		doc.Sections = append(doc.Sections, report.Section{Title: "What to do now", Blocks: []report.Block{list(r.Next)}})
	}
	doc.Sections = append(doc.Sections, r.gateSections()...)
	doc.Sections = append(doc.Sections, r.rehearsalSections()...)
	doc.Sections = append(doc.Sections, r.stagingSection()...)
	if len(r.Steps) > 0 {
		doc.Sections = append(doc.Sections, report.Section{Title: "Steps", Folded: true, Blocks: []report.Block{r.steps()}})
	}
	if len(r.Checks) > 0 {
		doc.Sections = append(doc.Sections, report.Section{Title: "Checks of the new version", Folded: true, Blocks: []report.Block{r.checks()}})
	}
	if len(r.Lost) > 0 {
		doc.Sections = append(doc.Sections, report.Section{Title: "What was there before and after", Folded: true, Blocks: []report.Block{r.counts()}})
	}
	if len(r.Inventory) > 0 {
		doc.Sections = append(doc.Sections, report.Section{Title: "Pipelines", Folded: true, Blocks: []report.Block{r.pipelines()}})
	}
	if r.Backup != nil {
		doc.Sections = append(doc.Sections, report.Section{Title: "Backup", Folded: true, Blocks: []report.Block{r.tables()}})
	}
	return doc
}

var headlines = map[upgrade.Outcome]string{
	upgrade.Planned:        "The plan: nothing was changed.",
	upgrade.BackedUp:       "The database was backed up, and the backup proved itself: it was restored and the old version runs on it.",
	upgrade.Rehearsed:      "The upgrade worked on a restored copy; the running server was not touched.",
	upgrade.Upgraded:       "The server was upgraded; every check passed before anybody could use it.",
	upgrade.RolledBack:     "The upgrade failed and was rolled back: the old version serves its old data again.",
	upgrade.Frozen:         "The upgrade failed and was left as it is, for a person to decide.",
	upgrade.RollbackFailed: "The upgrade failed and so did the way back: act now, the data is safe in the backup.",
	upgrade.Refused:        "The upgrade was refused before it touched the running server.",
	upgrade.RolledForward:  "The upgrade failed, and the patch that the configuration names serves in its place; every check passed.",
	upgrade.Verified:       "The running server passed its examination; nothing was changed.",
	upgrade.Interrupted:    "The run was stopped before it touched the running server.",
}

// byHand are the headlines of mode rollback.
var byHand = map[upgrade.Outcome]string{
	upgrade.RolledBack:     "The server was put back: the version of the backup serves exactly what the backup holds.",
	upgrade.RollbackFailed: "The rollback failed: look at what to do now; what was there is safe in a backup.",
	upgrade.Refused:        "The rollback was refused; nothing was changed.",
	upgrade.Interrupted:    "The rollback was stopped before it touched the running server.",
}

func (r *Result) headline() string {
	if h, ok := byHand[r.Outcome]; ok && r.Mode == upgrade.Rollback {
		return h
	}
	if r.Mode == upgrade.Verify && r.Outcome == upgrade.Refused {
		return "The running server failed its examination; nothing was changed."
	}
	if h, ok := headlines[r.Outcome]; ok {
		return h
	}
	if r.Decision == verdict.Block {
		return "What was found stands against the upgrade, the rest is not known; nothing was changed."
	}
	return "No verdict could be formed; nothing was changed."
}

func (r *Result) failureSection() []report.Section {
	if r.Failure == nil {
		return nil
	}
	items := []report.Text{
		{{Plain: "Step: ", Bold: true}, {Plain: cmp.Or(r.Failure.Step, "none")}},
		{{Plain: "Cause: ", Bold: true}, {Plain: r.Failure.Message}},
		{{Plain: "Database revision then: ", Bold: true}, {Code: cmp.Or(r.Failure.Revision, "unreadable")}},
		{{Plain: "Now: ", Bold: true}, {Plain: r.Failure.Advice}},
	}
	items = append(items, r.brokenMigration()...)
	for _, w := range r.WrittenSinceBackup {
		items = append(items, report.Text{{Plain: "Written since: ", Bold: true}, {Plain: w}})
	}
	return []report.Section{{Title: "Failure", Blocks: append([]report.Block{report.List{Items: items}}, r.teamLog()...)}}
}

// smokeFigure says whether the tool's own pipeline lies in the downtime.
func (r *Result) smokeFigure() string {
	if r.smokeInPublic {
		return "Smoke pipeline (after the opening)"
	}
	return "Smoke pipeline (within the downtime)"
}

func (r *Result) figures() report.Block {
	t := report.Table{Header: []string{"Figure", "Value"}}
	add := func(name string, v *float64) {
		text := "not measured"
		if v != nil {
			text = fmt.Sprintf("%.1f s", *v)
		}
		t.Rows = append(t.Rows, []report.Text{report.T(name), report.T(text)})
	}
	add("Downtime, seen from outside", r.DowntimeSeconds)
	add("Downtime predicted by the rehearsal", r.PredictedDowntimeSeconds)
	if x := r.PredictedDowntimeRange; x != nil {
		t.Rows = append(t.Rows, []report.Text{report.T("It may be between"), report.T(fmt.Sprintf("%.1f s and %.1f s", x[0], x[1]))})
	}
	add("Migration of the real database", r.MigrationSeconds)
	add(r.smokeFigure(), r.SmokeSeconds)
	if r.TeamSeconds != nil {
		add(r.teamFigure(), r.TeamSeconds)
	}
	if b := r.Backup; b != nil {
		drill := "not made in this run"
		if b.Drill != nil && b.Drill.Passed {
			drill = fmt.Sprintf("restored in %.2f s, the old version ran on it, secret: %s; kept from the outside world by: %s; schedules and triggers switched off in the copy: %d",
				b.Drill.Seconds, b.Drill.Secret, b.Drill.Isolation, b.Drill.Switched)
		} else if b.Drill != nil {
			drill = "the restored copy failed its checks"
		}
		t.Rows = append(t.Rows, []report.Text{report.T("Backup"), report.C(b.Path)}, []report.Text{report.T("Restore drill"), report.T(drill)})
	}
	if a := r.Artifacts; a != nil {
		t.Rows = append(t.Rows, []report.Text{report.T("Artifacts loaded by both versions, same value"), report.T(fmt.Sprintf("%d of %d tried, %d not tried", a.Same, a.Tried, a.NotTried))})
	}
	if p := r.RollbackProof; p != nil {
		t.Rows = append(t.Rows, []report.Text{report.T("Rollback, proved before the upgrade"), report.T(fmt.Sprintf("forward and back in %.1f s, down for %s s; the database then held what it had held (%s)", p.Seconds, seconds(p.DowntimeSeconds), p.ContentAfter))})
	}
	if c := r.Content; c != nil && c.After != nil {
		t.Rows = append(t.Rows, []report.Text{report.T("Content before the cut-over"), report.C(c.Before)}, []report.Text{report.T("Content after the rollback"), report.C(*c.After)})
	}
	return t
}

func (r *Result) steps() report.Block {
	t := report.Table{Header: []string{"Step", "Phase", "Status", "Seconds", "Detail"}}
	for _, s := range r.Steps {
		t.Rows = append(t.Rows, []report.Text{report.T(s.Name), report.T(s.Phase), report.T(string(s.Status)), report.T(fmt.Sprintf("%.1f", s.Seconds)), report.T(s.Detail)})
	}
	return t
}

func (r *Result) counts() report.Block {
	t := report.Table{Header: []string{"Kind", "Before", "After", "Missing", "How"}}
	for _, kind := range slices.Sorted(maps.Keys(r.Lost)) {
		l := r.Lost[kind]
		t.Rows = append(t.Rows, []report.Text{report.T(kind), report.T(fmt.Sprint(l.Before)), report.T(fmt.Sprint(l.After)), report.T(fmt.Sprint(len(l.Missing))), report.T(l.Status)})
	}
	return t
}

func (r *Result) tables() report.Block {
	t := report.Table{Header: []string{"Table", "Rows", "Fingerprint"}}
	for _, name := range slices.Sorted(maps.Keys(r.Backup.Tables)) {
		tab := r.Backup.Tables[name]
		t.Rows = append(t.Rows, []report.Text{report.C(name), report.T(fmt.Sprint(tab.Rows)), report.C(tab.Fingerprint)})
	}
	return t
}

func list(texts []string) report.List {
	var l report.List
	for _, t := range texts {
		l.Items = append(l.Items, report.T(t))
	}
	return l
}

func seconds(v *float64) string {
	if v == nil {
		return "unknown"
	}
	return fmt.Sprintf("%.1f", *v)
}

func deref(s *string) string {
	if s == nil {
		return "?"
	}
	return *s
}
