package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
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

// Others returns the sessions on the database that are not this client's, and how many sessions
// of other users the server hides: they may be on this database or on any other. Sessions that
// are ending are waited for.
func (c *Client) Others(ctx context.Context) (sessions []Session, hidden int, err error) {
	began := time.Now()
	first := map[int64]string{} // what each ran at the first look
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for look := 0; ; look++ {
		sessions, hidden, err = c.Sessions(ctx)
		if err != nil || len(sessions)+hidden == 0 {
			return sessions, hidden, err
		}
		limit := endingLimit
		if hidden == 0 {
			limit = statementLimit
		}
		for _, s := range sessions {
			if look == 0 {
				first[s.ID] = s.What
			}
			if s.What == "" || first[s.ID] != s.What { // idle, or at work
				limit = endingLimit
			}
		}
		if time.Since(began) > limit {
			return sessions, hidden, nil
		}
		select {
		case <-ctx.Done():
			return nil, 0, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// Sessions is Others at this moment.
func (c *Client) Sessions(ctx context.Context) (sessions []Session, hidden int, err error) {
	err = c.WithServer(ctx, func(conn *sql.Conn) error {
		all, err := processList(ctx, conn)
		if err != nil {
			return err
		}
		if sees, err := canSeeAll(ctx, conn); err != nil {
			return err
		} else if !sees {
			// How many sessions there are is told to everybody.
			var name string
			if err := conn.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Threads_connected'").Scan(&name, &hidden); err != nil {
				return err
			}
			hidden = max(0, hidden-len(all))
		}
		for _, s := range all {
			if s.name == c.Name && !c.isOwn(s.ID) {
				sessions = append(sessions, s.Session)
			}
		}
		return nil
	})
	return sessions, hidden, err
}

func (c *Client) isOwn(id int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.own[id]
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
