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
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// What /proc/self says of the network is the main thread's view. Held here, it is not taken again.
		started := make(chan error)
		go n.own(started)
		ready <- <-started
		runtime.UnlockOSThread()
		return
	}
	home, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		if err = unshare(); err != nil {
			err = errors.Join(err, unix.Close(home))
		}
	}
	if err != nil { // the thread is where it was, and going back would need the right that it lacks
		runtime.UnlockOSThread()
		ready <- err
		return
	}
	err = loopbackUp()
	ready <- err
	for open := err == nil; open; {
		select {
		case f := <-n.work:
			f()
		case <-n.quit:
			open = false
		}
	}
	// The thread must live on: the parent-death signal of a child names the thread that started it,
	// and this one may have started others than those in the namespace, such as a server of record.
	err = errors.Join(unix.Setns(home, unix.CLONE_NEWNET), unix.Close(home))
	close(n.done)
	if err != nil {
		select {} // locked for good: it is not used again, and it does not end
	}
	runtime.UnlockOSThread()
}

// unshare moves the thread into a new namespace.
func unshare() error {
	err := unix.Unshare(unix.CLONE_NEWNET)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("%w: %w", errNoRight, err)
	}
	return err
}

// loopbackUp brings the loopback device of the thread's namespace up.
func loopbackUp() error {
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

// close gives the thread back. What still runs in the namespace stays in it.
func (n *namespace) close() {
	n.once.Do(func() { close(n.quit) })
	<-n.done
}
