package proc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// FreePort returns a port of loopback on which nobody listens. Until something does, anybody may get it.
func FreePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// ConnectedPorts returns the local ports of the TCP connections that these processes have open, in
// decimal. A process that has ended has none.
func ConnectedPorts(pids []int) (map[string]bool, error) {
	ports := map[string]bool{}
	for _, pid := range pids {
		sockets, err := socketsOf(pid)
		if err != nil {
			return nil, fmt.Errorf("looking at the connections of process %d: %w", pid, err)
		}
		for _, table := range []string{"tcp", "tcp6"} {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.EINVAL) {
				continue // it ended, or a kernel without IPv6
			}
			if err != nil {
				return nil, fmt.Errorf("looking at the connections of process %d: %w", pid, err)
			}
			for line := range strings.Lines(string(text)) {
				f := strings.Fields(line)
				const established = "01"
				if len(f) < 10 || f[3] != established || !sockets["socket:["+f[9]+"]"] {
					continue
				}
				if n, err := strconv.ParseUint(f[1][strings.LastIndexByte(f[1], ':')+1:], 16, 16); err == nil {
					ports[strconv.FormatUint(n, 10)] = true
				}
			}
		}
	}
	return ports, nil
}

// socketsOf returns what a process's open sockets are called.
func socketsOf(pid int) (map[string]bool, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	names, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
		return nil, err
	}
	sockets := map[string]bool{}
	for _, n := range names {
		if to, err := os.Readlink(filepath.Join(dir, n.Name())); err == nil && strings.HasPrefix(to, "socket:[") {
			sockets[to] = true
		}
	}
	return sockets, nil
}
