package database

import (
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
)

// withoutServer is a machine with clients but without a server program of MySQL's.
func withoutServer(t *testing.T, a mysql.Address, scratch string, production bool) *MySQL {
	t.Helper()
	d, err := openMySQL(a.StoreURL(), Options{Environ: []string{"PATH=/usr/bin:/bin"}, ScratchURL: scratch, Production: production})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// secondServer starts another server of MySQL's.
func secondServer(t *testing.T) mysql.Address {
	t.Helper()
	p, err := mysql.FindServer(t.Context(), dbserver.Environ(t), mysql.Version{Major: 8})
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	s, err := p.Start(t.Context(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s.Address
}

// serverOf is the address of a server, without a database.
func serverOf(a mysql.Address) string {
	a.Name = ""
	return strings.TrimSuffix(a.StoreURL(), "/")
}

func codesOf(findings []Finding) (codes []string) {
	for _, f := range findings {
		code := f.Code
		if f.Blocks {
			code += " blocks"
		}
		codes = append(codes, code)
	}
	return codes
}

func databases(t *testing.T, a mysql.Address) (names []string) {
	t.Helper()
	err := mysql.New(&a).WithServer(t.Context(), func(c *sql.Conn) error {
		rows, err := c.QueryContext(t.Context(), "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'zenml\\_upgrade\\_%'")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n string
			if err := rows.Scan(&n); err != nil {
				return err
			}
			names = append(names, n)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestServerScratchByURL(t *testing.T) {
	t.Parallel()
	a := dbserver.New(t, dbserver.MySQL)
	second := secondServer(t)
	dbserver.Exec(t, a, append(slices.Clone(richServer), "DROP EVENT nightly")...) // it would be switched off in the copy
	here := serverOf(a)
	there := serverOf(second)
	byName := strings.Replace(here, "127.0.0.1", "localhost", 1) // the same server under another name

	for _, c := range []struct {
		scratch    string
		production bool
		want       []string
	}{
		{"", false, []string{"scratch_missing blocks"}},
		{here, false, []string{"scratch_on_source_server"}},
		{here, true, []string{"scratch_on_source_server blocks"}},
		{byName, true, []string{"scratch_on_source_server blocks"}},
		{there, true, nil},
		{strings.Replace(there, second.Password, "wrong", 1), true, []string{"scratch_unreachable blocks"}},
	} {
		if got := codesOf(withoutServer(t, a, c.scratch, c.production).Check(t.Context())); !slices.Equal(got, c.want) {
			t.Errorf("%q, production %v: %v, want %v", c.scratch, c.production, got, c.want)
		}
	}

	m := backupServer(t, withoutServer(t, a, "", false))
	if _, err := withoutServer(t, a, here, true).Scratch(t.Context(), m.Path, t.TempDir(), ignore); err == nil || !strings.Contains(err.Error(), "very server") {
		t.Errorf("a copy of production beside it: %v", err)
	}
	if left := databases(t, a); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	for _, server := range []mysql.Address{a, second} {
		d := withoutServer(t, a, serverOf(server), false)
		dir := t.TempDir()
		s, err := d.Scratch(t.Context(), m.Path, dir, ignore)
		if err != nil {
			t.Fatal(err)
		}
		if lines := m.Fingerprint().Diff(contentOf(t, s.DB)); len(lines) > 0 || !slices.Equal(databases(t, server), []string{s.Mark.Name}) {
			t.Errorf("%v %v", lines, databases(t, server))
		}
		for _, wrong := range []Mark{
			{Dir: s.Mark.Dir, Name: s.Mark.Name, Token: "another"}, {Dir: s.Mark.Dir, Name: a.Name, Token: s.Mark.Token},
			{Dir: s.Mark.Dir, Name: "mysql", Token: s.Mark.Token},
		} {
			if err := d.Drop(t.Context(), wrong); err == nil {
				t.Errorf("dropped %+v", wrong)
			}
		}
		if len(databases(t, server)) != 1 || len(contentOf(t, openSample(t, a.StoreURL(), "")).Tables) == 0 {
			t.Error("a refused drop dropped something")
		}
		for range 2 {
			if err := withoutServer(t, a, serverOf(server), false).Drop(t.Context(), s.Mark); err != nil {
				t.Fatal(err)
			}
		}
		if left := databases(t, server); len(left) > 0 || len(names(t, dir)) > 0 {
			t.Errorf("left: %v", left)
		}
	}
	if lines := m.Fingerprint().Diff(contentOf(t, openSample(t, a.StoreURL(), ""))); len(lines) > 0 {
		t.Errorf("the real database changed: %v", lines)
	}
}
