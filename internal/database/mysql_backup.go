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

// dumping is a backup that is not finished.
type dumping struct {
	db    *MySQL
	tools *mysql.Tools // nil: a snapshot is taken by command
	folder
}

// dumpTries is how often a database in use is dumped until a dump, or a snapshot, meets a quiet moment.
const dumpTries = 5

// errChanged says that the content was another after the dump than before.
var errChanged = errors.New("the content changed meanwhile")

// Backup makes a new folder in dir that holds a dump of the database or the name of its snapshot, its
// manifest, and how a person restores it. While it is made the folder's name ends in
// ".partial". On an error the folder is removed.
//
// What the manifest says is proved without a lock: the content is fingerprinted in a snapshot that
// was fixed before the dump began, and again after it has ended. Equal, nothing was written between,
// and the dump is of that content; else it is made again, or refused when the database was said to
// be quiescent. A value that changes and changes back meanwhile escapes this; the restore drill,
// which compares what the dump really holds, sees that, too.
func (d *MySQL) Backup(ctx context.Context, dir string, meta Meta) (*Manifest, error) {
	if err := d.stillLocked(ctx); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		m, err := d.backup(ctx, dir, meta)
		if err == nil {
			return m, nil
		}
		if !errors.Is(err, errChanged) || meta.Quiescent || try == dumpTries {
			return nil, fmt.Errorf("making a backup of the database %q: %w", d.URL(), err)
		}
	}
}

func (d *MySQL) backup(ctx context.Context, dir string, meta Meta) (*Manifest, error) {
	b, err := d.begin(ctx, dir, meta)
	if err != nil {
		return nil, err
	}
	for _, step := range b.steps() {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, b.giveUp(context.WithoutCancel(ctx)))
		}
	}
	return &b.m, nil
}

func (d *MySQL) begin(ctx context.Context, dir string, meta Meta) (*dumping, error) {
	server, err := d.describeServer(ctx)
	if err != nil {
		return nil, err
	}
	v, err := mysql.ParseVersion(server.Version)
	if err != nil {
		return nil, err
	}
	b := &dumping{db: d}
	if !d.byCommand() {
		if b.tools, err = d.dumpTools(ctx, v); err != nil {
			return nil, err
		}
	}
	if b.folder, err = newFolder(dir, d.URL(), meta); err != nil {
		return nil, err
	}
	b.m.Server, b.m.SourceURL = server, d.URL()
	if b.tools == nil {
		b.m.Engine, b.m.Options, b.m.Snapshot = EngineCommand, []string{commandsDigest(d.options.Snapshots)}, snapshotOf(b.final)
	} else {
		b.m.Engine, b.m.EngineVersion, b.m.Options = b.tools.Engine, b.tools.Text(), b.tools.Options()
	}
	return b, nil
}

// dumpTools are the programs that the next backup is made with.
func (d *MySQL) dumpTools(ctx context.Context, v mysql.Version) (*mysql.Tools, error) {
	find := func() (*mysql.Tools, error) { return mysql.FindTools(ctx, d.options.Environ, v) }
	if d.options.Engine == EngineMydumper {
		find = func() (*mysql.Tools, error) { return mysql.FindMydumper(ctx, d.options.Environ) }
	}
	tools, err := find()
	if err == nil {
		err = tools.Exact(ctx, d.client, v)
	}
	return tools, err
}

// dumpIn is where a backup's dump lies below its folder.
func dumpIn(engine string) string {
	if engine == EngineMydumper {
		return dumpFolder
	}
	return dumpName
}

// steps are the stages of a backup in order. Killed between any two, it leaves the database
// untouched and no folder that passes for a backup.
func (b *dumping) steps() []func(context.Context) error {
	return []func(context.Context) error{b.copyContent, b.describe, b.finish}
}

// copyContent has the dump or snapshot made, and proves what it is of.
func (b *dumping) copyContent(ctx context.Context) (err error) {
	c := b.db.client
	if b.m.Revision, err = b.db.Revision(ctx); err != nil {
		return err
	}
	snapshot, err := c.Snapshot(ctx)
	if err != nil {
		return err
	}
	type result struct {
		f      Fingerprint
		schema *mysql.Schema
		err    error
	}
	before := make(chan result, 1)
	go func() { // beside the dump: both only read
		f, schema, err := snapshot.Fingerprint(ctx)
		before <- result{f, schema, errors.Join(err, snapshot.End())}
	}()
	size, err := b.make(ctx)
	was := <-before
	if err := errors.Join(err, was.err); err != nil {
		return err
	}
	now, _, err := c.Fingerprint(ctx)
	if err != nil {
		return err
	}
	if lines := was.f.Diff(now); len(lines) > 0 {
		return writtenDuring(b.meta.Quiescent, lines)
	}
	b.m.setContent(now)
	err = c.With(ctx, func(c *sql.Conn) error {
		b.m.Keys.Secrets, err = secretsOf(ctx, c, now, b.meta.EncryptionKey)
		return err
	})
	if err != nil {
		return err
	}
	b.m.Server.Objects = map[string]int{
		"views": len(was.schema.Views), "triggers": len(was.schema.Triggers), "routines": len(was.schema.Routines), "events": len(was.schema.Events),
	}
	b.m.Bytes = size
	return nil
}

