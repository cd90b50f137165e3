package mysql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	driverpkg "github.com/go-sql-driver/mysql"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// Client opens sessions on one server with one account, and knows which are its own.
type Client struct {
	Address

	mu  sync.Mutex
	own map[int64]string // the sessions that are open: by id the local port that each was dialled from
}

// New returns a client. Nothing is connected yet.
func New(a *Address) *Client { return &Client{Address: *a, own: map[int64]string{}} }

// connectLimit is how long a server may take to answer a new connection, and stallLimit how long
// it may say nothing in the middle of a session: a server that hangs must not hang a run.
const (
	connectLimit = 15 * time.Second
	stallLimit   = 10 * time.Minute
)

// session settings that make what is read the same whatever the server's defaults are: texts come
// as the stored bytes, times in UTC, and names are quoted with backticks.
var settings = []string{
	"SET SESSION sql_mode = ''", "SET SESSION time_zone = '+00:00'", "SET NAMES utf8mb4", "SET SESSION sql_quote_show_create = 1",
}

// With runs fn in a session of its own on the database of the address.
func (c *Client) With(ctx context.Context, fn func(*sql.Conn) error) error {
	return c.with(ctx, c.Name, fn)
}

// WithServer runs fn in a session that is on no database.
func (c *Client) WithServer(ctx context.Context, fn func(*sql.Conn) error) error {
	return c.with(ctx, "", fn)
}

func (c *Client) with(ctx context.Context, name string, fn func(*sql.Conn) error) (err error) {
	conn, done, err := c.open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return fn(conn)
}

// open returns a session and the function that ends it.
func (c *Client) open(ctx context.Context, name string) (*sql.Conn, func() error, error) {
	var port string
	connector, err := c.connector(name, func(local net.Addr) { _, port, _ = net.SplitHostPort(local.String()) })
	if err != nil {
		return nil, nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, errors.Join(c.explain(err), db.Close())
	}
	var id int64
	err = conn.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&id)
	for _, s := range settings {
		if err == nil {
			_, err = conn.ExecContext(ctx, s)
		}
	}
	if err != nil {
		return nil, nil, errors.Join(c.explain(err), conn.Close(), db.Close())
	}
	c.mu.Lock()
	c.own[id] = port
	c.mu.Unlock()
	return conn, func() error {
		c.mu.Lock()
		delete(c.own, id)
		c.mu.Unlock()
		_ = conn.Close() // a session that a lost connection ended is ended
		return db.Close()
	}, nil
}

// connector makes sessions on a database; dialled learns where each of them begins.
func (c *Client) connector(name string, dialled func(local net.Addr)) (driver.Connector, error) {
	cfg := driverpkg.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = c.User, c.Password, "tcp", c.hostPort(), name
	cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = connectLimit, stallLimit, stallLimit
	cfg.InterpolateParams = true
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			dialled(conn.LocalAddr())
		}
		return conn, err
	}
	cfg.Logger = &driverpkg.NopLogger{} // errors come back, too
	if c.SSLMode != Disabled {
		var err error
		if cfg.TLS, err = c.tls(); err != nil {
			return nil, err
		}
		cfg.AllowFallbackToPlaintext = c.SSLMode == Preferred
	}
	return driverpkg.NewConnector(cfg)
}

// ciphers are Go's own and, at the end, those with RSA key exchange: MySQL 8.0's early builds have
// no other in common with Go (tried on 8.0.15), and its own client takes them, too.
func ciphers() []uint16 {
	var ids []uint16
	for _, suite := range tls.CipherSuites() {
		ids = append(ids, suite.ID)
	}
	return append(ids, tls.TLS_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA)
}

// tls returns how certificates are checked in the modes that use TLS.
func (c *Client) tls() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.Host, CipherSuites: ciphers()}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("reading ssl-ca: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fault.BadInput(fmt.Sprintf("ssl-ca %q holds no certificate", c.CA), "give a PEM file")
		}
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fault.BadInput("ssl-cert and ssl-key are no pair: "+err.Error(), "give a certificate and its key as PEM files")
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	if c.SSLMode == VerifyIdentity {
		return cfg, nil
	}
	cfg.InsecureSkipVerify = true // the modes below VERIFY_IDENTITY do not ask for the host's name
	if c.SSLMode == VerifyCA {
		cfg.VerifyConnection = func(s tls.ConnectionState) error {
			intermediates := x509.NewCertPool()
			for _, cert := range s.PeerCertificates[1:] {
				intermediates.AddCert(cert)
			}
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: cfg.RootCAs, Intermediates: intermediates})
			return err
		}
	}
	return cfg, nil
}

// encrypted says whether sessions speak TLS.
func (c *Client) encrypted(ctx context.Context) (yes bool, err error) {
	err = c.WithServer(ctx, func(conn *sql.Conn) error {
		var name, cipher string
		err := conn.QueryRowContext(ctx, "SHOW SESSION STATUS LIKE 'Ssl_cipher'").Scan(&name, &cipher)
		yes = cipher != ""
		return err
	})
	return yes, err
}

// Number returns the number of a server's error, 0 when err is none.
func Number(err error) int {
	var e *driverpkg.MySQLError
	if errors.As(err, &e) {
		return int(e.Number)
	}
	return 0
}

// UnknownDatabase is the error number of a database that is not there.
const UnknownDatabase = 1049

// explain words the failures that a user can do something about.
func (c *Client) explain(err error) error {
	where := fmt.Sprintf("the database server %s ", c.hostPort())
	switch n := Number(err); {
	case n == 1045 || n == 1698:
		return fault.Unreachable(where+fmt.Sprintf("refused the user %q", c.User), err, "check user and password in the database URL")
	case n == 1044:
		return fault.Unreachable(where+fmt.Sprintf("does not let the user %q use the database %q", c.User, c.Name), err, "grant it all privileges on that database")
	case n == UnknownDatabase:
		return fault.Unreachable(where+fmt.Sprintf("has no database %q", c.Name), err, "check the name in the database URL")
	case n == 1040 || n == 1203:
		return fault.Unreachable(where+"takes no further connection", err, "end idle clients or raise max_connections, and run again")
	case n != 0:
		return err
	case strings.Contains(err.Error(), "tls:") || strings.Contains(err.Error(), "x509:") || errors.Is(err, driverpkg.ErrNoTLS):
		return fault.Unreachable(where+"gave no acceptable TLS connection", err, "check ssl-mode and ssl-ca in the database URL")
	}
	return fault.Unreachable(where+"did not answer", err, "check host and port in the database URL, and that the server runs")
}
