package port

import (
	"net"
	"strconv"
	"testing"
)

// A port is given once until it is given back, and never while somebody listens on it.
func TestTake(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := firstOfTheKernel()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for range 200 {
		p, release, err := take(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		if seen[p] || p >= first {
			t.Errorf("%d: given before %v; the kernel's own begin at %d", p, seen[p], first)
		}
		seen[p] = true
	}
}

func TestAPortThatIsListenedOnIsNotFree(t *testing.T) {
	t.Parallel()
	p := For(t)
	if !free(p) {
		t.Fatalf("%d is taken although it was given", p)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
	if err != nil {
		t.Fatal(err)
	}
	if free(p) {
		t.Errorf("%d counts as free although somebody listens", p)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
