package server

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// Listener is a process that listens on a TCP port of this machine.
type Listener struct {
	Pid     int
	Started string // clock ticks since boot, from /proc: tells a reused pid apart
	UID     int
	Exe     string   // path of the running binary; "" when it may not be read
	Cmdline []string // text from outside; may hold secrets: do not print
	Addr    string   // host:port it is bound to, ready for Server.Open
}

var (
	// ErrNoListener says that nothing listens on the port.
	ErrNoListener = errors.New("nothing listens on the port")
	// ErrHidden says that a process listens but its owner cannot be seen: another user's, or one
	// outside of this container.
	ErrHidden = errors.New("the process that listens on the port belongs to another user or lies outside of this container")
	// ErrReplaced says that the process is no longer the one that was found.
	ErrReplaced = errors.New("the process has ended and its pid is another's")
)

// FindListener finds who listens on a port. Of a server with worker processes, which share the
// socket, it is the topmost process. Unrelated processes on one port are an error.
func FindListener(port int) (*Listener, error) {
	sockets, addr, err := listening(port)
	if err != nil {
		return nil, err
	}
	if len(sockets) == 0 {
		return nil, ErrNoListener
	}
	owners, err := holders(sockets)
	if err != nil {
		return nil, err
	}
	roots := slices.DeleteFunc(slices.Clone(owners), func(pid int) bool { return slices.Contains(owners, parent(pid)) })
	switch len(roots) {
	case 0:
		return nil, ErrHidden
	case 1:
		return describe(roots[0], addr)
	}
	return nil, fmt.Errorf("%d unrelated processes listen on port %d", len(roots), port)
}

// listening returns the inodes of the sockets that listen on port, and the first one's address.
func listening(port int) (inodes map[string]bool, addr string, err error) {
	inodes = map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, err := os.ReadFile(table)
		if errors.Is(err, os.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, "", fmt.Errorf("looking for the server's process: %w", err)
		}
		for line := range strings.SplitSeq(string(b), "\n") {
			f := strings.Fields(line)
			const stateListen = "0A"
			if len(f) < 10 || f[3] != stateListen {
				continue
			}
			host, p, ok := strings.Cut(f[1], ":")
			if n, err := strconv.ParseInt(p, 16, 32); !ok || err != nil || int(n) != port {
				continue
			}
			inodes["socket:["+f[9]+"]"] = true
			if addr == "" {
				addr = net.JoinHostPort(decodeIP(host), strconv.Itoa(port))
			}
		}
	}
	return inodes, addr, nil
}

// decodeIP undoes the kernel's form: 32-bit words, each in the machine's byte order (little-endian
// on everything ZenML runs on).
func decodeIP(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil || len(b)%4 != 0 {
		return ""
	}
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	return net.IP(b).String()
}

// holders returns the processes that have one of the sockets open.
func holders(sockets map[string]bool) ([]int, error) {
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return nil, fmt.Errorf("looking for the server's process: %w", err)
	}
	var pids []int
	for _, l := range links {
		to, err := os.Readlink(l)
		if err != nil || !sockets[to] {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(l, "/")[2])
		if err == nil && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func parent(pid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(f[1])
	return n
}

func describe(pid int, addr string) (*Listener, error) {
	l := &Listener{Pid: pid, Addr: addr}
	var alive bool
	if l.Started, alive = proc.StartTime(pid); !alive {
		return nil, ErrNoListener
	}
	folder := fmt.Sprintf("/proc/%d", pid)
	st, err := os.Stat(folder)
	if err != nil {
		return nil, fmt.Errorf("looking at the server's process: %w", err)
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		l.UID = int(sys.Uid)
	}
	l.Exe, _ = os.Readlink(filepath.Join(folder, "exe"))
	b, err := os.ReadFile(filepath.Join(folder, "cmdline"))
	if err != nil {
		return nil, fmt.Errorf("looking at the server's process: %w", err)
	}
	l.Cmdline = strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
	return l, nil
}

// IsZenML says whether this is a ZenML server that we may end: run by our own user, and by our
// launcher or by uvicorn or gunicorn with ZenML's application.
func (l *Listener) IsZenML() bool {
	if l.UID != os.Getuid() {
		return false
	}
	return slices.ContainsFunc(l.Cmdline, func(arg string) bool {
		return filepath.Base(arg) == launcherName || strings.HasPrefix(arg, "zenml.zen_server.zen_server_api")
	})
}

// Stop asks the process to end and waits until it is gone; only after the grace time it is killed.
// A process that is no longer the one that was found is left alone (ErrReplaced). When ctx ends
// first, the process has got its signal but may still live.
func (l *Listener) Stop(ctx context.Context, grace time.Duration) error {
	ended, err := end(ctx, l.Pid, l.Started, grace)
	if err == nil && !ended {
		return ErrReplaced
	}
	return err
}

// End ends a process of an earlier run, killing it after two minutes. It returns false when that
// very process is gone already: another one that got its pid is left alone.
func End(ctx context.Context, pid int, started string) (bool, error) {
	return end(ctx, pid, started, killGrace)
}

func end(ctx context.Context, pid int, started string, grace time.Duration) (bool, error) {
	if pid <= 1 || started == "" {
		return false, fmt.Errorf("ending process %d: it is not fully identified", pid)
	}
	// The handle comes first (a pidfd where the kernel has them), then the check: from here on a
	// reused pid cannot be hit.
	p, err := os.FindProcess(pid)
	if err != nil {
		return false, fmt.Errorf("ending process %d: %w", pid, err)
	}
	defer func() { _ = p.Release() }()
	if now, alive := proc.StartTime(pid); !alive || now != started {
		return false, nil
	}
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return false, fmt.Errorf("ending process %d: %w", pid, err)
	}
	if gone(ctx, pid, started, grace) {
		return true, nil
	}
	if ctx.Err() != nil {
		return true, fmt.Errorf("waiting for process %d to end: %w", pid, context.Cause(ctx))
	}
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return true, fmt.Errorf("killing process %d: %w", pid, err)
	}
	if !gone(ctx, pid, started, 10*time.Second) {
		return true, fmt.Errorf("killing process %d: it still lives", pid)
	}
	return true, nil
}

// gone waits until the process has ended; a process that is not our child cannot be waited for
// otherwise.
func gone(ctx context.Context, pid int, started string, limit time.Duration) bool {
	deadline := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if now, alive := proc.StartTime(pid); !alive || now != started {
			return true
		}
		select {
		case <-tick.C:
		case <-deadline:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// InContainer says whether we run inside a container: then the machine's servers and ports are not
// ours to see, and what we start ends with the container.
func InContainer() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	b, err := os.ReadFile("/proc/1/cgroup")
	return err == nil && (bytes.Contains(b, []byte("/docker")) || bytes.Contains(b, []byte("/kubepods")))
}

// Family returns the process and all that descend from it: a server's workers are among them.
func (l *Listener) Family() ([]int, error) {
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	family := []int{l.Pid}
	for _, name := range names {
		pid, err := strconv.Atoi(filepath.Base(name))
		for up := parent(pid); err == nil && up > 1; up = parent(up) {
			if up == l.Pid {
				family = append(family, pid)
				break
			}
		}
	}
	return family, nil
}

// Setting returns a variable of the environment the process was started with, "" when it has none
// or may not be read.
func (l *Listener) Setting(key string) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", l.Pid))
	if err != nil {
		return ""
	}
	for kv := range bytes.SplitSeq(b, []byte{0}) {
		if k, v, ok := strings.Cut(string(kv), "="); ok && k == key {
			return v
		}
	}
	return ""
}
