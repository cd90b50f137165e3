package faults

import (
	"crypto/rand"
	"net/url"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/standin"
)

// lesserAccount gives the site an account that has all rights on its database and may make no other.
func lesserAccount(t *testing.T, s *standin.Site) {
	t.Helper()
	u, err := url.Parse(s.Store)
	if err != nil {
		t.Fatal(err)
	}
	name, password := "team_"+strings.ToLower(rand.Text()[:8]), rand.Text()
	administrator := dbserver.Account(t, dbserver.MariaDB)
	dbserver.Exec(t, administrator,
		"CREATE USER '"+name+"'@'%' IDENTIFIED BY '"+password+"'",
		"GRANT ALL PRIVILEGES ON `"+strings.TrimPrefix(u.Path, "/")+"`.* TO '"+name+"'@'%'",
		"GRANT PROCESS ON *.* TO '"+name+"'@'%'") // the other tests' sessions are not hidden from it
	t.Cleanup(func() { dbserver.Exec(t, administrator, "DROP USER '"+name+"'@'%'") })
	s.Account(t, name, password)
}
