package database

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every statement changes content in a way that a weak digest would miss.
func TestFingerprintSeesEveryChange(t *testing.T) {
	t.Parallel()
	base := []string{
		`CREATE TABLE t (a, b DATETIME)`, `CREATE TABLE u (a REAL)`,
		`INSERT INTO t VALUES (1, 'x'), (2, 'y'), (NULL, ''), ('', NULL), (0, '2026-01-01 00:00:00'), ('ab', 'c'), (7, 7), (7, 7)`,
		`INSERT INTO u VALUES (0.0)`,
	}
	changes := []string{
		`SELECT 1`,
		`UPDATE t SET b = CASE b WHEN 'x' THEN 'y' ELSE 'x' END WHERE b IN ('x', 'y')`, // a swap between rows
		`UPDATE t SET a = '' WHERE a IS NULL`,
		`UPDATE t SET a = 0 WHERE a IS NULL`,
		`UPDATE t SET a = NULL WHERE a = ''`,
		`UPDATE t SET a = '0' WHERE a = 0 AND typeof(a) = 'integer'`,
		`UPDATE t SET a = 0.0 WHERE a = 0 AND typeof(a) = 'integer'`,
		`UPDATE t SET a = x'' WHERE a = ''`,
		`UPDATE t SET a = CAST('ab' AS BLOB) WHERE a = 'ab'`,
		`UPDATE t SET a = 'a', b = 'bc' WHERE a = 'ab'`,                                       // the border between two values
		`UPDATE t SET b = '2026-01-01 00:00:00.000000' WHERE a = 0 AND typeof(a) = 'integer'`, // the same time, another text
		`UPDATE t SET b = '2026-01-01T00:00:00' WHERE a = 0 AND typeof(a) = 'integer'`,
		`UPDATE t SET a = 'ab' || char(0) || 'x' WHERE a = 'ab'`,
		`UPDATE t SET a = 'ab' || char(0) || 'y' WHERE a = 'ab'`,
		`INSERT INTO t VALUES (7, 7)`,
		`INSERT INTO t VALUES (7, 7), (7, 7)`,   // pairs cancel under xor
		`UPDATE t SET a = 8, b = 8 WHERE a = 7`, // a pair becomes another pair: equal under xor
		`DELETE FROM t WHERE a = 7`,
		`DELETE FROM t WHERE rowid = 7`,
		`UPDATE u SET a = -0.0000000000000000000000000000000000001`,
		`UPDATE u SET a = 4.9e-324`,
		`INSERT INTO u VALUES (0.1 + 0.2)`, `INSERT INTO u VALUES (0.3)`,
		`CREATE INDEX i ON t (a)`, `CREATE VIEW v AS SELECT a FROM t`, `CREATE TABLE w (x)`,
		`CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END`,
		`ALTER TABLE t RENAME COLUMN a TO c`, `ALTER TABLE t RENAME TO t2`, `ALTER TABLE t ADD COLUMN d`,
		`PRAGMA user_version = 3`, `PRAGMA application_id = 3`,
		`DROP TABLE u`, `ANALYZE`,
	}
	seen := map[string]string{}
	for _, c := range changes {
		d := &SQLite{}
		d.path = t.TempDir() + "/x.db"
		d.real = d.path
		write(t, d.path)
		change(t, d, append(slices.Clone(base), c)...)
		digest := contentOf(t, d).Digest()
		if before, ok := seen[digest]; ok {
			t.Errorf("%s\nand\n%s\ngive the same digest", before, c)
		}
		seen[digest] = c
	}
}

// Equal exactly when the content is, over random tables: order, page layout and journal mode do
// not count, one changed value does.
func TestFingerprintProperty(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	literals := []string{"NULL", "''", "0", "0.0", "1", "1.0", "'1'", "x'31'", "x''", "-1", "9223372036854775807", "'é'", "1e300", "'null'"}
	seen := map[string]string{} // digest: content
	for range 60 {
		rows := make([]string, r.IntN(4))
		for i := range rows {
			rows[i] = fmt.Sprintf("(%s, %s)", literals[r.IntN(len(literals))], literals[r.IntN(len(literals))])
		}
		digests := []string{}
		for i, mode := range []string{"DELETE", "WAL"} {
			path := t.TempDir() + "/x.db"
			d := &SQLite{path: path, real: path}
			write(t, path)
			statements := []string{"PRAGMA journal_mode=" + mode, `CREATE TABLE t (a, b)`}
			if i == 1 { // other pages, other rowids
				statements = append(statements, "INSERT INTO t SELECT zeroblob(9000), 1", "DELETE FROM t")
				slices.Reverse(rows)
			}
			for _, row := range rows {
				statements = append(statements, "INSERT INTO t VALUES "+row)
			}
			change(t, d, statements...)
			digests = append(digests, contentOf(t, d).Digest())
		}
		key := strings.Join(slices.Sorted(slices.Values(rows)), "")
		if digests[0] != digests[1] {
			t.Fatalf("%s: order or layout changed the digest", key)
		}
		if before, ok := seen[digests[0]]; ok && before != key {
			t.Fatalf("%q and %q have the same digest", before, key)
		}
		seen[digests[0]] = key
	}
	if len(seen) < 20 {
		t.Fatalf("only %d different contents were tried", len(seen))
	}
	if keys := slices.Collect(maps.Values(seen)); len(slices.Compact(slices.Sorted(slices.Values(keys)))) != len(keys) {
		t.Error("one content had two digests")
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	d := sample(t, "DELETE")
	before := contentOf(t, d)
	if lines := before.Diff(contentOf(t, d)); len(lines) != 0 {
		t.Fatalf("unchanged, but: %v", lines)
	}
	change(t, d, `INSERT INTO pairs VALUES (1, 1)`, `DROP TABLE counted`, `CREATE TABLE fresh (a)`)
	want := []string{
		`table "counted" is gone (had 1 rows)`, `table "fresh" is new (0 rows)`, `table "pairs" differs (0 rows, then 1)`,
		`table "sqlite_sequence" differs (1 rows, then 0)`,
		"the schema (tables, columns, indexes, views, triggers or settings) differs",
	}
	if diff := cmp.Diff(want, before.Diff(contentOf(t, d))); diff != "" {
		t.Error(diff)
	}
	if (Fingerprint{}).Digest() == before.Digest() || len((Fingerprint{}).Diff(before)) == 0 {
		t.Error("an empty fingerprint passes for a full one")
	}
}

func TestFingerprintRefusesUTF16(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/x.db"
	d := &SQLite{path: path, real: path}
	write(t, path)
	change(t, d, `PRAGMA encoding = 'UTF-16le'`, `CREATE TABLE t (a)`)
	if _, err := d.Fingerprint(t.Context()); err == nil || !strings.Contains(err.Error(), "UTF-16") {
		t.Errorf("got %v", err)
	}
}
