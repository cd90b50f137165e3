package upgrade

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/atomicfile"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
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
	proofFormat  = "zenml-upgrade/proof/v1"
	longestProof = 64 << 10
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
	path := filepath.Join(filepath.Dir(cmp.Or(r.Packed, m.Path)), p.Backup) + database.ProofSuffix
	if err == nil {
		err = atomicfile.Write(path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("noting that the rehearsal passed: %w", err)
	}
	r.report.Rehearsal.Proof = &path
	return nil
}

// checkRehearsed wants a rehearsal of an earlier run for this very version and schema, not older than
// the limit: the one of this run comes too late for people to read its report.
func (r *run) checkRehearsed(ctx context.Context, p *problems) {
	if r.RehearsalMaxAge == 0 || r.Mode != Upgrade && r.Mode != Plan {
		return
	}
	g := gate.Gate{
		Name: "rehearsal", Verdict: gate.Open, Evidence: []string{},
		Needed: fmt.Sprintf("a rehearsal of the upgrade to %s on a backup of this database with this schema, not older than %s", r.To, r.RehearsalMaxAge),
	}
	newest, verdict, fault := r.lookForProof(ctx)
	if newest != nil {
		at := newest.At.Format(toTheMinute)
		g.Got, g.Evidence = "a rehearsal of "+at, []string{newest.Backup + database.ProofSuffix + ", " + at}
	}
	if fault != nil {
		g.Verdict, g.Got, g.Next = verdict, fault.What, fault.Remedy
		*p = append(*p, *fault)
	}
	r.noteGate(g)
}

// lookForProof returns the newest rehearsal that holds, null for none, and what stands against it with
// how sure that is, null for nothing.
func (r *run) lookForProof(ctx context.Context) (*Proof, gate.Verdict, *Problem) {
	if r.BackupDir == "" { // an upgrade without it is refused anyway
		return nil, gate.Unknown, &Problem{Code: "rehearsal_unknown", What: "whether this upgrade was rehearsed is not known: no backup-dir was given", Remedy: "give the backup-dir of the rehearsals"}
	}
	missing := func(what, remedy string) *Problem {
		return &Problem{Code: "rehearsal_missing", What: what, Remedy: remedy, Blocks: true}
	}
	const remedy = "run mode rehearse with this backup-dir and version, and read its report"
	now, err := r.DB.Fingerprint(ctx)
	if err != nil {
		return nil, gate.Unknown, missing(fmt.Sprintf("whether a rehearsal holds for this database is not known: %v", err), "check database-url")
	}
	newest, why, err := newestProof(ctx, r.openBackup, r.BackupDir, r.DB.URL(), now.Schema, r.To)
	switch {
	case err != nil:
		return nil, gate.Unknown, missing(fmt.Sprintf("looking for rehearsals in %q: %v", r.BackupDir, err), "check backup-dir")
	case newest == nil && len(why) > 0:
		return nil, gate.Closed, missing(fmt.Sprintf("no rehearsal of the upgrade to %s holds for this database: %s", r.To, strings.Join(shorten(why), "; ")), remedy)
	case newest == nil:
		return nil, gate.Closed, missing(fmt.Sprintf("no rehearsal of the upgrade to %s was made", r.To), remedy)
	}
	old := &Problem{Code: "rehearsal_old", Remedy: remedy, Blocks: true}
	at := newest.At.Format(toTheMinute)
	switch {
	case r.Now().Sub(newest.At) > r.RehearsalMaxAge:
		old.What = fmt.Sprintf("the newest rehearsal of the upgrade to %s is of %s, older than rehearsal-max-age (%s)", r.To, at, r.RehearsalMaxAge)
	case newest.At.After(r.Now()):
		old.What, old.Remedy = fmt.Sprintf("the newest rehearsal is dated %s, which is yet to come", at), "set this machine's clock, then rehearse again"
	default:
		return newest, gate.Open, nil
	}
	return newest, gate.Closed, old
}

// newestProof returns the newest proof in dir that holds for an upgrade of this database to a
// version, null when none does, and why each of the others does not. A proof whose backup is gone
// or is another one than it names proves nothing.
func newestProof(ctx context.Context, open openBackup, dir, source, schema, to string) (newest *Proof, why []string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+database.ProofSuffix))
	if err != nil {
		return nil, nil, err
	}
	for _, path := range files {
		p, err := readProof(path)
		if err == nil {
			err = p.holds(ctx, open, strings.TrimSuffix(path, database.ProofSuffix), source, schema, to)
		}
		switch {
		case err != nil:
			why = append(why, fmt.Sprintf("%s: %v", filepath.Base(path), err))
		case newest == nil || p.At.After(newest.At):
			newest = p
		}
	}
	return newest, why, nil
}

func readProof(path string) (*Proof, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, longestProof))
	if err != nil {
		return nil, err
	}
	p := &Proof{}
	if err := json.Unmarshal(text, p); err != nil || p.Format != proofFormat {
		return nil, errors.New("it is no proof of this tool's")
	}
	return p, nil
}

func (p *Proof) holds(ctx context.Context, open openBackup, backup, source, schema, to string) error {
	switch {
	case p.To != to:
		return fmt.Errorf("it is of the version %s", p.To)
	case p.Source != source:
		return errors.New("it is of another database")
	case p.Schema != schema:
		return errors.New("the database's schema is another one now")
	}
	m, release, err := open(ctx, backup)
	if err != nil {
		return err
	}
	if m.ManifestDigest != p.ManifestDigest {
		err = errors.New("the backup beside it is not the one that was rehearsed")
	}
	return errors.Join(err, release())
}

// openBackup is run's.
type openBackup func(ctx context.Context, path string) (m *database.Manifest, release func() error, err error)
