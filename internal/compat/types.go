// Package compat finds out whether code that runs on one ZenML version runs on another: it makes
// two throw-away worlds, an old server with an old client and a new server on an upgraded copy of
// the old one's database with a new client, runs the same checks in both and compares.
package compat

import (
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// Status is how one check ended in one world.
type Status string

// The statuses.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Attempt is one check in one world.
type Attempt struct {
	Status  Status   `json:"status"`
	Seconds *float64 `json:"seconds"` // null when nothing ran
	Detail  *string  `json:"detail"`  // why it failed or was skipped; text from outside

	Log     *string  `json:"log"`     // file in the output folder; null when none was kept
	Picture *string  `json:"picture"` // of the page, in the output folder; null when there is none
	Wrote   []string `json:"wrote"`   // files of its copy of the repository that a run changed, at most 20; null when nothing ran there

	optional bool   // see suiteRow
	unsteady bool   // failed, then passed when it was repeated
	tail     string // the end of the log
	fault    *Breakage
}

// Verdict compares a check's two attempts.
type Verdict string

// The verdicts (contract).
const (
	OK              Verdict = "ok"
	BrokenByUpgrade Verdict = "broken_by_upgrade"
	AlreadyBroken   Verdict = "already_broken"
	Fixed           Verdict = "fixed"
	Flaky           Verdict = "flaky"
	NotCompared     Verdict = "skipped"
)

// Kind says what a check looks at.
type Kind string

// The kinds that are built.
const (
	KindPipeline    Kind = "pipeline"
	KindArtifact    Kind = "artifact"
	KindStack       Kind = "stack"
	KindIntegration Kind = "integration"
	KindConnector   Kind = "connector"
	KindDashboard   Kind = "dashboard"
	KindClient      Kind = "client"
	KindPython      Kind = "python"
)

// Check is one question asked in both worlds.
type Check struct {
	Name      string  `json:"name"`
	Kind      Kind    `json:"kind"`
	Required  bool    `json:"required"`
	Baseline  Attempt `json:"baseline"`  // old client, old server
	Candidate Attempt `json:"candidate"` // new client, new server
	Verdict   Verdict `json:"verdict"`
	Cause     *string `json:"cause"` // why the verdict is not ok, in one line

	critical bool // marked so in the configuration
}

// WrittenBy says what wrote an artifact.
type WrittenBy struct {
	ZenML  string  `json:"zenml"`
	Python *string `json:"python"`
}

// Artifact is an artifact version that the old world wrote, read by both.
type Artifact struct {
	ID           string    `json:"id"`
	Name         *string   `json:"name"`
	Version      *string   `json:"version"`
	Type         *string   `json:"type"`         // dotted path of the value's class
	Materializer *string   `json:"materializer"` // dotted path
	WrittenBy    WrittenBy `json:"written_by"`
	Server       string    `json:"server"` // that holds it: "test", a throw-away one, or "yours"
	LoadOld      Status    `json:"load_old"`
	LoadNew      Status    `json:"load_new"`
	SameValue    *bool     `json:"same_value"` // null when the values could not be compared
	Class        *string   `json:"class"`      // of the failure, such as class_moved; null when there is none
	Cause        *string   `json:"cause"`
}

// Skew is a call of a client on a server of another version.
type Skew struct {
	Client string  `json:"client"`
	Server string  `json:"server"`
	Call   string  `json:"call"`
	Status Status  `json:"status"`
	Detail *string `json:"detail"`
}

// Deprecated is a warning of something that will go, seen while the new version ran.
type Deprecated struct {
	Check   string  `json:"check"`
	Kind    string  `json:"kind"` // class of the warning, or "log"
	Message string  `json:"message"`
	File    *string `json:"file"` // the user's line that led there; null when none did
	Line    *int    `json:"line"`
}

// Breakage is a line of the user's code at which the upgrade breaks a check.
type Breakage struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Rule    string `json:"rule"` // the verdict
	Message string `json:"message"`
	Check   string `json:"check"`
}

// Pins says which requirements the clients ran with.
type Pins struct {
	Files    []string `json:"files"`
	Ignored  []string `json:"ignored"`  // lines that were not followed, such as "-e ."
	Resolved bool     `json:"resolved"` // whether they can be installed beside the new version
	Proof    *string  `json:"proof"`    // the resolver's words when not
	Dropped  []string `json:"dropped"`  // requirements the new client ran without
}

// Result is what a compat-test found.
type Result struct {
	report.Common
	Checks     []Check      `json:"checks"`
	Artifacts  []Artifact   `json:"artifacts"`
	Skew       []Skew       `json:"skew"` // null when not measured
	Deprecated []Deprecated `json:"deprecated"`
	Code       []Breakage   `json:"code"`
	Pythons    []PythonFact `json:"pythons"` // null when one Python was tested
	Shard      *Shard       `json:"shard"`   // null when this is the whole test
	Pins       Pins         `json:"pins"`
	Machine    *MachineFact `json:"machine"` // null when nothing was run
	Servers    *ServersFact `json:"servers"` // null when none of the team's own was tested

	held      int      // artifact versions on the old server
	unseen    []string // types and materializers of which the selection holds none
	written   []string // files of the artifact stores that loading changed
	touched   []string // files of the repository itself that changed during the run
	withheld  bool     // the team's own servers were left out
	disturbed []string // why a world could prove nothing any more
}

// emptyResult is a result of which every list is there and empty.
func emptyResult(from, to string) *Result {
	return &Result{
		Common: report.Common{From: &from, To: &to, Reasons: []verdict.Reason{}},
		Checks: []Check{}, Artifacts: []Artifact{}, Deprecated: []Deprecated{}, Code: []Breakage{},
		Pins: Pins{Files: []string{}, Ignored: []string{}, Dropped: []string{}},
	}
}
