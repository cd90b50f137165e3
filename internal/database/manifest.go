package database

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"golang.org/x/mod/sumdb/dirhash"
)

// The files of a backup folder.
const (
	copyName     = "zenml.db"
	dumpName     = "dump.sql"
	dumpFolder   = "dump"   // of mydumper
	besideFolder = "server" // Meta.Beside
	stepsName    = "RESTORE.md"
	scriptName   = "restore.sh"
	snapshotName = "snapshot.txt" // the name of the snapshot, in a line
	manifestName = "manifest.json"
)

// The engines there are.
const (
	sqliteEngine  = "sqlite-online-backup"
	mysqlEngine   = "mysqldump"
	mariadbEngine = "mariadb-dump"
)

// filesOf lists what a backup folder holds beside its manifest and what Manifest.Beside names; no
// other file may be in it.
var filesOf = map[string][]string{
	sqliteEngine:  {copyName, stepsName},
	mysqlEngine:   {dumpName, stepsName, scriptName},
	mariadbEngine: {dumpName, stepsName, scriptName},

	EngineMydumper: {dumpFolder, stepsName, scriptName},
	EngineCommand:  {snapshotName, stepsName},
}

const (
	manifestSchema  = "zenml-upgrade/backup/v1"
	partialSuffix   = ".partial"
	longestManifest = 4 << 20
)

// Manifest describes a complete backup. It holds names of tables, never a value of a row.
type Manifest struct {
	Path           string           `json:"-"`      // the backup folder, absolute
	Format         string           `json:"format"` // zenml-upgrade/backup/v1
	Engine         string           `json:"engine"` // sqlite-online-backup, mysqldump, mariadb-dump, mydumper, command
	EngineVersion  string           `json:"engine_version"`
	Options        []string         `json:"options"`            // of the dump program, or the digest of the commands; null without either
	Snapshot       string           `json:"snapshot,omitempty"` // its name; only of engine command
	Server         *Server          `json:"server"`             // null for SQLite
	Bytes          int64            `json:"bytes"`              // of the copy or dump; of a snapshot's database
	Keys           Keys             `json:"keys"`
	Beside         []string         `json:"beside"` // files below server/, sorted: how the server was set up
	Digest         string           `json:"digest"` // h1: over the folder without the manifest (x/mod dirhash)
	ContentDigest  string           `json:"content_digest"`
	Schema         string           `json:"schema"`
	Tables         map[string]Table `json:"tables"`
	Work           map[string]Table `json:"work,omitempty"` // Fingerprint.Work
	Revision       string           `json:"revision"`       // what alembic_version held
	ZenMLVersion   string           `json:"zenml_version"`
	Quiescent      bool             `json:"quiescent"` // nobody wrote while it was made: it equals the source
	ToolVersion    string           `json:"tool_version"`
	CreatedAt      time.Time        `json:"created_at"`
	Holder         string           `json:"holder"` // the run that made it
	SourceURL      string           `json:"source_url"`
	ManifestDigest string           `json:"manifest_digest"` // sha256: over this file with "" here
}

// Server says what a database was like beside its content.
type Server struct {
	Version   string            `json:"version"` // SELECT VERSION()
	Charset   string            `json:"charset"` // of the database
	Collation string            `json:"collation"`
	Variables map[string]string `json:"variables"` // the server's settings that change what statements mean
	Objects   map[string]int    `json:"objects"`   // views, triggers, routines, events
	Grants    []string          `json:"grants"`    // rights on the database as far as the account sees them; no passwords
}

// Fingerprint returns the content that the backup holds.
func (m *Manifest) Fingerprint() Fingerprint {
	return Fingerprint{Schema: m.Schema, Tables: m.Tables, Work: m.Work}
}

// setContent notes what the backup holds.
func (m *Manifest) setContent(f Fingerprint) {
	m.Schema, m.Tables, m.Work, m.ContentDigest = f.Schema, f.Tables, f.Work, f.Digest()
}

// encode returns the manifest's only valid bytes: Verify compares them, so no byte can change.
func (m *Manifest) encode() ([]byte, error) {
	sealed := *m
	sealed.ManifestDigest = ""
	body, err := json.MarshalIndent(&sealed, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the backup's manifest: %w", err)
	}
	m.ManifestDigest = fmt.Sprintf("sha256:%x", sha256.Sum256(body))
	body, err = json.MarshalIndent(m, "", "  ")
	return append(body, '\n'), err
}

