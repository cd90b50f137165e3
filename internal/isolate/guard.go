package isolate

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

//go:embed sitecustomize.py
var siteCustomize []byte

// guard closes a room without the kernel's help.
type guard struct {
	dir   string // first on Python's path
	proxy *http.Server
	addr  string
}

func newGuard(ctx context.Context, dir string) (*guard, error) {
	g := &guard{dir: filepath.Join(dir, "loopback-only")}
	if err := os.MkdirAll(g.dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(g.dir, "sitecustomize.py"), siteCustomize, 0o600); err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g.addr = "http://" + l.Addr().String()
	g.proxy = &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(refuse)}
	go func() { _ = g.proxy.Serve(l) }() // ends with Close
	return g, nil
}

func refuse(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusForbidden)
	fmt.Fprintln(w, "zenml-upgrade: this is a copy of a server; it reaches nothing but loopback")
}

func (g *guard) env(env []string) []string {
	path := g.dir
	if others := proc.Getenv(env, "PYTHONPATH"); others != "" {
		path += string(os.PathListSeparator) + others
	}
	env = append(env, "PYTHONPATH="+path, "NO_PROXY="+near, "no_proxy="+near)
	for _, name := range proxyNames {
		env = append(env, name+"="+g.addr)
	}
	return env
}

const near = "localhost,127.0.0.1,::1"

func (g *guard) Close() error { return errors.Join(g.proxy.Close(), os.RemoveAll(g.dir)) }
