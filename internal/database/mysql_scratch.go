package database

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// scratchMark is what the marker table of a throw-away database says.
const scratchMark = "scratch"

// Scratch restores a verified backup into a throw-away database and proves that its content is the
// backup's: on a private server process when this machine has a fitting one, else on the server of
// scratch-database-url.
func (d *MySQL) Scratch(ctx context.Context, backup, dir string, begun func(Mark) error) (*Scratch, error) {
	m, err := Verify(ctx, backup)
	if err != nil {
		return nil, err
	}
	if m.Server == nil {
		return nil, fmt.Errorf("the backup is one of another kind (%s)", m.Engine)
	}
	if m.Engine == EngineCommand {
		return d.scratchByCommand(ctx, m, dir, begun)
	}
	v, err := mysql.ParseVersion(m.Server.Version)
	if err != nil {
		return nil, err
	}
	program, err := mysql.FindServer(ctx, d.options.Environ, v)
	if err != nil && (!errors.Is(err, mysql.ErrNoServer) || d.scratch == nil) {
		return nil, fmt.Errorf("looking for a place for a throw-away copy: %w", err)
	}
	mark, err := newScratch(dir)
	if err != nil {
		return nil, fmt.Errorf("making a folder for a throw-away copy: %w", err)
	}
	if program == nil {
		mark.Name = "zenml_upgrade_" + strings.ToLower(rand.Text()[:20])
	}
	if err := begun(mark); err != nil {
		return nil, errors.Join(err, mark.removeFolder())
	}
	var copied *MySQL
	if program != nil {
		copied, err = d.onPrivate(ctx, program, m, mark)
	} else {
		copied, err = d.onScratch(ctx, v, m, mark)
	}
	if err == nil {
		err = copied.reload(ctx, m, nil)
	}
	if err == nil {
		err = copied.quiet(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("restoring %q into a throw-away copy: %w", backup, err), d.Drop(context.WithoutCancel(ctx), mark))
	}
	return &Scratch{DB: copied, Mark: mark}, nil
}

// onPrivate starts a server for the copy. The database may have its own name there: a view or a
// routine may hold it.
func (d *MySQL) onPrivate(ctx context.Context, p *mysql.Program, m *Manifest, mark Mark) (*MySQL, error) {
	if d.options.CacheDir != "" {
		p.Templates = filepath.Join(d.options.CacheDir, "servers")
	}
	variables := maps.Clone(m.Server.Variables)
	// Of a size with the dump: a small log makes the load wait, a large one is written at the start.
	variables["innodb_log_file_size"] = fmt.Sprint(min(max(m.Bytes, 48<<20), 1<<29))
	server, err := p.Start(ctx, mark.Dir, variables)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.privates[mark.Dir] = server
	d.mu.Unlock()
	return d.copyAt(server.Address.On(d.client.Name)), nil
}

func (d *MySQL) copyAt(a mysql.Address) *MySQL {
	return &MySQL{client: mysql.New(&a), options: Options{Environ: d.options.Environ}}
}

