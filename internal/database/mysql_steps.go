package database

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// dumpSteps is what RESTORE.md says: everything a person needs when this tool is not there.
func dumpSteps(b *dumping) string {
	return fmt.Sprintf(`# How to restore this backup by hand

Made %[1]s by zenml-upgrade %[2]s with %[3]s from the database of a ZenML server of version %[4]s
(its alembic_version: %[5]s), on a server of version %[6]s.
Go through the steps in order; stop when one does not end as told.

When you have only NAME.tar.gz.age, make an empty folder that nobody else can read, and run in it
"age --decrypt --identity KEYFILE NAME.tar.gz.age | tar -xz": KEYFILE is what age-keygen wrote.

1. Stop every ZenML server and every client that uses the database.
2. Write a file that says where the database server is and who you are, for you alone to read. The
   account needs all privileges on the database.

       ( umask 077; cat >client.cnf <<'END'
       [client]
       host=127.0.0.1
       port=3306
       user=zenml
       password="..."
       END
       )

3. Run the script beside this text. It checks the dump, refuses while another session is on the database, drops everything in it, loads the dump and
   compares the number of rows of every table. It must end with "restored". When it is cut off,
   run it again.

       sh restore.sh client.cnf %[7]s

   A database server of another version may hold the same data and print its definitions in other
   words.
4. Remove client.cnf. Start a ZenML server of version %[4]s, the one that the database was written
   by. A newer one would migrate it again, an older one does not start.
`, b.meta.created().Format("2006-01-02 15:04:05 MST"), version.Tool, b.tools.Text(), oneLine(b.meta.ZenMLVersion), oneLine(b.m.Revision),
		oneLine(b.m.Server.Version), shellQuote(b.db.client.Name))
}

// restoreScript is restore.sh. Names from the database stand in it only in quotes of the shell's.
func restoreScript(b *dumping, sums []string) string {
	var rows strings.Builder
	for _, name := range slices.Sorted(maps.Keys(b.m.Tables)) {
		fmt.Fprintf(&rows, "count %s %d\n", shellQuote(name), b.m.Tables[name].Rows)
	}
	load := `sql "$name" <dump.sql`
	if b.m.Engine == EngineMydumper {
		load = `myloader --defaults-file="$settings" --database="$name" --directory=dump --threads=4 --enable-binlog`
	}
	return fmt.Sprintf(`#!/bin/sh
# restore.sh CLIENT.CNF [DATABASE]: brings this backup back. Read RESTORE.md first.
set -eu
settings=${1:?"usage: sh restore.sh CLIENT.CNF [DATABASE]"}
name=${2:-%[1]s}
case $settings in /*) ;; *) settings=$PWD/$settings ;; esac
cd "$(dirname "$0")"
quoted=$(printf %%s "$name" | sed "s/'/''/g")

sql() { %[2]s --defaults-file="$settings" --batch --raw --skip-column-names --binary-mode --default-character-set=utf8mb4 --max-allowed-packet=1073741824 "$@"; }
ask() { sql -e "$1"; }

sha256sum -c --quiet <<'END'
%[3]s
END
ask "CREATE DATABASE IF NOT EXISTS \`+"`$name\\`"+`" 2>/dev/null || true
others=$(ask "SELECT COUNT(*) FROM information_schema.processlist WHERE db = '$quoted' AND id <> CONNECTION_ID()")
[ "$others" = 0 ] || {
	echo "$others other sessions are on the database: end them first" >&2
	exit 1
}
{
	echo 'SET foreign_key_checks = 0;'
	ask "SELECT CONCAT('DROP EVENT IF EXISTS \`+"`', REPLACE(event_name, '\\`', '\\`\\`'), '\\`"+`;') FROM information_schema.events WHERE event_schema = '$quoted'"
	ask "SELECT CONCAT('DROP ', IF(table_type = 'VIEW', 'VIEW', 'TABLE'), ' IF EXISTS \`+"`', REPLACE(table_name, '\\`', '\\`\\`'), '\\`"+`;') FROM information_schema.tables WHERE table_schema = '$quoted'"
	ask "SELECT CONCAT('DROP ', routine_type, ' IF EXISTS \`+"`', REPLACE(routine_name, '\\`', '\\`\\`'), '\\`"+`;') FROM information_schema.routines WHERE routine_schema = '$quoted'"
	echo 'ALTER DATABASE CHARACTER SET %[4]s COLLATE %[5]s;'
} >"$settings.drop"
sql "$name" <"$settings.drop"
rm "$settings.drop"
%[7]s

wrong=0
count() {
	table=$(printf %%s "$1" | sed 's/`+"`/``"+`/g')
	got=$(sql "$name" -e "SELECT COUNT(*) FROM \`+"`$table\\`"+`")
	[ "$got" = "$2" ] || {
		echo "table $1 has $got rows instead of $2" >&2
		wrong=1
	}
}
%[6]s
[ "$wrong" = 0 ] && echo restored
`, shellQuote(b.db.client.Name), b.tools.Client, strings.Join(sums, "\n"), b.m.Server.Charset, b.m.Server.Collation, strings.TrimSpace(rows.String()), load)
}
