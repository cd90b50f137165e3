package isolate

import (
	"context"
	"io"
	"net"
	"sync"
)

// relay carries connections from a listener on one side of a room's wall to an address on the other.
type relay struct {
	listener net.Listener
	dial     func(context.Context) (net.Conn, error)
	ctx      context.Context //nolint:containedctx // ends the dialling when the relay is closed
	cancel   context.CancelFunc
	wait     sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]bool
}

func newRelay(l net.Listener, dial func(context.Context) (net.Conn, error)) *relay {
	r := &relay{listener: l, dial: dial, open: map[net.Conn]bool{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.wait.Go(r.accept)
	return r
}

func (r *relay) accept() {
	for {
		in, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.wait.Go(func() { r.carry(in) })
	}
}

// carry copies both ways until both sides have ended. One that nobody answers is closed at once,
// so that the caller sees what a refused connection looks like.
func (r *relay) carry(in net.Conn) {
	defer in.Close()
	out, err := r.dial(r.ctx)
	if err != nil {
		return
	}
	defer out.Close()
	if !r.note(in, out) {
		return
	}
	defer r.forget(in, out)
	var both sync.WaitGroup
	both.Go(func() { half(out, in) })
	both.Go(func() { half(in, out) })
	both.Wait()
}

func half(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	if c, ok := to.(*net.TCPConn); ok {
		_ = c.CloseWrite()
	}
}

// note remembers connections for Close; false when the relay is closed already.
func (r *relay) note(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		r.open[c] = true
	}
	return r.ctx.Err() == nil
}

func (r *relay) forget(conns ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		delete(r.open, c)
	}
}

// Close ends the listener and every connection, and returns when nothing is carried any more.
func (r *relay) Close() error {
	err := r.listener.Close()
	r.mu.Lock()
	r.cancel()
	for c := range r.open {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.wait.Wait()
	return err
}
