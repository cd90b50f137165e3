package content

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/bits"
)

// Rows digests a table row by row: the values of a row in the order of its columns, then End. No
// two different rows give the same bytes: each value begins with its type, and with its length
// where that can vary.
//
// The digests of the rows are added as numbers mod 2^256, which needs no order and no memory, and
// counts a row that stands there twice twice (combining by xor would cancel the two). It is proof
// against accident (rows lost, doubled, values swapped between rows), not against somebody who
// writes rows in order to forge a sum.
type Rows struct {
	row   []byte
	sum   [4]uint64
	count int64
}

// Null adds a missing value.
func (r *Rows) Null() { r.row = append(r.row, 'n') }

// Int adds a whole number.
func (r *Rows) Int(v int64) { r.row = binary.BigEndian.AppendUint64(append(r.row, 'i'), uint64(v)) }

// Float adds a number by its bits: 0 and -0 differ.
func (r *Rows) Float(v float64) {
	r.row = binary.BigEndian.AppendUint64(append(r.row, 'f'), math.Float64bits(v))
}

// Text adds a text.
func (r *Rows) Text(v string) { r.row = appendText(append(r.row, 't'), v) }

// Bytes adds raw bytes.
func (r *Rows) Bytes(v []byte) { r.row = appendText(append(r.row, 'b'), v) }

// End ends the row.
func (r *Rows) End() {
	digest := sha256.Sum256(r.row)
	var carry uint64
	for i := 3; i >= 0; i-- {
		r.sum[i], carry = bits.Add64(r.sum[i], binary.BigEndian.Uint64(digest[8*i:]), carry)
	}
	r.count++
	r.row = r.row[:0]
}

// Table returns what a table of these columns holds.
func (r *Rows) Table(columns []string) Table {
	var b []byte
	for _, name := range columns {
		b = appendText(b, name)
	}
	for _, n := range append(r.sum[:], uint64(r.count)) {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	digest := sha256.Sum256(b)
	return Table{Rows: r.count, Fingerprint: "sha256:" + hex.EncodeToString(digest[:])}
}
