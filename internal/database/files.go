package database

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// syncPath makes a file's or a folder's state durable.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// writeSynced writes a new file, 0600, and makes it durable.
func writeSynced(path string, body []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	return errors.Join(err, f.Sync(), f.Close())
}

// copyFile copies to a new file, 0600, and makes it durable.
func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, &stoppable{ctx, in})
	return errors.Join(err, out.Sync(), out.Close())
}

// fileDigest returns a file's sha256 as sha256sum prints it.
func fileDigest(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, &stoppable{ctx, f}); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// restoreSteps is what RESTORE.md says: everything a person needs when this tool is not there.
func restoreSteps(m *Manifest, d *SQLite, sum string) string {
	return fmt.Sprintf(`# How to restore this backup by hand

Made %[1]s by zenml-upgrade %[2]s from the database of a ZenML server of version %[3]s
(its alembic_version: %[4]s). Go through the steps in order; stop when one does not end as told.

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
`, m.CreatedAt.Format("2006-01-02 15:04:05 MST"), m.ToolVersion, oneLine(m.ZenMLVersion), oneLine(m.Revision), sum,
		shellQuote(d.real))
}

// oneLine makes text fit for a line of a document: no control characters, no Markdown of its own.
func oneLine(s string) string {
	if s == "" {
		return "unknown"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune("`<>[]", r) {
			return '_'
		}
		return r
	}, cut(s, 100))
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