// make has the dump or the snapshot made, and returns its bytes.
func (b *dumping) make(ctx context.Context) (int64, error) {
	if b.tools == nil {
		return b.take(ctx)
	}
	file := filepath.Join(b.partial, dumpIn(b.m.Engine))
	if err := b.tools.Dump(ctx, b.db.client, file, b.hold); err != nil {
		return 0, err
	}
	return settle(file)
}

// settle closes a dump to others, makes it durable and returns its bytes.
func settle(dump string) (int64, error) {
	st, err := os.Lstat(dump)
	if err != nil {
		return 0, err
	}
	if !st.IsDir() {
		return st.Size(), errors.Join(os.Chmod(dump, 0o600), syncPath(dump))
	}
	entries, err := os.ReadDir(dump)
	if err != nil {
		return 0, err
	}
	var size int64
	for _, e := range entries {
		n, err := settle(filepath.Join(dump, e.Name()))
		if err != nil {
			return 0, err
		}
		size += n
	}
	return size, errors.Join(os.Chmod(dump, 0o700), syncPath(dump))
}

func writtenDuring(quiescent bool, lines []string) error {
	next := "run again when less is written"
	if quiescent {
		next = "every server was said to be stopped: stop every server and client that uses the database, and run again"
	}
	return fault.Unreachable("somebody wrote to the database while the backup was made: "+strings.Join(lines, "; "), errChanged, next)
}

// describe writes the steps for a person and, last, the manifest.
func (b *dumping) describe(ctx context.Context) error {
	if b.tools == nil {
		return b.seal(ctx, map[string]string{stepsName: snapshotSteps(b)})
	}
	var sums []string
	names := []string{dumpName}
	if b.m.Engine == EngineMydumper {
		entries, err := os.ReadDir(filepath.Join(b.partial, dumpFolder))
		if err != nil {
			return err
		}
		names = nil
		for _, e := range entries {
			names = append(names, dumpFolder+"/"+e.Name())
		}
	}
	for _, name := range names {
		sum, err := fileDigest(ctx, filepath.Join(b.partial, name))
		if err != nil {
			return err
		}
		sums = append(sums, sum+"  "+name)
	}
	return b.seal(ctx, map[string]string{stepsName: dumpSteps(b), scriptName: restoreScript(b, sums)})
}

// kept are the server's variables that change what statements and definitions mean: a copy of the
// database needs a server that has them alike.
var kept = []string{"sql_mode", "lower_case_table_names", "character_set_server", "collation_server", "explicit_defaults_for_timestamp", "innodb_strict_mode"}

// describeServer reads what a backup says of its server. An account that may not see everything
// is refused: a dump would miss that without a word.
func (d *MySQL) describeServer(ctx context.Context) (*Server, error) {
	has, missing, err := d.client.Rights(ctx)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		return nil, rightsMissing(missing)
	}
	s := &Server{Variables: map[string]string{}, Grants: []string{}}
	for _, g := range has {
		s.Grants = append(s.Grants, strings.Join(g.Privileges, ", ")+" ON "+g.On)
	}
	err = d.client.With(ctx, func(c *sql.Conn) error {
		schema, err := mysql.ReadSchema(ctx, c)
		if err != nil {
			return err
		}
		s.Charset, s.Collation = schema.Charset, schema.Collation
		for _, name := range kept {
			var v string
			if err := c.QueryRowContext(ctx, "SELECT CAST(@@GLOBAL."+name+" AS CHAR)").Scan(&v); err != nil {
				return err
			}
			s.Variables[name] = v
		}
		return c.QueryRowContext(ctx, "SELECT VERSION()").Scan(&s.Version)
	})
	return s, err
}

func rightsMissing(missing []string) error {
	return fault.Unreachable("the database's account lacks rights on it: "+strings.Join(missing, ", "), nil,
		"grant it all privileges on the database: without them a backup could miss something, or a restore stop half-way")
}