func readManifest(folder string) (*Manifest, error) {
	f, err := os.Open(filepath.Join(folder, manifestName))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, longestManifest+1))
	if err != nil {
		return nil, err
	}
	if len(body) > longestManifest {
		return nil, errors.New("its manifest is longer than any that this tool writes")
	}
	m := &Manifest{}
	if err := json.Unmarshal(body, m); err != nil {
		return nil, fmt.Errorf("its manifest is not readable: %w", err)
	}
	if m.Format != manifestSchema || filesOf[m.Engine] == nil {
		return nil, fmt.Errorf("its manifest is of another kind (%q, %q): use the version of this tool that made it",
			cut(m.Format, 60), cut(m.Engine, 60))
	}
	same := *m
	expect, err := same.encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(expect, body) {
		return nil, errors.New("its manifest was changed after the backup was made")
	}
	m.Path = folder
	return m, nil
}

// Verify proves that a backup folder is complete and that not one byte of it changed since it
// was made. It does not open the copy: Scratch and Restore compare the content too.
func Verify(ctx context.Context, folder string) (*Manifest, error) {
	m, err := verify(ctx, folder)
	if err != nil && ctx.Err() == nil {
		err = &fault.Error{Kind: fault.NoVerdict, What: fmt.Sprintf("the backup %q cannot be trusted", folder), Err: err,
			Safe: "nothing was restored from it", Next: "take another backup of backup-dir"}
	}
	return m, err
}

func verify(ctx context.Context, folder string) (*Manifest, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(folder, partialSuffix) {
		return nil, errors.New("it was not finished")
	}
	m, err := readManifest(folder)
	if err != nil {
		return nil, err
	}
	if err := checkListing(folder, m); err != nil {
		return nil, err
	}
	digest, err := folderDigest(ctx, folder, m)
	if err != nil {
		return nil, err
	}
	if digest != m.Digest {
		return nil, fmt.Errorf("its files were changed after it was made (digest %s, made with %s)", digest, m.Digest)
	}
	if m.ContentDigest != m.Fingerprint().Digest() {
		return nil, errors.New("its manifest contradicts itself")
	}
	return m, nil
}

// checkListing refuses missing and foreign files; a symbolic link is foreign, too.
func checkListing(folder string, m *Manifest) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	missing := append(slices.Clone(filesOf[m.Engine]), manifestName)
	if len(m.Beside) > 0 {
		missing = append(missing, besideFolder)
	}
	for _, e := range entries {
		i := slices.Index(missing, e.Name())
		folder := e.Name() == dumpFolder || e.Name() == besideFolder
		if i < 0 || folder != e.IsDir() || !folder && !e.Type().IsRegular() {
			return fmt.Errorf("it holds %q, which no backup holds", cut(e.Name(), 100))
		}
		missing = slices.Delete(missing, i, i+1)
	}
	if len(missing) > 0 {
		return fmt.Errorf("its file %q is missing", missing[0])
	}
	return nil
}

func folderDigest(ctx context.Context, folder string, m *Manifest) (string, error) {
	names, err := allFiles(folder, m)
	if err != nil {
		return "", err
	}
	return dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		f, err := os.Open(filepath.Join(folder, name))
		return struct {
			io.Reader
			io.Closer
		}{Stoppable(ctx, f), f}, err
	})
}

// allFiles lists the files of a backup beside its manifest, those of a dump's folder too. A folder
// in that is foreign, and so is what lies below server/ and is not in the manifest.
func allFiles(folder string, m *Manifest) ([]string, error) {
	names, err := besideFiles(folder)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(names, m.Beside) {
		return nil, fmt.Errorf("below %s it holds other files than were written there", besideFolder)
	}
	names = slices.Clone(names)
	for i, name := range names {
		names[i] = besideFolder + "/" + name
	}
	for _, name := range filesOf[m.Engine] {
		if name != dumpFolder {
			names = append(names, name)
			continue
		}
		entries, err := os.ReadDir(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !e.Type().IsRegular() {
				return nil, fmt.Errorf("its dump holds %q, which no dump holds", cut(e.Name(), 100))
			}
			names = append(names, name+"/"+e.Name())
		}
	}
	return names, nil
}

// Stoppable ends a long read with its context.
func Stoppable(ctx context.Context, r io.Reader) io.Reader { return &stoppable{ctx.Err, r} }

type stoppable struct {
	ended func() error
	io.Reader
}

func (s *stoppable) Read(p []byte) (int, error) {
	if err := s.ended(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

// BackupsOf returns the complete backups in dir of the database with this URL, which holds no password,
// or of all for "", newest first. Unfinished ones are left out; what is returned is not verified. A
// missing dir holds none.
func BackupsOf(dir, url string) ([]*Manifest, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing the backups in %q: %w", dir, err)
	}
	found := []*Manifest{}
	for _, e := range entries {
		if !e.IsDir() || strings.HasSuffix(e.Name(), partialSuffix) {
			continue
		}
		m, err := readManifest(filepath.Join(dir, e.Name()))
		if err == nil && (url == "" || m.SourceURL == url) {
			found = append(found, m)
		}
	}
	slices.SortStableFunc(found, func(a, b *Manifest) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return found, nil
}
