package proc

import (
	"net"
	"os"
	"strconv"
	"testing"
)

func TestConnectedPorts(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	port := func(a net.Addr) string { return strconv.Itoa(a.(*net.TCPAddr).Port) }
	ports, err := ConnectedPorts([]int{os.Getpid(), 1 << 30})
	if err != nil || !ports[port(c.LocalAddr())] {
		t.Errorf("%v %v", ports, err)
	}
	if none, err := ConnectedPorts([]int{os.Getppid()}); err != nil || none[port(c.LocalAddr())] {
		t.Errorf("another process has our port: %v %v", none, err)
	}
	_ = c.Close()
	if ports, err = ConnectedPorts([]int{os.Getpid()}); err != nil || ports[port(c.LocalAddr())] {
		t.Errorf("closed, but: %v %v", ports, err)
	}
}
