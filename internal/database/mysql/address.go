// Package mysql speaks with MySQL and MariaDB servers: where one is, who uses it, what a database
// on it holds, the programs that dump and load it, and a private server for throw-away copies.
// Backups and their proofs are internal/database's.
package mysql

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// Form is how an address is written.
const Form = "give it as mysql://USER:PASSWORD@HOST:PORT/NAME, each part percent-encoded; options: ssl-mode, ssl-ca, ssl-cert, ssl-key"

// The ways to use TLS, by the names of MySQL's own client.
const (
	Disabled       = "DISABLED"
	Preferred      = "PREFERRED"       // when the server offers it; nothing is verified
	Required       = "REQUIRED"        // nothing is verified
	VerifyCA       = "VERIFY_CA"       // the certificate must come from ssl-ca
	VerifyIdentity = "VERIFY_IDENTITY" // and be for the host of the address
)

var sslModes = []string{Disabled, Preferred, Required, VerifyCA, VerifyIdentity}

// Address names one database on one server, and the account to use it with.
type Address struct {
	User, Password string
	Host           string
	Port           int
	Name           string // of the database; "" for a server on which databases may be made
	SSLMode        string
	CA, Cert, Key  string // files; "" when not given
}

// databaseName is what ZenML accepts (W0.98.0:zen_stores/sql_zen_store.py).
var databaseName = regexp.MustCompile(`^[^\\/?%*:|"<>.\-\x00-\x1f` + "`" + `]{1,64}$`)

// Parse reads an address. input is what the fault calls it; named says whether the name of a
// database must be in it. All faults are told at once, and none of them holds the password.
func Parse(input, raw string, named bool) (*Address, error) {
	u, err := url.Parse(raw)
	if err != nil { // the error of url.Parse quotes what it read
		return nil, fault.BadInput(input+" cannot be read as an address: it may hold a character that is not percent-encoded", Form)
	}
	a := &Address{Host: u.Hostname(), Port: 3306, Name: strings.TrimPrefix(u.Path, "/")}
	var faults []error
	bad := func(what string) { faults = append(faults, fault.BadInput(input+" "+what, Form)) }
	if u.User != nil {
		a.User = u.User.Username()
		a.Password, _ = u.User.Password()
	}
	if a.User == "" {
		bad("names no user")
	}
	if a.Host == "" {
		bad("names no host")
	}
	if p := u.Port(); p != "" {
		if a.Port, err = strconv.Atoi(p); err != nil || a.Port < 1 || a.Port > 65535 {
			bad(fmt.Sprintf("has the port %q", p))
		}
	}
	switch {
	case a.Name == "" && !named:
	case a.Name == "":
		bad("names no database")
	case !databaseName.MatchString(a.Name):
		bad(fmt.Sprintf("names the database %q, which ZenML cannot open", a.Name))
	}
	if u.Fragment != "" || strings.HasSuffix(raw, "#") {
		bad("has a part after #: write # as %23")
	}
	faults = append(faults, a.options(input, u.RawQuery))
	return a, errors.Join(faults...)
}

func (a *Address) options(input, query string) error {
	bad := func(format string, args ...any) error {
		return fault.BadInput(input+" "+fmt.Sprintf(format, args...), Form)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return bad("has options that are not percent-encoded correctly")
	}
	var faults []error
	for key, v := range values {
		if len(v) > 1 {
			faults = append(faults, bad("has the option %q twice", key))
		}
		switch key {
		case "ssl-mode":
			a.SSLMode = strings.ToUpper(v[0])
		case "ssl-ca":
			a.CA = v[0]
		case "ssl-cert":
			a.Cert = v[0]
		case "ssl-key":
			a.Key = v[0]
		default:
			faults = append(faults, bad("has the unknown option %q", key))
		}
	}
	if a.SSLMode == "" {
		if a.SSLMode = Preferred; a.CA != "" {
			a.SSLMode = VerifyCA // who names an authority wants it asked
		}
	}
	switch {
	case !slices.Contains(sslModes, a.SSLMode):
		faults = append(faults, bad("has the ssl-mode %q; there are %s", a.SSLMode, strings.Join(sslModes, ", ")))
	case a.SSLMode == VerifyCA && a.CA == "":
		faults = append(faults, bad("has ssl-mode VERIFY_CA without ssl-ca"))
	}
	if (a.Cert == "") != (a.Key == "") {
		faults = append(faults, bad("has only one of ssl-cert and ssl-key"))
	}
	for _, f := range [][2]string{{"ssl-ca", a.CA}, {"ssl-cert", a.Cert}, {"ssl-key", a.Key}} {
		if f[1] == "" {
			continue
		}
		if strings.ContainsAny(f[1], "\n\r\"'") {
			faults = append(faults, bad("names an %s whose path holds quotes or line ends", f[0]))
		} else if file, err := os.Open(f[1]); err != nil {
			faults = append(faults, bad("names an %s that cannot be read: %v", f[0], err))
		} else {
			_ = file.Close()
		}
	}
	return errors.Join(faults...)
}

// URL returns the address without the password and without options.
func (a *Address) URL() string { return a.url(url.User(a.User), nil) }

// StoreURL returns the address as ZenML takes it (ZENML_STORE_URL), with the password.
func (a *Address) StoreURL() string {
	q := url.Values{}
	switch a.SSLMode {
	case Required:
		q.Set("ssl", "true")
	case VerifyCA, VerifyIdentity:
		q.Set("ssl", "true")
		q.Set("ssl_verify_server_cert", strconv.FormatBool(a.SSLMode == VerifyIdentity))
	}
	for key, file := range map[string]string{"ssl_ca": a.CA, "ssl_cert": a.Cert, "ssl_key": a.Key} {
		if file != "" && q.Has("ssl") {
			q.Set(key, file)
		}
	}
	return a.url(url.UserPassword(a.User, a.Password), q)
}

func (a *Address) url(user *url.Userinfo, q url.Values) string {
	u := url.URL{Scheme: "mysql", User: user, Host: a.hostPort(), Path: "/" + a.Name, RawQuery: q.Encode()}
	return u.String()
}

func (a *Address) hostPort() string { return net.JoinHostPort(a.Host, strconv.Itoa(a.Port)) }

// Same says whether an address of ZenML's (ZENML_STORE_URL) leads to this database: host, port and
// name are equal, and the account, as far as it stands there.
func (a *Address) Same(storeURL string) bool {
	u, err := url.Parse(storeURL)
	if err != nil || u.Scheme != "mysql" || u.Hostname() != a.Host || cmp.Or(u.Port(), "3306") != strconv.Itoa(a.Port) || u.Path != "/"+a.Name {
		return false
	}
	password, given := u.User.Password()
	return u.User.Username() == "" || u.User.Username() == a.User && (!given || password == a.Password)
}

// Secrets are the texts that must stand in no log.
func (a *Address) Secrets() []string {
	if a.Password == "" {
		return nil
	}
	return slices.Compact([]string{a.Password, url.QueryEscape(a.Password), url.PathEscape(a.Password)})
}

// On returns the same account on another database.
func (a *Address) On(name string) Address {
	b := *a
	b.Name = name
	return b
}
