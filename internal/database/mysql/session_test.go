package mysql_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
)

// MySQL makes certificates of its own when it is first started: they are for no host's name.
func TestTLS(t *testing.T) {
	t.Parallel()
	a := dbserver.New(t, dbserver.MySQL)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	other := filepath.Join(t.TempDir(), "other.pem")
	var folder string
	err := mysql.New(&a).With(t.Context(), func(c *sql.Conn) error { return c.QueryRowContext(t.Context(), "SELECT @@datadir").Scan(&folder) })
	if err != nil {
		t.Fatal(err)
	}
	for to, from := range map[string]string{ca: "ca.pem", other: "client-cert.pem"} {
		pem, err := os.ReadFile(filepath.Join(folder, from))
		if err == nil {
			err = os.WriteFile(to, pem, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		mode, ca string
		cipher   bool
		fault    string
	}{
		{mysql.Disabled, "", false, ""},
		{mysql.Preferred, "", true, ""},
		{mysql.Required, "", true, ""},
		{mysql.VerifyCA, ca, true, ""},
		{mysql.VerifyCA, other, false, "no acceptable TLS connection"},
		{mysql.VerifyIdentity, ca, false, "no acceptable TLS connection"},
		{mysql.VerifyIdentity, "", false, "no acceptable TLS connection"},
	} {
		b := a
		b.SSLMode, b.CA = c.mode, c.ca
		var name, cipher string
		err := mysql.New(&b).With(t.Context(), func(conn *sql.Conn) error {
			return conn.QueryRowContext(t.Context(), "SHOW STATUS LIKE 'Ssl_cipher'").Scan(&name, &cipher)
		})
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) || (cipher != "") != c.cipher {
			t.Errorf("%s with %q: cipher %q, %v", c.mode, filepath.Base(c.ca), cipher, err)
		}
	}
}

// A server that offers no TLS is left alone by the modes that ask for it.
func TestTLSIsNotOffered(t *testing.T) {
	t.Parallel()
	a := dbserver.New(t, dbserver.MariaDB)
	for mode, works := range map[string]bool{mysql.Disabled: true, mysql.Preferred: true, mysql.Required: false} {
		b := a
		b.SSLMode = mode
		err := mysql.New(&b).With(t.Context(), func(*sql.Conn) error { return nil })
		if (err == nil) != works {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestFaultsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, kind := range dbserver.Both {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := dbserver.New(t, kind)
			for want, change := range map[string]func(*mysql.Address){
				"refused the user":  func(b *mysql.Address) { b.Password = "hunter2" },
				"has no database":   func(b *mysql.Address) { b.Name = "none" },
				"did not answer":    func(b *mysql.Address) { b.Port = 1 },
				"did not answer: d": func(b *mysql.Address) { b.Host = "no-such-host.invalid" },
			} {
				b := a
				change(&b)
				err := mysql.New(&b).With(t.Context(), func(*sql.Conn) error { return nil })
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(fmt.Sprint(err), b.Password) {
					t.Errorf("%s: %v", want, err)
				}
			}
		})
	}
}
