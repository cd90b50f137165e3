package dbserver

import (
	"context"
	"net"
	"sync"
	"testing"
)

// Proxy stands between the world and a database server, and can make that server seem stopped or hung.
type Proxy struct {
	Port   int
	target string

	mu    sync.Mutex
	free  *sync.Cond
	down  bool // connections are refused, and the open ones were cut
	stuck bool // nothing is carried
	open  map[net.Conn]bool
}

// NewProxy starts one before an address, and ends it with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Port: l.Addr().(*net.TCPAddr).Port, target: target, open: map[net.Conn]bool{}}
	p.free = sync.NewCond(&p.mu)
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		p.Set(true, false)
		all.Wait()
	})
	all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.carry(in) })
		}
	})
	return p
}

// Set says how the server seems: stopped, hung or neither.
func (p *Proxy) Set(down, stuck bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down, p.stuck = down, stuck
	if down {
		for c := range p.open {
			_ = c.Close()
		}
	}
	p.free.Broadcast()
}

func (p *Proxy) carry(in net.Conn) {
	defer in.Close()
	out, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return
	}
	defer out.Close()
	p.mu.Lock()
	refused := p.down
	p.open[in], p.open[out] = true, true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, in)
		delete(p.open, out)
	}()
	if refused {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.copy(out, in) })
	both.Go(func() { p.copy(in, out) })
	both.Wait()
}

// copy carries one way; its end ends the other way, too.
func (p *Proxy) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		for p.stuck && !p.down {
			p.free.Wait()
		}
		p.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
