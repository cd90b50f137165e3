package isolate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

var errNoRight = errors.New("no right to make a network namespace")

// namespace is a network namespace with nothing but a loopback device. It belongs to one thread
// of this process, which does nothing else: a child that this thread starts is born in it, and a
// socket that it makes stays in it whoever uses the socket later.
type namespace struct {
	work chan func()
	quit chan struct{}
	once sync.Once
	done chan struct{}
}

func newNamespace() (*namespace, error) {
	n := &namespace{work: make(chan func()), quit: make(chan struct{}), done: make(chan struct{})}
	ready := make(chan error)
	go n.own(ready)
	return n, <-ready
}

// own takes a thread for the namespace and does its work there until close.
func (n *namespace) own(ready chan<- error) {
	// Never unlocked: the runtime ends a thread whose goroutine ends locked, so no other goroutine
	// ever finds itself in the namespace, and what was started here dies with the thread, which its
	// parent-death signal names.
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// The main thread is the one that the runtime cannot end. Held here, it is not taken again.
		started := make(chan error)
		go n.own(started)
		ready <- <-started
		runtime.UnlockOSThread()
		return
	}
	defer close(n.done)
	err := enter()
	ready <- err
	for err == nil {
		select {
		case f := <-n.work:
			f()
		case <-n.quit:
			return
		}
	}
}

// enter moves the thread into a new namespace and brings its loopback up.
func enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("%w: %w", errNoRight, err)
		}
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("%w: bringing its loopback device up: %w", errNoRight, err)
	}
	return nil
}

// do runs f on the namespace's thread.
func (n *namespace) do(f func() error) error {
	result := make(chan error, 1)
	select {
	case n.work <- func() { result <- f() }:
		return <-result
	case <-n.done:
		return errors.New("the copy's network namespace is closed")
	}
}

func (n *namespace) listen(ctx context.Context, address string) (l net.Listener, err error) {
	err = n.do(func() (err error) {
		l, err = new(net.ListenConfig).Listen(ctx, "tcp", address)
		return err
	})
	return l, err
}

// dial connects inside the namespace. The address is numeric: a name would be looked up, and its
// socket made, on another thread.
func (n *namespace) dial(ctx context.Context, address string) (c net.Conn, err error) {
	d := net.Dialer{Timeout: dialTimeout}
	err = n.do(func() (err error) {
		c, err = d.DialContext(ctx, "tcp4", address)
		return err
	})
	return c, err
}

// dialTimeout is for a loopback device: it answers at once, or its listener's queue is full.
const dialTimeout = 5 * time.Second

// close ends the thread, and with it what was started in the namespace.
func (n *namespace) close() {
	n.once.Do(func() { close(n.quit) })
	<-n.done
}
