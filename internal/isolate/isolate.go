// Package isolate gives a copy of a server a room of its own, from which nothing but loopback is
// reached. A restored copy holds production's schedules, connectors and addresses: what acts on
// it must not act on the real world.
//
// Where the rights allow it (root, or CAP_SYS_ADMIN) the room is a network namespace: the kernel
// has no way out of it, whatever runs there. Elsewhere, in a container without that right, Python
// itself refuses to connect and the usual proxy variables lead to a proxy that refuses: this holds
// for Python code and for what honours those variables, not for other programs.
package isolate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// Kind says what keeps a room closed.
type Kind string

// The kinds, the stronger first.
const (
	Namespace Kind = "network_namespace"
	Refusing  Kind = "refusing_proxy"
)

// Room is a place for processes that reach loopback only. Close it when they have ended.
type Room struct {
	Kind Kind

	ns     *namespace // nil: Refusing
	guard  *guard     // nil: Namespace
	mu     sync.Mutex
	opened []io.Closer
}

var _ proc.Place = (*Room)(nil)

// New makes a room. dir is a private folder for files that its processes read.
func New(ctx context.Context, dir string) (*Room, error) {
	r := &Room{Kind: Namespace}
	ns, err := newNamespace()
	switch {
	case err == nil:
		r.ns = ns
		return r, nil
	case !errors.Is(err, errNoRight):
		return nil, fmt.Errorf("making a network namespace for a copy: %w", err)
	}
	r.Kind = Refusing
	if r.guard, err = newGuard(ctx, dir); err != nil {
		return nil, fmt.Errorf("making a refusing proxy for a copy: %w", err)
	}
	return r, nil
}

// Do starts a process in the room.
func (r *Room) Do(start func() error) error {
	if r.ns == nil {
		return start()
	}
	return r.ns.do(start)
}

// Env returns the environment of a process in the room, made from what it would be elsewhere.
func (r *Room) Env(env []string) []string {
	if r.guard != nil {
		return r.guard.env(env)
	}
	for _, name := range proxyNames {
		env = append(env, name+"=") // a proxy of the machine is out of reach in here
	}
	return env
}

var proxyNames = []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"}

// Door returns a port for a server in the room: what it serves there on 127.0.0.1 is reached under
// the same address from outside. 0 means any port: all are reached.
func (r *Room) Door(ctx context.Context) (port int, err error) {
	if r.ns == nil {
		return 0, nil
	}
	outside, err := r.freeOnBothSides(ctx, func() (net.Listener, error) {
		return new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	})
	if err != nil {
		return 0, fmt.Errorf("opening a door to a copy: %w", err)
	}
	address := outside.Addr().String()
	r.serve(outside, func(ctx context.Context) (net.Conn, error) { return r.ns.dial(ctx, address) })
	return outside.Addr().(*net.TCPAddr).Port, nil
}

// freeOnBothSides returns a listener outside whose port nobody has inside: a namespace has ports of its
// own, and those of its connections are drawn from the same range.
func (r *Room) freeOnBothSides(ctx context.Context, listen func() (net.Listener, error)) (net.Listener, error) {
	for range 20 {
		outside, err := listen()
		if err != nil {
			return nil, err
		}
		inside, err := r.ns.listen(ctx, outside.Addr().String())
		if err == nil {
			return outside, inside.Close()
		}
		_ = outside.Close()
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, err
		}
	}
	return nil, errors.New("no port was free on both sides in 20 tries")
}

// Admit makes one address of the outside, such as a throw-away database's, reachable in the room
// and returns the address under which it is. An address that is reached anyway is returned as it is.
func (r *Room) Admit(ctx context.Context, hostport string) (string, error) {
	if r.ns == nil {
		return hostport, nil
	}
	inside, err := r.ns.listen(ctx, "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("admitting %q to a copy: %w", hostport, err)
	}
	r.serve(inside, func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", hostport)
	})
	return inside.Addr().String(), nil
}

func (r *Room) serve(l net.Listener, dial func(context.Context) (net.Conn, error)) {
	relay := newRelay(l, dial)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened = append(r.opened, relay)
}

// Close ends the relays and the room: nothing leads in or out any more.
func (r *Room) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, c := range r.opened {
		errs = append(errs, c.Close())
	}
	r.opened = nil
	if r.guard != nil {
		errs = append(errs, r.guard.Close())
	}
	if r.ns != nil {
		r.ns.close()
	}
	return errors.Join(errs...)
}
