package upgrade

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/atomicfile"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Proof is what a rehearsal that passed leaves beside its backup, as NAME.proof.json. It names the
// very backup and schema, so that it says nothing about another database.
type Proof struct {
	Format         string    `json:"format"` // zenml-upgrade/proof/v1
	Backup         string    `json:"backup"` // name of the folder beside it
	ManifestDigest string    `json:"manifest_digest"`
	Source         string    `json:"source"` // URL of the database, without a password
	Schema         string    `json:"schema"` // digest of the schema that was migrated
	Revision       string    `json:"revision"`
	From           string    `json:"from"`
	To             string    `json:"to"`
	At             time.Time `json:"at"`
	Commit         string    `json:"commit"`
	ToolVersion    string    `json:"tool_version"`
	Downtime       float64   `json:"predicted_downtime_seconds"`
}

const (
	proofFormat = "zenml-upgrade/proof/v1"
	proofSuffix = ".proof.json"
)

// writeProof notes that the rehearsal passed.
func (r *run) writeProof(ctx context.Context) error {
	m, err := database.Verify(ctx, r.state.BackupPath)
	if err != nil {
		return fmt.Errorf("noting that the rehearsal passed: %w", err)
	}
	p := Proof{
		Format: proofFormat, Backup: filepath.Base(m.Path), ManifestDigest: m.ManifestDigest, Source: m.SourceURL, Schema: m.Schema, Revision: m.Revision,
		From: r.From, To: r.To, At: r.Now().UTC(), Commit: r.Commit, ToolVersion: version.Tool, Downtime: *r.report.PredictedDowntimeSeconds,
	}
	text, err := json.MarshalIndent(p, "", "  ")
	path := m.Path + proofSuffix
	if err == nil {
		err = atomicfile.Write(path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("noting that the rehearsal passed: %w", err)
	}
	r.report.Rehearsal.Proof = &path
	return nil
}
