package isolate

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// canary is a listener that counts who calls.
type canary struct {
	net.Listener
	calls atomic.Int32
}

func watched(t *testing.T, l net.Listener) *canary {
	t.Helper()
	c := &canary{Listener: l}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.calls.Add(1)
			_ = conn.Close()
		}
	}()
	return c
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("skipped: python3 is missing")
	}
	return path
}

// run runs a Python program in the room, or beside us when there is none, and returns what it printed.
func run(t *testing.T, r *Room, program string, args ...string) (string, error) {
	t.Helper()
	c := proc.Command{Path: python(t), Args: append([]string{"-c", program}, args...), Env: proc.BaseEnv(os.Environ()), Timeout: 30 * time.Second}
	if r != nil {
		c.Place, c.Env = r, r.Env(c.Env)
	}
	res, err := proc.Run(t.Context(), c)
	return strings.TrimSpace(string(res.Stdout)), err
}

const dial = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5); print('connected')"

func namespaced(t *testing.T) *Room {
	t.Helper()
	r, err := New(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	if r.Kind != Namespace {
		t.Skip("skipped: this user may not make a network namespace")
	}
	return r
}

// Nothing leaves a namespace, not even to a loopback address of the machine.
func TestNamespaceReachesNothingOutside(t *testing.T) {
	t.Parallel()
	r := namespaced(t)
	c := watched(t, listen(t))
	host, port, _ := net.SplitHostPort(c.Addr().String())
	if out, err := run(t, nil, dial, host, port); err != nil || out != "connected" {
		t.Fatalf("without a room the canary is not reached: %q %v", out, err)
	}
	before := c.calls.Load()
	if out, err := run(t, r, dial, host, port); err == nil {
		t.Errorf("from the room the outside's loopback was reached: %s", out)
	}
	if _, err := run(t, r, dial, "192.0.2.1", "80"); err == nil || !strings.Contains(err.Error(), "unreachable") {
		t.Errorf("the room has a way out: %v", err)
	}
	if c.calls.Load() != before {
		t.Error("the canary was called")
	}
}

const serve = `
import http.server, sys, threading
s = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)
print("up", flush=True)
s.serve_forever()
`

// A port that somebody has inside is none for a door.
func TestDoorsPortIsFreeInside(t *testing.T) {
	t.Parallel()
	r := namespaced(t)
	first := listen(t)
	taken, err := r.ns.listen(t.Context(), first.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	tries := 0
	l, err := r.freeOnBothSides(t.Context(), func() (net.Listener, error) {
		tries++
		if tries == 1 {
			return first, nil
		}
		return net.Listen("tcp", "127.0.0.1:0")
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if tries < 2 || l.Addr().String() == taken.Addr().String() {
		t.Errorf("%d tries led to %s", tries, l.Addr())
	}
}

// A server in a namespace is reached under one address from inside and from outside.
func TestDoor(t *testing.T) {
	t.Parallel()
	r := namespaced(t)
	port, err := r.Door(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in, out := io.Pipe()
	p, err := proc.Start(t.Context(), proc.Command{
		Path: python(t), Args: []string{"-c", serve, fmt.Sprint(port)}, Dir: t.TempDir(), Env: proc.BaseEnv(os.Environ()), Place: r,
	}, out)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	if _, err := in.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, in) }()
	address := fmt.Sprintf("http://127.0.0.1:%d/", port)
	for range 20 {
		resp, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	if out, err := run(t, r, "import sys,urllib.request as u; print(u.urlopen(sys.argv[1]).status)", address); err != nil || out != "200" {
		t.Errorf("from inside: %q %v", out, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if resp, err := http.Get(address); err == nil {
		_ = resp.Body.Close()
		t.Error("the door is open after Close")
	}
}

// A child that was started beside the room outlives it, whichever thread started it: a thread that
// ends takes its children with it (their parent-death signal).
func TestCloseSparesOtherChildren(t *testing.T) {
	t.Parallel()
	var others []*proc.Process
	for range 15 { // enough that some thread starts a child and owns a namespace afterwards
		for range 2 {
			p, err := proc.Start(t.Context(), proc.Command{Path: python(t), Args: []string{"-c", "import sys; sys.stdin.read()"}, Env: proc.BaseEnv(os.Environ())}, nil)
			if err != nil {
				t.Fatal(err)
			}
			others = append(others, p)
		}
		if err := namespaced(t).Close(); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range others {
		select {
		case <-p.Done():
			t.Errorf("child %d ended with a namespace that it did not live in", i)
		default:
		}
		p.Kill()
	}
}

// What is admitted, and nothing else, is reached from a namespace.
func TestAdmit(t *testing.T) {
	t.Parallel()
	r := namespaced(t)
	database := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "rows") }))
	defer database.Close()
	inside, err := r.Admit(t.Context(), strings.TrimPrefix(database.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	const get = "import sys,urllib.request as u; print(u.urlopen('http://'+sys.argv[1]).read().decode())"
	if out, err := run(t, r, get, inside); err != nil || out != "rows" {
		t.Errorf("what was admitted is not reached: %q %v", out, err)
	}
	if out, err := run(t, nil, get, inside); err == nil {
		t.Errorf("the inner address is reached from outside: %s", out)
	}
}

// Without a namespace Python itself refuses, and so does what honours the proxy variables. The
// canary has an address that is not loopback, in a namespace of the test's own.
func TestRefusing(t *testing.T) {
	t.Parallel()
	outer := namespaced(t)
	ip, err := exec.LookPath("ip")
	if err != nil {
		t.Skip("skipped: the command ip (iproute2) is missing")
	}
	if _, err := proc.Run(t.Context(), proc.Command{Path: ip, Args: []string{"address", "add", "192.0.2.1/32", "dev", "lo"}, Place: outer}); err != nil {
		t.Fatal(err)
	}
	l, err := outer.ns.listen(t.Context(), "192.0.2.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := watched(t, l)
	host, port, _ := net.SplitHostPort(c.Addr().String())
	if out, err := run(t, outer, dial, host, port); err != nil || out != "connected" {
		t.Fatalf("without the guard the canary is not reached: %q %v", out, err)
	}
	before := c.calls.Load()

	inner := &Room{Kind: Refusing}
	if err := outer.ns.do(func() (err error) { inner.guard, err = newGuard(t.Context(), t.TempDir()); return err }); err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	both := func(program string, args ...string) (string, error) {
		res, err := proc.Run(t.Context(), proc.Command{
			Path: python(t), Args: append([]string{"-c", program}, args...), Env: inner.Env(proc.BaseEnv(os.Environ())), Place: outer, Timeout: 30 * time.Second,
		})
		return strings.TrimSpace(string(res.Stdout)), err
	}
	for name, program := range map[string]string{
		"a connection":      dial,
		"a child":           "import subprocess,sys; subprocess.run([sys.executable, '-c', " + fmt.Sprintf("%q", dial) + ", *sys.argv[1:]], check=True)",
		"a name":            "import socket; socket.getaddrinfo('canary.invalid', 80)",
		"a datagram":        "import socket,sys; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', (sys.argv[1], int(sys.argv[2])))",
		"through the proxy": "import sys,urllib.request as u; u.urlopen('http://%s:%s/' % tuple(sys.argv[1:]))",
	} {
		_, err := both(program, host, port)
		if err == nil || name != "a child" && !strings.Contains(err.Error(), "loopback") && !strings.Contains(err.Error(), "403") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c.calls.Load() != before {
		t.Error("the canary was called")
	}
	if out, err := both("import socket; s=socket.create_server(('127.0.0.1',0)); socket.create_connection(s.getsockname()); print('near')"); err != nil || out != "near" {
		t.Errorf("loopback is refused: %q %v", out, err)
	}
}

// The guard stands before a sitecustomize of the machine's and lets it do its work.
func TestGuardKeepsOthers(t *testing.T) {
	t.Parallel()
	theirs := t.TempDir()
	if err := os.WriteFile(theirs+"/sitecustomize.py", []byte("import sys; sys.theirs = True\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := newGuard(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := &Room{Kind: Refusing, guard: g}
	res, err := proc.Run(context.Background(), proc.Command{
		Path: python(t), Args: []string{"-c", "import sys; print(sys.theirs)"}, Env: r.Env(append(proc.BaseEnv(os.Environ()), "PYTHONPATH="+theirs)),
	})
	if err != nil || strings.TrimSpace(string(res.Stdout)) != "True" {
		t.Errorf("%s %v", res.Stdout, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(g.dir); err == nil {
		t.Error("the guard's folder is left")
	}
}
