package upgrade

import (
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
	"github.com/zenml-upgrade/zenml-upgrade/internal/isolate"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// Outcome says how a staging-upgrade ended (contract).
type Outcome string

// The outcomes that are built.
const (
	Planned        Outcome = "planned"
	BackedUp       Outcome = "backed_up"
	Rehearsed      Outcome = "rehearsed"
	Upgraded       Outcome = "upgraded"
	RolledBack     Outcome = "rolled_back"
	Frozen         Outcome = "frozen"
	RollbackFailed Outcome = "rollback_failed"
	Refused        Outcome = "refused"
	Interrupted    Outcome = "interrupted"
	Verified       Outcome = "verified"
	RolledForward  Outcome = "rolled_forward"
)

// Report is all that a run found out and did; the action puts it into result.json.
type Report struct {
	Running                  string                `json:"-"` // the version that runs, "" when it was neither given nor found
	Target                   string                `json:"-"` // the version that the run leads to, when no input says it
	Outcome                  Outcome               `json:"outcome"`
	Steps                    []StepResult          `json:"steps"`
	DowntimeSeconds          *float64              `json:"downtime_seconds"`
	PredictedDowntimeSeconds *float64              `json:"predicted_downtime_seconds"`
	PredictedDowntimeRange   *[2]float64           `json:"predicted_downtime_range"` // from and to, in seconds
	MigrationSeconds         *float64              `json:"migration_seconds"`
	SmokeSeconds             *float64              `json:"smoke_seconds"`
	TeamSeconds              *float64              `json:"team_seconds"` // of the team's own pipelines; null: none was run. Part of a downtime: see RollbackProof
	Rehearsal                *Rehearsal            `json:"rehearsal"`    // null when it was not reached
	Backup                   *Backup               `json:"backup"`
	Lost                     map[string]zenml.Loss `json:"lost"`
	WrittenSinceBackup       []string              `json:"written_since_backup"` // null: the public address was not opened
	WrittenExport            *string               `json:"written_export"`       // file of the rows written since; null: none was written
	Inventory                []Pipeline            `json:"inventory"`
	Artifacts                *ArtifactCheck        `json:"artifacts"`
	Checks                   []Check               `json:"checks"`
	Differences              *Differences          `json:"differences"` // null: no new version was examined
	Content                  *Content              `json:"content"`
	RollbackProof            *RollbackProof        `json:"rollback_proof"` // null: the way back was not tried
	Problems                 []Problem             `json:"problems"`
	Gates                    []gate.Gate           `json:"gates"` // null: not judged; as they were last
	Failure                  *Failure              `json:"failure"`
}

// Backup is result.json's backup.
type Backup struct {
	Path   string                    `json:"path"`
	Engine string                    `json:"engine"`
	Bytes  int64                     `json:"bytes"`
	Digest string                    `json:"digest"`
	Tables map[string]database.Table `json:"tables"`
	Keys   database.Keys             `json:"keys"`  // which keys are needed to read it
	Drill  *Drill                    `json:"drill"` // null when the backup was not restored
}

// Drill says whether the backup was proved by restoring it.
type Drill struct {
	Passed  bool    `json:"passed"`
	Seconds float64 `json:"seconds"` // of the restore alone
	// Secret says how a secret of the copy could be read: decrypted, none_stored, key_missing
	// (only where nothing is cut over), external_store (it is not in the database, and a copy never reaches the store), or empty when not reached.
	Secret    string       `json:"secret"`
	Isolation isolate.Kind `json:"isolation"`    // what kept the copy's servers from the outside world
	Switched  int64        `json:"switched_off"` // active schedules and triggers that were switched off in the copy
}

// Content shows the database's content before the cut-over and after a rollback, by digest.
type Content struct {
	Before string  `json:"before"`
	After  *string `json:"after"` // null when there was no rollback
}

// Problem is one fault that preflight found, with its remedy.
type Problem struct {
	Code   string `json:"code"`
	What   string `json:"what"`
	Remedy string `json:"remedy"`
	Blocks bool   `json:"blocks"` // false: worth a review, does not stop the upgrade
}

// Failure explains a failed run.
type Failure struct {
	Step       string `json:"step"`
	Message    string `json:"message"`
	LogExcerpt string `json:"log_excerpt"` // may hold SQL: for result.json, never for a comment
	Revision   string `json:"revision"`    // of the database when it failed; "" when it could not be read
	Advice     string `json:"advice"`
	// Migration explains a revision that failed; null when none did, or when it is not known which.
	Migration *migration.Broken `json:"migration"`
	OfTeam    bool              `json:"-"` // LogExcerpt is of the team's own code, not of a server
}

// Pipeline is one line of the inventory.
type Pipeline struct {
	Name          string     `json:"name"`
	Runs          int        `json:"runs"`
	LastRun       *time.Time `json:"last_run"`
	MedianSeconds *float64   `json:"median_seconds"`
	LongestSecs   *float64   `json:"longest_seconds"`
	Schedule      *string    `json:"schedule"`
	Stack         *string    `json:"stack"`
	Integrations  []string   `json:"integrations"` // null: not measured yet
	Critical      bool       `json:"critical"`
	CrossesWindow *bool      `json:"crosses_window"` // null: no maintenance window was given
}
