// Package port gives tests ports for servers that are stopped and started again. A port that the kernel
// picked is given to whoever asks next while nothing listens on it, such as the server of a test beside
// this one; these stay a test's own until it ends.
package port

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pool is how many ports are chosen from.
const pool = 10000

// For returns a free port of loopback, kept for the test. Other test processes of this machine are kept
// from it by a lock on a file.
func For(t testing.TB) int {
	t.Helper()
	port, release, err := take(filepath.Join(os.TempDir(), "zenml-upgrade-ports"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return port
}

// take chooses among the ports right below those that the kernel gives away by itself.
func take(dir string) (port int, release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, nil, err
	}
	first, err := firstOfTheKernel()
	if err != nil {
		return 0, nil, err
	}
	for begin, i := int(time.Now().UnixNano()%pool), 0; i < pool; i++ { // processes that start together rarely ask for one
		port := first - 1 - (begin+i)%pool
		f, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(port)), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return 0, nil, err
		}
		release := func() { _ = errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close()) }
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil && free(port) {
			return port, release, nil
		}
		release()
	}
	return 0, nil, fmt.Errorf("no port from %d to %d is free", first-pool, first-1)
}

// firstOfTheKernel is the lowest port that a program gets that asks for any.
func firstOfTheKernel() (first int, err error) {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0, err
	}
	if _, err := fmt.Sscan(string(b), &first); err != nil {
		return 0, fmt.Errorf("reading the kernel's range of ports: %w", err)
	}
	if first <= pool+1024 {
		return 0, fmt.Errorf("the kernel gives ports away from %d on, and below it there are too few", first)
	}
	return first, nil
}

func free(port int) bool {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
