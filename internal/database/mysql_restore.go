package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// reloading is a restore on its way. Killed between or in any of its steps, restoring again works:
//
//	ensure  makes the database if it is gone
//	mark    leaves a table that says so: from now on Revision is an error, so that nobody takes a
//	        half restored database for a whole one
//	clear   drops everything else in the database, also what the backup knows nothing of, and gives
//	        the database its old character set. The database itself stays, with the rights on it:
//	        the account needs none of the server's
//	load    runs the dump
//
// of a snapshot, in place of the two
//
//	revert  has a command bring the snapshot back, which may take the mark along
//
//	prove   compares all content with the manifest, and takes the mark away
type reloading struct {
	db    *MySQL
	m     *Manifest
	tools *mysql.Tools // nil: by command
	hold  *os.File     // of the backup's folder; what a command starts holds it, too
}

// restoringMark is what the marker table says while a restore has not ended.
const restoringMark = "restoring"

// Restore replaces what is in the database by a backup, exactly: afterwards its Fingerprint is the
// manifest's. It refuses when the backup is not whole, or while another session is on the database.
func (d *MySQL) Restore(ctx context.Context, backup string) error {
	m, err := Verify(ctx, backup)
	if err != nil {
		return err
	}
	if err := d.stillLocked(ctx); err != nil {
		return err
	}
	hold, err := holdDead(ctx, m.Path) // what a killed run started may still be restoring
	if err != nil {
		return fmt.Errorf("restoring the database %q from %q: %w", d.URL(), backup, err)
	}
	defer hold.Close()
	if err := d.alone(ctx); err != nil {
		return err
	}
	if err := d.reload(ctx, m, hold); err != nil {
		return fmt.Errorf("restoring the database %q from %q: %w", d.URL(), backup, err)
	}
	return nil
}

// alone refuses while another session is on the database.
func (d *MySQL) alone(ctx context.Context) error {
	others, err := d.Others(ctx)
	if err == nil && len(others) > 0 {
		err = &fault.Error{Kind: fault.NoVerdict, What: fmt.Sprintf("the database %q is in use: %s", d.URL(), strings.Join(others, ", ")),
			Safe: "the database was not replaced", Next: "stop them and run again"}
	}
	return err
}

func (d *MySQL) reload(ctx context.Context, m *Manifest, hold *os.File) error {
	r, err := d.reloading(ctx, m)
	if err != nil {
		return err
	}
	r.hold = hold
	for _, step := range r.steps() {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *MySQL) reloading(ctx context.Context, m *Manifest) (*reloading, error) {
	if m.Server == nil {
		return nil, fmt.Errorf("the backup is one of another kind (%s)", m.Engine)
	}
	if m.Engine == EngineCommand {
		return &reloading{db: d, m: m}, d.haveCommands()
	}
	v, err := mysql.ParseVersion(m.Server.Version)
	if err != nil {
		return nil, err
	}
	if m.Engine == EngineMydumper {
		tools, err := mysql.FindMydumper(ctx, d.options.Environ)
		return &reloading{db: d, m: m, tools: tools}, err
	}
	tools, err := mysql.FindTools(ctx, d.options.Environ, v)
	if err != nil {
		return nil, err
	}
	if m.Engine == mariadbEngine && tools.Engine != mariadbEngine {
		return nil, fault.Unreachable("the backup was made by mariadb-dump, and the program mariadb, which reads it, is not here", nil, "install MariaDB's client")
	}
	return &reloading{db: d, m: m, tools: tools}, nil
}

func (r *reloading) steps() []func(context.Context) error {
	if r.tools == nil {
		return []func(context.Context) error{r.ensure, r.mark, r.revert, r.prove}
	}
	return []func(context.Context) error{r.ensure, r.mark, r.clear, r.load, r.prove}
}

func (r *reloading) ensure(ctx context.Context) error {
	c := r.db.client
	err := c.With(ctx, func(*sql.Conn) error { return nil })
	if mysql.Number(err) != mysql.UnknownDatabase {
		return err
	}
	return c.WithServer(ctx, func(conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, "CREATE DATABASE "+mysql.Quote(c.Name))
		return err
	})
}

func (r *reloading) mark(ctx context.Context) error {
	return r.db.client.With(ctx, func(c *sql.Conn) error { return writeMarker(ctx, c, restoringMark, "") })
}

