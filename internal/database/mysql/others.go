package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// Session is one that somebody has on the database.
type Session struct {
	ID         int64
	User, Host string // host: as the server sees it, with the client's port
	What       string // what it runs
}

func (s Session) String() string {
	return fmt.Sprintf("session %d of %s from %s", s.ID, s.User, s.Host)
}

// A session that its client has closed is gone within endingLimit, unless it is in the middle of a
// statement: the server carries that to its end though nobody listens any more, as after a server
// that was killed while it migrated.
const (
	endingLimit    = 3 * time.Second
	statementLimit = 2 * time.Minute
)

// Users are who has sessions on the database at a moment.
type Users struct {
	Others []Session // neither the client's own nor of the processes that were named
	Theirs int       // sessions of those processes
	Hidden int       // sessions of other users that the server does not show: on this database or on any other
	// Direct says that the server sees the client's own sessions come from the ports that they have.
	// Where something stands between, a port tells nobody whose a session is.
	Direct bool
}

// Others returns who is on the database beside this client. Sessions that are ending are waited for:
// the client's own count as somebody's from their end until the server has noticed it.
func (c *Client) Others(ctx context.Context) (Users, error) {
	began := time.Now()
	first := map[int64]string{} // what each ran at the first look
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for look := 0; ; look++ {
		now, err := c.Sessions(ctx)
		if err != nil || len(now.Others)+now.Hidden == 0 {
			return now, err
		}
		limit := endingLimit
		if now.Hidden == 0 {
			limit = statementLimit
		}
		for _, s := range now.Others {
			if look == 0 {
				first[s.ID] = s.What
			}
			if s.What == "" || first[s.ID] != s.What { // idle, or at work
				limit = endingLimit
			}
		}
		if time.Since(began) > limit {
			return now, nil
		}
		select {
		case <-ctx.Done():
			return Users{}, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// Beside returns who is on the database beside this client and these processes of this machine, which
// are known by the ports that their connections have. What is ending, or just beginning, is waited for,
// unless ports tell nothing here.
func (c *Client) Beside(ctx context.Context, pids []int) (Users, error) {
	began := time.Now()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := c.Sessions(ctx, pids...)
		if err != nil || len(now.Others) == 0 || !now.Direct || time.Since(began) > endingLimit {
			return now, err
		}
		select {
		case <-ctx.Done():
			return Users{}, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// Sessions is Beside at this moment.
func (c *Client) Sessions(ctx context.Context, pids ...int) (now Users, err error) {
	err = c.WithServer(ctx, func(conn *sql.Conn) error {
		all, err := processList(ctx, conn)
		if err != nil {
			return err
		}
		ports, err := proc.ConnectedPorts(pids)
		if err != nil {
			return err
		}
		if sees, err := canSeeAll(ctx, conn); err != nil {
			return err
		} else if !sees {
			// How many sessions there are is told to everybody.
			var name string
			if err := conn.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Threads_connected'").Scan(&name, &now.Hidden); err != nil {
				return err
			}
			now.Hidden = max(0, now.Hidden-len(all))
		}
		c.sort(all, ports, &now)
		return nil
	})
	return now, err
}

// sort tells whose the listed sessions are.
func (c *Client) sort(all []listed, ports map[string]bool, into *Users) {
	c.mu.Lock()
	defer c.mu.Unlock()
	into.Direct = true
	for _, s := range all {
		port := s.Host[strings.LastIndexByte(s.Host, ':')+1:]
		switch own, is := c.own[s.ID]; {
		case is:
			into.Direct = into.Direct && own == port
		case s.name != c.Name:
		case ports[port]:
			into.Theirs++
		default:
			into.Others = append(into.Others, s.Session)
		}
	}
}

type listed struct {
	Session
	name string // of the database it is on
}

func processList(ctx context.Context, conn *sql.Conn) ([]listed, error) {
	rows, err := conn.QueryContext(ctx, `SELECT id, user, host, COALESCE(db, ''), COALESCE(LEFT(info, 300), '') FROM information_schema.processlist`)
	if err != nil {
		return nil, fmt.Errorf("listing the server's sessions: %w", err)
	}
	defer rows.Close()
	var out []listed
	for rows.Next() {
		var s listed
		if err := rows.Scan(&s.ID, &s.User, &s.Host, &s.name, &s.What); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// canSeeAll says whether the account may list the sessions of all users.
func canSeeAll(ctx context.Context, conn *sql.Conn) (bool, error) {
	g, err := readGrants(ctx, conn)
	return err == nil && g.has("PROCESS", ""), err
}

// Grant is what the account may do on some databases.
type Grant struct {
	Privileges []string
	On         string // *.* or `pattern`.*
}

type grants []Grant

var grantLine = regexp.MustCompile("^GRANT (.+) ON (\\*\\.\\*|`(?:[^`]|``)+`\\.\\*) TO ")

// readGrants lists the account's rights, those of its active roles too. What a line says of
// passwords and accounts is left out.
func readGrants(ctx context.Context, conn *sql.Conn) (grants, error) {
	statement := "SHOW GRANTS"
	var version, role sql.NullString
	if err := conn.QueryRowContext(ctx, "SELECT VERSION(), CURRENT_ROLE()").Scan(&version, &role); err == nil &&
		!strings.Contains(version.String, "MariaDB") && role.String != "" && role.String != "NONE" {
		statement = "SHOW GRANTS FOR CURRENT_USER() USING " + role.String // MariaDB lists a role's rights by itself
	}
	rows, err := conn.QueryContext(ctx, statement)
	if err != nil {
		return nil, fmt.Errorf("reading the account's rights: %w", err)
	}
	defer rows.Close()
	var out grants
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		if m := grantLine.FindStringSubmatch(line); m != nil {
			out = append(out, Grant{strings.Split(m[1], ", "), m[2]})
		}
	}
	return out, rows.Err()
}

// has says whether a right is given on a database; "" asks for all of them.
func (g grants) has(privilege, name string) bool {
	for _, x := range g {
		if x.On != "*.*" && (name == "" || !matches(x.On, name)) {
			continue
		}
		if slices.Contains(x.Privileges, privilege) || slices.Contains(x.Privileges, "ALL PRIVILEGES") {
			return true
		}
	}
	return false
}

// matches says whether a grant's `pattern`.* is about a database: % and _ stand for any
// characters unless a backslash is before them.
func matches(on, name string) bool {
	pattern := strings.ReplaceAll(strings.TrimSuffix(strings.Trim(on, "*."), "`")[1:], "``", "`")
	var b strings.Builder
	b.WriteString(`(?is)^`)
	for i := 0; i < len(pattern); i++ {
		switch ch := pattern[i]; {
		case ch == '\\' && i+1 < len(pattern):
			i++
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		case ch == '%':
			b.WriteString(".*")
		case ch == '_':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(ch)))
		}
	}
	re, err := regexp.Compile(b.String() + "$")
	return err == nil && re.MatchString(name)
}

// needed are the rights without which a backup could miss something without a word, or a restore
// would stop half-way.
var needed = []string{"SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "LOCK TABLES", "INSERT", "CREATE", "DROP", "ALTER", "INDEX", "REFERENCES", "CREATE VIEW", "CREATE ROUTINE", "ALTER ROUTINE"}

// Rights returns the account's rights on the database and the needed ones that it lacks.
func (c *Client) Rights(ctx context.Context) (has []Grant, missing []string, err error) {
	err = c.With(ctx, func(conn *sql.Conn) error {
		all, err := readGrants(ctx, conn)
		if err != nil {
			return err
		}
		for _, g := range all {
			if g.On == "*.*" || matches(g.On, c.Name) {
				has = append(has, g)
			}
		}
		for _, right := range needed {
			if !all.has(right, c.Name) {
				missing = append(missing, right)
			}
		}
		return nil
	})
	return has, missing, err
}
