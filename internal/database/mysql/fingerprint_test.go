package mysql_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/content"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
)

func contentOf(t *testing.T, a mysql.Address) content.Fingerprint {
	t.Helper()
	f, _, err := mysql.New(&a).Fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Every statement changes content in a way that a weak digest would miss.
func TestFingerprintSeesEveryChange(t *testing.T) {
	t.Parallel()
	base := []string{
		`CREATE TABLE t (id INT, a VARCHAR(50), b DATETIME, ok TINYINT(1), f FLOAT, d DOUBLE, raw BLOB, n DECIMAL(20,5), bits BIT(9), at TIMESTAMP(6) NULL,
			KEY ka (a), KEY kb (b)) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`,
		`CREATE TABLE u (a INT PRIMARY KEY)`, `CREATE TABLE v (a INT, CONSTRAINT fk FOREIGN KEY (a) REFERENCES u (a))`,
		`INSERT INTO t (id, a, b) VALUES (1, 'x', '2026-01-01'), (2, 'y', '2026-01-01'), (3, NULL, NULL), (4, '', NULL), (7, 'p', NULL), (7, 'p', NULL)`,
		`INSERT INTO t (id, f, d, raw, n, bits, at) VALUES (5, 0.1, 0.1, x'00ff', 1.5, b'1', '2026-01-01 00:00:00.5')`,
	}
	changes := []string{
		`DO 1`,
		`UPDATE t SET a = CASE a WHEN 'x' THEN 'y' ELSE 'x' END WHERE id < 3`, // a swap between rows
		`UPDATE t SET a = '' WHERE id = 3`, `UPDATE t SET a = NULL WHERE id = 4`, `UPDATE t SET a = 'NULL' WHERE id = 3`,
		`UPDATE t SET a = 'X' WHERE id = 1`, `UPDATE t SET a = 'x ' WHERE id = 1`,
		`UPDATE t SET b = '2026-01-01 00:00:01' WHERE id = 1`, `UPDATE t SET ok = 0 WHERE id = 1`, `UPDATE t SET ok = 1 WHERE id = 1`,
		`UPDATE t SET f = 0.10000001 WHERE id = 5`, // the same six digits, another number
		`UPDATE t SET d = 0.10000000000000002 WHERE id = 5`, `UPDATE t SET raw = x'00fe' WHERE id = 5`, `UPDATE t SET raw = x'00ff00' WHERE id = 5`,
		`UPDATE t SET n = 1.50001 WHERE id = 5`, `UPDATE t SET bits = b'100000001' WHERE id = 5`, `UPDATE t SET at = '2026-01-01 00:00:00.500001' WHERE id = 5`,
		`INSERT INTO t (id, a) VALUES (7, 'p')`, `INSERT INTO t (id, a) VALUES (7, 'p'), (7, 'p')`, // pairs cancel under xor
		`DELETE FROM t WHERE id = 7`, `UPDATE t SET a = 'q' WHERE id = 7`,
		`ALTER TABLE t MODIFY ok TINYINT(4)`, `ALTER TABLE t DROP KEY ka; ALTER TABLE t ADD KEY ka (a)`, // index order
		`ALTER TABLE t MODIFY a VARCHAR(51)`, `ALTER TABLE t MODIFY a VARCHAR(50) CHARACTER SET latin1`, `ALTER TABLE t MODIFY a VARCHAR(50) COLLATE utf8mb4_general_ci`,
		`ALTER TABLE t MODIFY a VARCHAR(50) NOT NULL DEFAULT ''`, `ALTER TABLE t COMMENT 'x'`, `ALTER TABLE t DEFAULT COLLATE utf8mb4_general_ci`,
		`ALTER TABLE v DROP FOREIGN KEY fk`, `ALTER TABLE t ADD z INT`, `CREATE VIEW w AS SELECT a FROM t`, `CREATE VIEW w AS SELECT id FROM t`,
		`CREATE TRIGGER tr BEFORE INSERT ON u FOR EACH ROW SET NEW.a = 1`, `CREATE TRIGGER tr BEFORE INSERT ON u FOR EACH ROW SET NEW.a = 2`,
		`CREATE PROCEDURE p() SELECT 1`, `CREATE FUNCTION p() RETURNS INT DETERMINISTIC RETURN 1`, `CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1`,
		`CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1`, `DROP TABLE v`, `CREATE TABLE e (a INT)`,
		`ALTER DATABASE CHARACTER SET latin1`, `ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
	}
	for _, kind := range dbserver.Both {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			seen := map[string]string{}
			for _, change := range changes {
				a := dbserver.New(t, kind)
				dbserver.Exec(t, a, append(slices.Clone(base), strings.Split(change, "; ")...)...)
				digest := contentOf(t, a).Digest()
				if before, ok := seen[digest]; ok {
					t.Errorf("%s\nand\n%s\ngive the same digest", before, change)
				}
				seen[digest] = change
			}
		})
	}
}

// Order of rows, auto-increment, the tool's own marker and another session's settings do not count.
func TestFingerprintSeesOnlyContent(t *testing.T) {
	t.Parallel()
	for _, kind := range dbserver.Both {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a, b := dbserver.New(t, kind), dbserver.New(t, kind)
			table := "CREATE TABLE t (n INT AUTO_INCREMENT, s TEXT, KEY (n))"
			dbserver.Exec(t, a, table, "INSERT INTO t VALUES (1, 'ä'), (2, 'b'), (NULL, 'c')")
			dbserver.Exec(t, b, "SET sql_mode = 'ANSI_QUOTES'", table, "INSERT INTO t VALUES (900, 'x')", "DELETE FROM t",
				"INSERT INTO t VALUES (3, 'c'), (2, 'b'), (1, 'ä')", "CREATE TABLE "+mysql.MarkerTable+" (a INT)")
			if lines := contentOf(t, a).Diff(contentOf(t, b)); len(lines) > 0 {
				t.Errorf("%v", lines)
			}
			if rows := contentOf(t, a).Tables["t"].Rows; rows != 3 {
				t.Errorf("%d rows", rows)
			}
		})
	}
}