func (r *reloading) clear(ctx context.Context) error {
	return r.db.client.With(ctx, func(c *sql.Conn) error {
		s, err := mysql.ReadSchema(ctx, c)
		if err != nil {
			return err
		}
		statements := []string{"SET SESSION foreign_key_checks = 0"}
		for _, e := range s.Events { // first: they could act meanwhile
			statements = append(statements, "DROP EVENT IF EXISTS "+mysql.Quote(e))
		}
		for _, v := range s.Views {
			statements = append(statements, "DROP VIEW IF EXISTS "+mysql.Quote(v))
		}
		for _, t := range s.Tables { // their triggers go with them
			statements = append(statements, "DROP TABLE IF EXISTS "+mysql.Quote(t))
		}
		for _, p := range s.Routines {
			statements = append(statements, "DROP "+p.Kind+" IF EXISTS "+mysql.Quote(p.Name))
		}
		// The names of character sets cannot be bound as values; a manifest holds what the server said.
		statements = append(statements, fmt.Sprintf("ALTER DATABASE CHARACTER SET %s COLLATE %s", mysql.Quote(r.m.Server.Charset), mysql.Quote(r.m.Server.Collation)))
		for _, text := range statements {
			if _, err := c.ExecContext(ctx, text); err != nil {
				return fmt.Errorf("%s: %w", cut(text, 200), err)
			}
		}
		return nil
	})
}

func (r *reloading) load(ctx context.Context) error {
	return r.tools.Load(ctx, r.db.client, filepath.Join(r.m.Path, dumpIn(r.m.Engine)))
}

func (r *reloading) prove(ctx context.Context) error {
	if err := r.db.alone(ctx); err != nil { // somebody who came meanwhile may have written
		return err
	}
	if err := r.db.equals(ctx, r.m); err != nil {
		return err
	}
	return r.db.client.With(ctx, func(c *sql.Conn) error {
		_, there, err := readMarker(ctx, c, restoringMark)
		if err != nil || !there { // a snapshot that replaced the whole database took it along
			return err
		}
		return takeMarker(ctx, c, restoringMark)
	})
}

// equals proves that the database holds what a backup holds.
func (d *MySQL) equals(ctx context.Context, m *Manifest) error {
	got, err := d.Fingerprint(ctx)
	if err != nil {
		return err
	}
	want := m.Fingerprint()
	if lines := want.Diff(got); len(lines) > 0 {
		return fmt.Errorf("the restored database differs from its backup: %s", strings.Join(lines, "; "))
	}
	return nil
}

// writeMarker says in the marker table what the database is.
func writeMarker(ctx context.Context, c *sql.Conn, what, token string) error {
	_, err := c.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+mysql.MarkerTable+" (what VARCHAR(20) NOT NULL PRIMARY KEY, token VARCHAR(100) NOT NULL)")
	if err == nil {
		_, err = c.ExecContext(ctx, "REPLACE INTO "+mysql.MarkerTable+" VALUES (?, ?)", what, token) //nolint:gosec // a constant name
	}
	return err
}

// takeMarker takes one word away, and with the last one the table.
func takeMarker(ctx context.Context, c *sql.Conn, what string) error {
	var left int
	if _, err := c.ExecContext(ctx, "DELETE FROM "+mysql.MarkerTable+" WHERE what = ?", what); err != nil { //nolint:gosec // a constant name
		return err
	}
	err := c.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+mysql.MarkerTable).Scan(&left)
	if err == nil && left == 0 {
		_, err = c.ExecContext(ctx, "DROP TABLE "+mysql.MarkerTable)
	}
	return err
}

// readMarker returns the token that the marker table holds for a word, and whether it does.
func readMarker(ctx context.Context, c *sql.Conn, what string) (token string, there bool, err error) {
	if there, err := hasMarkerTable(ctx, c); err != nil || !there {
		return "", false, err
	}
	err = c.QueryRowContext(ctx, "SELECT token FROM "+mysql.MarkerTable+" WHERE what = ?", what).Scan(&token)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return token, err == nil, err
}

func hasMarkerTable(ctx context.Context, c *sql.Conn) (there bool, err error) {
	err = c.QueryRowContext(ctx, "SELECT COUNT(*) > 0 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?", mysql.MarkerTable).Scan(&there)
	return there, err
}
