package database

import (
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// restoreSteps is what RESTORE.md says: everything a person needs when this tool is not there.
func restoreSteps(f *folder, d *SQLite, sum string) string {
	return fmt.Sprintf(`# How to restore this backup by hand

Made %[1]s by zenml-upgrade %[2]s from the database of a ZenML server of version %[3]s
(its alembic_version: %[4]s). Go through the steps in order; stop when one does not end as told.

When you have only NAME.tar.gz.age, make an empty folder that nobody else can read, and run in it
"age --decrypt --identity KEYFILE NAME.tar.gz.age | tar -xz": KEYFILE is what age-keygen wrote.

1. Stop every ZenML server and every client that uses the database file.
2. In this folder, check the copy. It must print "zenml.db: OK":

       echo '%[5]s  zenml.db' | sha256sum -c

3. Name the database file, and see that nobody has it open (fuser must print nothing):

       DB=%[6]s
       fuser "$DB" "$DB-wal" "$DB-shm" "$DB-journal"

4. Put the present files aside. The journals must not stay: SQLite would apply them to the
   restored file and spoil it.

       mkdir "$DB.aside"
       for f in "$DB" "$DB-wal" "$DB-shm" "$DB-journal"; do test ! -e "$f" || mv "$f" "$DB.aside/"; done

5. Bring the copy, give it the old owner and mode, and make it durable:

       cp zenml.db "$DB.restoring"
       OLD="$DB.aside/$(basename "$DB")"
       test ! -e "$OLD" || chown --reference="$OLD" "$DB.restoring"
       test ! -e "$OLD" || chmod --reference="$OLD" "$DB.restoring"
       sync "$DB.restoring"
       mv "$DB.restoring" "$DB"

6. Start a ZenML server of version %[3]s, the one that the database was written by. A newer one
   would migrate it again, an older one does not start.
7. When all is well, remove "$DB.aside".
`, f.meta.created().Format("2006-01-02 15:04:05 MST"), version.Tool, oneLine(f.meta.ZenMLVersion), oneLine(f.m.Revision), sum,
		shellQuote(d.real))
}
