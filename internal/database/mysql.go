package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// MySQL is a database on a MySQL or MariaDB server. It holds nothing open between calls but the
// lock and the private servers of its throw-away copies.
type MySQL struct {
	client  *mysql.Client
	scratch *mysql.Client // the server of scratch-database-url; nil when there is none
	options Options

	mu       sync.Mutex
	lock     *mysql.Lock // null when not held
	holder   string
	privates map[string]*mysql.Private // by the copy's folder
}

func openMySQL(rawURL string, o Options) (*MySQL, error) {
	a, err := mysql.Parse("database-url", rawURL, true)
	faults := []error{err}
	d := &MySQL{options: o, privates: map[string]*mysql.Private{}}
	if o.ScratchURL != "" {
		s, err := mysql.Parse("scratch-database-url", o.ScratchURL, false)
		faults = append(faults, err)
		if err == nil && s.Name != "" {
			faults = append(faults, fault.BadInput("scratch-database-url names a database", "name only the server: throw-away databases get names of their own"))
		}
		d.scratch = mysql.New(s)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	d.client = mysql.New(a)
	return d, nil
}

// URL returns the address without a password.
func (d *MySQL) URL() string { return d.client.URL() }

// StoreURL returns the address as ZenML takes it. It holds the password.
func (d *MySQL) StoreURL() string { return d.client.StoreURL() }

// Same says whether an address of ZenML's leads to this database with this account.
func (d *MySQL) Same(storeURL string) bool { return d.client.Same(storeURL) }

// Folders returns none: where the server keeps its files is its own matter.
func (d *MySQL) Folders() []string { return nil }

// Size returns the bytes that a copy of the database takes here: none where snapshots lie elsewhere.
func (d *MySQL) Size(ctx context.Context) (int64, error) {
	if d.byCommand() {
		return 0, nil
	}
	return d.measure(ctx)
}

// measure returns the bytes that tables and indexes take, as the server estimates them.
func (d *MySQL) measure(ctx context.Context) (size int64, err error) {
	err = d.client.With(ctx, func(c *sql.Conn) error {
		// MySQL 8 would answer with what it knew a day ago; MariaDB has no such setting.
		_, _ = c.ExecContext(ctx, "SET SESSION information_schema_stats_expiry = 0")
		return c.QueryRowContext(ctx, `SELECT CAST(COALESCE(SUM(data_length + index_length), 0) AS SIGNED) FROM information_schema.tables WHERE table_schema = DATABASE()`).Scan(&size)
	})
	if err != nil {
		return 0, fmt.Errorf("measuring the database: %w", err)
	}
	return size, nil
}

// Revision returns what alembic_version holds: the ZenML version after a clean migration, a hash
// in between, "" when there is no such table or no row. A database whose restore was cut off has
// none that could be trusted: that is an error.
func (d *MySQL) Revision(ctx context.Context) (string, error) {
	var rows int
	var revision sql.NullString
	err := d.client.With(ctx, func(c *sql.Conn) error {
		_, restoring, err := readMarker(ctx, c, restoringMark)
		if err != nil {
			return err
		}
		if restoring {
			return fault.Unreachable("a restore of this database was cut off", nil, "restore it again: run the upgrade again, or follow RESTORE.md of the backup")
		}
		var tables int
		err = c.QueryRowContext(ctx, `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'alembic_version'`).Scan(&tables)
		if err != nil || tables == 0 {
			return err
		}
		return c.QueryRowContext(ctx, `SELECT COUNT(*), MAX(LEFT(version_num, 200)) FROM alembic_version`).Scan(&rows, &revision)
	})
	if err == nil && rows > 1 {
		err = fmt.Errorf("alembic_version holds %d rows instead of one: the database's version is unknown", rows)
	}
	if err != nil {
		return "", fmt.Errorf("reading the database's version: %w", err)
	}
	return revision.String, nil
}

// Fingerprint reads all content in one consistent snapshot.
func (d *MySQL) Fingerprint(ctx context.Context) (Fingerprint, error) {
	f, _, err := d.client.Fingerprint(ctx)
	if err != nil {
		return Fingerprint{}, fmt.Errorf("fingerprinting the database: %w", err)
	}
	return f, nil
}

// Others returns the sessions that somebody else has on the database. Without the right PROCESS
// the server hides the sessions of other users: that there are such is told like one.
func (d *MySQL) Others(ctx context.Context) ([]string, error) {
	now, err := d.client.Others(ctx)
	if err != nil {
		return nil, fmt.Errorf("finding out who uses the database: %w", err)
	}
	found := told(now.Others)
	if now.Hidden > 0 {
		found = append(found, fmt.Sprintf("perhaps %d sessions of other users, which this account may not see (GRANT PROCESS ON *.* would show them)", now.Hidden))
	}
	return found, nil
}

func told(sessions []mysql.Session) []string {
	out := []string{}
	for _, s := range sessions {
		out = append(out, oneLine(s.String()))
	}
	return out
}

// ErrUnseen says that the database server sees sessions from other addresses than the processes have:
// through a proxy nobody can tell whose they are.
var ErrUnseen = errors.New("the database server sees no session come from the new server's process itself")

// Strangers tells the sessions of others than these processes of this machine.
func (d *MySQL) Strangers(ctx context.Context, pids []int) ([]string, error) {
	now, err := d.client.Beside(ctx, pids)
	if err != nil {
		return nil, fmt.Errorf("finding out who uses the database: %w", err)
	}
	if len(now.Others) > 0 && (!now.Direct || now.Theirs == 0) {
		return nil, ErrUnseen
	}
	return told(now.Others), nil
}

// OpenIn says whether one of these processes has a session on the database, by the ports that both
// have. Through a proxy that is not known and counts as none.
func (d *MySQL) OpenIn(ctx context.Context, pids []int) (bool, error) {
	now, err := d.client.Sessions(ctx, pids...)
	return now.Direct && now.Theirs > 0, err
}

// Lock keeps a second run of this tool away from the database until release is called or this
// process ends, however it ends. A lock that was lost is taken again before anything is restored.
func (d *MySQL) Lock(ctx context.Context, holder string) (release func() error, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.take(ctx, holder); err != nil {
		return nil, err
	}
	return func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		err := d.lock.Release()
		d.lock = nil
		return err
	}, nil
}

func (d *MySQL) take(ctx context.Context, holder string) error {
	lock, err := d.client.Lock(ctx, holder)
	var other *mysql.HeldError
	if errors.As(err, &other) {
		return held(d.URL(), other.Holder)
	}
	if err != nil {
		return fmt.Errorf("locking the database: %w", err)
	}
	d.lock, d.holder = lock, holder
	return nil
}

// stillLocked takes a lock again whose session ended, as when the server was restarted.
func (d *MySQL) stillLocked(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lock == nil || !d.lock.Lost() {
		return nil
	}
	return d.take(ctx, d.holder)
}