// onScratch makes a database on the server of scratch-database-url.
func (d *MySQL) onScratch(ctx context.Context, v mysql.Version, m *Manifest, mark Mark) (*MySQL, error) {
	if mark.Name == d.client.Name {
		return nil, errors.New("the throw-away database would have the real one's name")
	}
	if f := d.checkScratch(ctx, v, m.Server.Objects["events"]); f != nil && f.Blocks {
		return nil, fault.Unreachable(f.What, nil, f.Remedy)
	}
	err := d.scratch.WithServer(ctx, func(c *sql.Conn) error {
		_, err := c.ExecContext(ctx, "CREATE DATABASE "+mysql.Quote(mark.Name))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("making a database on the server of scratch-database-url: %w", err)
	}
	copied := d.copyAt(d.scratch.On(mark.Name))
	err = copied.client.With(ctx, func(c *sql.Conn) error { return writeMarker(ctx, c, scratchMark, mark.Token) })
	if err != nil {
		return nil, err
	}
	// The empty database that was just made must not be seen by the real server.
	same := false
	err = d.client.WithServer(ctx, func(c *sql.Conn) error {
		return c.QueryRowContext(ctx, "SELECT COUNT(*) > 0 FROM information_schema.schemata WHERE schema_name = ?", mark.Name).Scan(&same)
	})
	if err == nil && same && d.options.Production {
		err = errors.New(sameServer)
	}
	return copied, err
}

const sameServer = "scratch-database-url leads to the very server that holds the real database"

// checkScratch says what stands against the server of scratch-database-url.
func (d *MySQL) checkScratch(ctx context.Context, v mysql.Version, events int) *Finding {
	var version, scheduler string
	err := d.scratch.WithServer(ctx, func(c *sql.Conn) error {
		return c.QueryRowContext(ctx, "SELECT VERSION(), @@GLOBAL.event_scheduler").Scan(&version, &scheduler)
	})
	if err != nil {
		return &Finding{Code: "scratch_unreachable", What: fmt.Sprintf("the server of scratch-database-url cannot be used: %v", err), Remedy: "check scratch-database-url", Blocks: true}
	}
	if other, err := mysql.ParseVersion(version); err != nil || !other.SameSeries(v) {
		return &Finding{Code: "scratch_version", What: fmt.Sprintf("the server of scratch-database-url is %s, the real one %s: a copy there would not read the same", other, v),
			Remedy: "give a server of the same family and series", Blocks: true}
	}
	if events > 0 && scheduler == "ON" {
		return &Finding{Code: "scratch_events", What: "the database has events, and the server of scratch-database-url would run them in the copy",
			Remedy: "set event_scheduler=OFF there", Blocks: true}
	}
	same, err := mysql.SameServer(ctx, d.scratch, d.client, "zenml-upgrade."+rand.Text())
	if err != nil {
		return &Finding{Code: "scratch_unknown", What: fmt.Sprintf("whether scratch-database-url leads to the real server is not known: %v", err), Remedy: "check both addresses", Blocks: true}
	}
	if same {
		return &Finding{Code: "scratch_on_source_server", What: sameServer,
			Remedy: "give another server: a copy of production beside it takes its disk and memory", Blocks: d.options.Production}
	}
	return nil
}

// switchOff is SwitchOff for a copy on a server.
func (d *MySQL) switchOff(ctx context.Context) (rows int64, err error) {
	const count = `SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?`
	err = d.client.With(ctx, func(c *sql.Conn) (err error) {
		rows, err = switchOff(ctx, c, "START TRANSACTION", count, mysql.Quote)
		return err
	})
	return rows, err
}

// quiet switches the copy's events off, now that it is proved.
func (d *MySQL) quiet(ctx context.Context) error {
	return d.client.With(ctx, func(c *sql.Conn) error {
		s, err := mysql.ReadSchema(ctx, c)
		if err != nil {
			return err
		}
		for _, e := range s.Events {
			if _, err := c.ExecContext(ctx, "ALTER EVENT "+mysql.Quote(e)+" DISABLE"); err != nil {
				return fmt.Errorf("switching the copy's event %q off: %w", e, err)
			}
		}
		return nil
	})
}

// Drop removes a throw-away copy: it ends its private server, or drops its database if the marker
// in that holds the token that was journalled when it was made. A copy that is gone is no error.
func (d *MySQL) Drop(ctx context.Context, m Mark) error {
	if m.Copy != "" {
		if err := d.dropByCommand(ctx, m); err != nil {
			return fmt.Errorf("removing the throw-away copy %q of the snapshot %q: %w", m.Copy, m.Snapshot, err)
		}
		return m.removeFolder()
	}
	d.mu.Lock()
	server := d.privates[m.Dir]
	delete(d.privates, m.Dir)
	d.mu.Unlock()
	if server != nil {
		server.Kill()
	}
	if m.Name != "" {
		if err := d.dropDatabase(ctx, m); err != nil {
			return fmt.Errorf("removing the throw-away database %q: %w", m.Name, err)
		}
	}
	return m.removeFolder()
}

func (d *MySQL) dropDatabase(ctx context.Context, m Mark) error {
	if d.scratch == nil {
		return errors.New("scratch-database-url, on whose server it was made, is not given")
	}
	if m.Name == d.client.Name {
		return errors.New("it has the real database's name")
	}
	copied := d.copyAt(d.scratch.On(m.Name))
	err := copied.client.With(ctx, func(c *sql.Conn) error {
		token, there, err := readMarker(ctx, c, scratchMark)
		if err != nil {
			return err
		}
		if !there {
			s, err := mysql.ReadSchema(ctx, c)
			if err == nil && len(s.Tables)+len(s.Views)+len(s.Routines)+len(s.Events) == 0 {
				return nil // killed before the marker was in it: it holds nothing, and is left as it is
			}
			return errors.Join(errors.New("it holds no marker"), err)
		}
		if token != m.Token {
			return errors.New("its marker is not the one that was written")
		}
		_, err = c.ExecContext(ctx, "DROP DATABASE "+mysql.Quote(m.Name))
		return err
	})
	if mysql.Number(err) == mysql.UnknownDatabase {
		return nil
	}
	return err
}

// Check tells what stands against a backup or its way back: rights, programs, and the place for a
// throw-away copy. A server that does not answer is told by whoever asks it next.
func (d *MySQL) Check(ctx context.Context) []Finding {
	var text string
	err := d.client.With(ctx, func(c *sql.Conn) error { return c.QueryRowContext(ctx, "SELECT VERSION()").Scan(&text) })
	if err != nil {
		return nil
	}
	var out []Finding
	block := func(code string, err error, remedy string) {
		out = append(out, Finding{Code: code, What: err.Error(), Remedy: remedy, Blocks: true})
	}
	v, err := mysql.ParseVersion(text)
	if err != nil {
		block("database_version_unknown", err, "this tool works on MySQL 8 and MariaDB")
		return out
	}
	if _, missing, err := d.client.Rights(ctx); err != nil || len(missing) > 0 {
		block("database_rights", errors.Join(err, rightsMissing(missing)), "grant the account all privileges on the database")
	}
	if d.byCommand() {
		return out // the commands need nothing else that could be looked at
	}
	if _, err := d.dumpTools(ctx, v); err != nil {
		block("dump_program", err, "install the client of the server's family")
	}
	switch _, err := mysql.FindServer(ctx, d.options.Environ, v); {
	case err == nil:
	case d.scratch == nil:
		block("scratch_missing", err, "install it, or give scratch-database-url: a server of the same series where throw-away databases may be made")
	default:
		if f := d.checkScratch(ctx, v, 0); f != nil {
			out = append(out, *f)
		}
	}
	return out
}
