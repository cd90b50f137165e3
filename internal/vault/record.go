package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/atomicfile"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
)

// What stands beside a backup's folder NAME, all of it of mode 0600:
//
//	NAME.backup.json             its record
//	NAME.tar.gz, NAME.tar.gz.age the packed backup, the second encrypted
//	NAME.tar.gz.packing          one that is being made; what a killed run left is removed
const (
	recordEnd    = ".backup.json"
	packedEnd    = ".tar.gz"
	encryptedEnd = ".age"
	packingEnd   = ".tar.gz.packing"

	recordFormat  = "zenml-upgrade/backup-record/v1"
	longestRecord = 64 << 10
)

// nameForm is how the folders of backups are called: time and chance.
var nameForm = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z-[a-z0-9]{8}$`)

// Record says what is known of a backup without opening it. It is what marks a packed backup as one
// of this tool's.
type Record struct {
	Format       string    `json:"format"` // zenml-upgrade/backup-record/v1
	Name         string    `json:"name"`
	SourceURL    string    `json:"source_url"` // of the database, without a password
	CreatedAt    time.Time `json:"created_at"`
	ZenMLVersion string    `json:"zenml_version"`
	Revision     string    `json:"revision"`
	Digest       string    `json:"digest"`             // h1: of the folder, as in its manifest
	Snapshot     string    `json:"snapshot,omitempty"` // its name, which goes with the backup; "": the data is in the backup itself
	Drilled      bool      `json:"drilled"`            // it was restored, and the old version ran on it
	Packed       *Packed   `json:"packed"`             // null: only the folder is there
	Kept         bool      `json:"kept"`               // a copy in the destination was read back and is the same
}

// Packed is a backup as one file.
type Packed struct {
	File      string `json:"file"`
	Bytes     int64  `json:"bytes"`
	SHA256    string `json:"sha256"`
	Encrypted bool   `json:"encrypted"`
}

func recordOf(m *database.Manifest) Record {
	return Record{
		Format: recordFormat, Name: filepath.Base(m.Path), SourceURL: m.SourceURL, CreatedAt: m.CreatedAt,
		ZenMLVersion: m.ZenMLVersion, Revision: m.Revision, Digest: m.Digest, Snapshot: m.Snapshot,
	}
}

func (r *Record) encode() ([]byte, error) { return json.MarshalIndent(r, "", "  ") }

func (r *Record) write(dir string) error {
	b, err := r.encode()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, r.Name+recordEnd)
	return errors.Join(atomicfile.Write(path, b), os.Chmod(path, 0o600))
}

// decode reads a record and refuses one that is not of the backup whose name it has.
func decode(in io.Reader, name string) (*Record, error) {
	b, err := io.ReadAll(io.LimitReader(in, longestRecord+1))
	if err != nil {
		return nil, err
	}
	r := &Record{}
	if len(b) > longestRecord || json.Unmarshal(b, r) != nil || r.Format != recordFormat || r.Name != name || !nameForm.MatchString(name) {
		return nil, fmt.Errorf("%q is no record of a backup", name+recordEnd)
	}
	if p := r.Packed; p != nil && p.File != name+packedEnd && p.File != name+packedEnd+encryptedEnd {
		return nil, fmt.Errorf("the record of the backup %q names the file of another", name)
	}
	return r, nil
}

// readRecord returns null where there is none.
func readRecord(dir, name string) (*Record, error) {
	f, err := os.Open(filepath.Join(dir, name+recordEnd))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return decode(f, name)
}

// records lists those of one database in a folder, of all with source ""; what is no record is left out.
func records(dir, source string) ([]*Record, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []*Record
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), recordEnd)
		if !ok || !e.Type().IsRegular() {
			continue
		}
		if r, err := readRecord(dir, name); err == nil && r != nil && (source == "" || r.SourceURL == source) {
			out = append(out, r)
		}
	}
	return out, nil
}
