package upgrade

import (
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
)

// State is what a run knows that a later process needs to undo it. It goes into the journal whole
// with every entry, so it holds no secret.
type State struct {
	RunID       string    `json:"run_id"`
	From        string    `json:"from"`
	To          string    `json:"to"`
	Commit      string    `json:"commit"`
	Environment string    `json:"environment"`
	Database    string    `json:"database"` // URL without a password
	Address     string    `json:"address"`  // URL of the public address
	StartedAt   time.Time `json:"started_at"`

	Copy *database.Mark `json:"copy"` // the throw-away copy, which holds production's data; null when there is none

	BackupPath    string                `json:"backup_path"`    // the backup that passed the drill
	FinalBackup   string                `json:"final_backup"`   // taken after the old server stopped; what a rollback restores
	FinalAt       time.Time             `json:"final_at"`       // when
	ContentBefore string                `json:"content_before"` // digest of what FinalBackup holds
	Opened        bool                  `json:"opened"`         // the new version was let at the public address
	AtOpening     *database.Fingerprint `json:"at_opening"`     // content just before that

	Withdrawn bool     `json:"withdrawn,omitempty"` // after the opening it was begun to end the new version, to go back
	Written   []string `json:"written,omitempty"`   // by people, before a roll-forward took the opened server away

	ByHand bool   `json:"by_hand,omitempty"` // a rollback by hand has begun
	BackTo string `json:"back_to,omitempty"` // the backup that it restores
	Packed string `json:"packed,omitempty"`  // the packed file that BackTo was unpacked from
	Saved  string `json:"saved,omitempty"`   // its newest backup of what was there
	// Accepted says that whoever asked for the rollback accepted its loss; Since is the content from which
	// that is counted, null when it is not known.
	Accepted bool                  `json:"accepted,omitempty"`
	Since    *database.Fingerprint `json:"since,omitempty"`
	Held     []string              `json:"held"` // ids of schedules that were switched off, and are on again when this is empty

	Children []Child `json:"children"` // processes that may still live after a kill
}

// Child names one process beyond doubt: a pid is reused, a pid with its start time is not.
type Child struct {
	Pid     int    `json:"pid"`
	Started string `json:"started"` // clock ticks since boot, as in /proc/PID/stat
	What    string `json:"what"`
	Hook    string `json:"hook,omitempty"` // the hook that started it, for a server that is no process of ours
}
