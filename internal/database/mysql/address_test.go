package mysql_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

func TestParse(t *testing.T) {
	t.Parallel()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]mysql.Address{
		"mysql://u:p@db.example/zenml":                         {User: "u", Password: "p", Host: "db.example", Port: 3306, Name: "zenml", SSLMode: "PREFERRED"},
		"mysql://u%40x:p%2F%3A%40%23%25@[::1]:3307/zen_ml":     {User: "u@x", Password: "p/:@#%", Host: "::1", Port: 3307, Name: "zen_ml", SSLMode: "PREFERRED"},
		"mysql://u@h/z?ssl-mode=verify_identity":               {User: "u", Host: "h", Port: 3306, Name: "z", SSLMode: "VERIFY_IDENTITY"},
		"mysql://u:p@h/z?ssl-ca=" + ca:                         {User: "u", Password: "p", Host: "h", Port: 3306, Name: "z", SSLMode: "VERIFY_CA", CA: ca},
		"mysql://u:p@h/z?ssl-mode=REQUIRED&ssl-ca=" + ca + "&": {User: "u", Password: "p", Host: "h", Port: 3306, Name: "z", SSLMode: "REQUIRED", CA: ca},
		"mysql://u:p@h/z?ssl-cert=" + ca + "&ssl-key=" + ca:    {User: "u", Password: "p", Host: "h", Port: 3306, Name: "z", SSLMode: "PREFERRED", Cert: ca, Key: ca},
		"mysql://u:p@h/z%20z?ssl-mode=DISABLED":                {User: "u", Password: "p", Host: "h", Port: 3306, Name: "z z", SSLMode: "DISABLED"},
	} {
		got, err := mysql.Parse("database-url", raw, true)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%s: %s", raw, diff)
		}
		if strings.Contains(got.URL(), "p@") || strings.Contains(got.URL(), "p%2F") || got.Password == "" != (len(got.Secrets()) == 0) {
			t.Errorf("%s: %q tells the password", raw, got.URL())
		}
		if !got.Same(got.StoreURL()) || got.Same(strings.Replace(got.StoreURL(), "/z", "/y", 1)) {
			t.Errorf("%s: is it the same as %q?", raw, got.StoreURL())
		}
	}
}

func TestParseTellsAllFaultsAndNoPassword(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][]string{
		"mysql://":                                                   {"names no user", "names no host", "names no database"},
		"mysql://:hunter2@/":                                         {"names no user", "names no host", "names no database"},
		"mysql://u:hunter2@h:99999/z":                                {`port "99999"`},
		"mysql://u:hunter2@h:x/z":                                    {"percent-encoded"},
		"mysql://u:hunter2%zz@h/z":                                   {"percent-encoded"},
		"mysql://u:hunter2@h/a-b":                                    {`the database "a-b"`},
		"mysql://u:hunter2@h/a/b":                                    {`the database "a/b"`},
		"mysql://u:hunter2@h/z?charset=x&ssl-mode=any":               {`unknown option "charset"`, `ssl-mode "ANY"`},
		"mysql://u:hunter2@h/z?ssl-mode=VERIFY_CA":                   {"without ssl-ca"},
		"mysql://u:hunter2@h/z?ssl-ca=/none/ca.pem&ssl-cert=/none/c": {"ssl-ca that cannot be read", "only one of ssl-cert"},
		"mysql://u:hunter2@h/z?ssl-mode=DISABLED&ssl-mode=REQUIRED":  {"twice"},
		"mysql://u:hunter2@h/z#hunter2":                              {"after #"},
	} {
		_, err := mysql.Parse("database-url", raw, true)
		if err == nil || !fault.IsInput(err) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: no word of %q in %v", raw, w, err)
			}
		}
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	a := mysql.Address{User: "u", Password: "p/w", Host: "db", Port: 3306, Name: "zenml"}
	for url, want := range map[string]bool{
		"mysql://u:p%2Fw@db/zenml": true, "mysql://u:p%2Fw@db:3306/zenml?ssl=true": true, "mysql://db/zenml": true, "mysql://u@db/zenml": true,
		"mysql://v:p%2Fw@db/zenml": false, "mysql://u:other@db/zenml": false, "mysql://u:p%2Fw@db:3307/zenml": false, "mysql://u:p%2Fw@db2/zenml": false,
		"mysql://u:p%2Fw@db/zenml2": false, "sqlite:////zenml": false, "": false, "mysql://%zz": false,
	} {
		if got := a.Same(url); got != want {
			t.Errorf("%s: %v", url, got)
		}
	}
}

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.11.19-MariaDB-0+deb12u1": "MariaDB 10.11.19", "8.0.15": "MySQL 8.0.15", "8.4.3-azure": "MySQL 8.4.3",
		"mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)": "MariaDB 10.11.19",
		"mariadb-dump from 11.4.2-MariaDB, client 10.19 for Linux (x86_64)":               "MariaDB 11.4.2",
		"mysqldump  Ver 8.0.40 for Linux on x86_64 (MySQL Community Server - GPL)":        "MySQL 8.0.40",
		"mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64":         "MariaDB 10.11.19",
	} {
		v, err := mysql.ParseVersion(text)
		if err != nil || v.String() != want {
			t.Errorf("%s: %v %v", text, v, err)
		}
	}
	if _, err := mysql.ParseVersion("PostgreSQL"); err == nil {
		t.Error("no error for another program")
	}
	series := func(a, b string) bool {
		x, _ := mysql.ParseVersion(a)
		y, _ := mysql.ParseVersion(b)
		return x.SameSeries(y)
	}
	if !series("10.11.2-MariaDB", "10.11.19-MariaDB") || series("10.6.2-MariaDB", "10.11.2-MariaDB") || series("8.0.15", "8.0.19") || !series("8.0.19", "8.0.40") || series("8.0.40", "8.4.0") || series("10.11.2", "10.11.2-MariaDB") {
		t.Error("series")
	}
}
