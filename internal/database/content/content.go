// Package content says what a database holds in digests, whatever engine keeps it.
package content

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
)

// Table is what a table holds: its number of rows and "sha256:..." over them.
type Table struct {
	Rows        int64  `json:"rows"`
	Fingerprint string `json:"fingerprint"`
}

// Fingerprint is the content of a database, whatever the order of rows or pages on disk. Two
// fingerprints are equal exactly when schema and rows are.
type Fingerprint struct {
	Schema string           `json:"schema"` // "sha256:..." over tables, indexes, views, triggers and the database's settings
	Tables map[string]Table `json:"tables"`
	// Work holds, of the tables in which ZenML also notes that it is used, what else they hold.
	Work map[string]Table `json:"work,omitempty"`
}

// Digest returns "sha256:..." over schema and all tables.
func (f Fingerprint) Digest() string {
	t := NewTexts()
	t.Add(f.Schema)
	for _, name := range slices.Sorted(maps.Keys(f.Tables)) {
		t.Add(name, f.Tables[name].Fingerprint)
	}
	return t.Digest()
}

// Diff says in sorted lines how other differs: tables by name with their rows; empty when equal.
func (f Fingerprint) Diff(other Fingerprint) []string {
	lines := []string{}
	names := maps.Clone(f.Tables)
	if names == nil {
		names = map[string]Table{}
	}
	maps.Copy(names, other.Tables)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, inA := f.Tables[name]
		b, inB := other.Tables[name]
		switch {
		case !inA:
			lines = append(lines, fmt.Sprintf("table %q is new (%d rows)", name, b.Rows))
		case !inB:
			lines = append(lines, fmt.Sprintf("table %q is gone (had %d rows)", name, a.Rows))
		case a != b:
			lines = append(lines, fmt.Sprintf("table %q differs (%d rows, then %d)", name, a.Rows, b.Rows))
		}
	}
	if f.Schema != other.Schema {
		lines = append(lines, "the schema (tables, columns, indexes, views, triggers or settings) differs")
	}
	return lines
}

// Texts digests a list of texts so that no two lists give the same bytes.
type Texts struct{ h hash.Hash }

// NewTexts begins an empty list.
func NewTexts() Texts { return Texts{sha256.New()} }

// Add appends to the list.
func (t Texts) Add(texts ...string) {
	for _, s := range texts {
		_, _ = t.h.Write(appendText(nil, s)) // a hash never fails
	}
}

// Digest returns "sha256:..." over the list so far.
func (t Texts) Digest() string { return "sha256:" + hex.EncodeToString(t.h.Sum(nil)) }

func appendText[T string | []byte](b []byte, s T) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
}
