package database

import (
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

func databases(t *testing.T, a mysql.Address) []string {
	t.Helper()
	return dbserver.Names(t, a, `zenml\_upgrade\_%`)
}

func TestServerScratchByURL(t *testing.T) {
	t.Parallel()
	a := dbserver.New(t, dbserver.MySQL)
	second := dbserver.Second(t, dbserver.MySQL)
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
