// Package engine gives tests the container engine of tools/containers.sh: a docker daemon, or podman
// with a store of its own.
package engine

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// longest is above what any build or run of a test takes, to catch one that hangs.
const longest = 15 * time.Minute

// Engine is a container engine.
type Engine struct {
	Program string   // docker or podman
	Environ []string // what it and its clients are started with
}

// Need returns the machine's engine, or skips the test with the reason why there is none.
func Need(t testing.TB) *Engine {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped: no container is run in a short run")
	}
	res, err := script(t, "engine")
	if err != nil {
		t.Skipf("skipped: %s", bytes.TrimSpace(res.Stderr))
	}
	lines := strings.Fields(string(res.Stdout))
	return &Engine{Program: lines[0], Environ: append(os.Environ(), lines[1:]...)}
}

var building sync.Mutex

// Build makes the image zenml-upgrade:TARGET of the checkout in dir for each target, and logs their sizes.
// What the machine cannot build for want of a base image skips the test.
func (e *Engine) Build(t testing.TB, dir string, targets ...string) {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	res, err := script(t, append([]string{"build", dir}, targets...)...)
	if err != nil && bytes.Contains(res.Stderr, []byte("no container engine:")) {
		t.Skipf("skipped: %s", bytes.TrimSpace(res.Stderr))
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, res.Stdout)
	}
	for line := range strings.Lines(string(res.Stdout)) {
		if strings.HasPrefix(line, "zenml-upgrade:") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

func script(t testing.TB, args ...string) (proc.Result, error) {
	t.Helper()
	root := machine.Root(t)
	return proc.Run(t.Context(), proc.Command{
		Path: "/bin/sh", Args: append([]string{filepath.Join(root, "tools", "containers.sh")}, args...), Dir: root,
		Env: append(os.Environ(), "ZENML_UPGRADE_CACHE="+machine.Cache(t)), Timeout: longest,
	})
}

// Run gives the engine a command; more is added to its environment.
func (e *Engine) Run(ctx context.Context, more []string, args ...string) (proc.Result, error) {
	path, err := exec.LookPath(e.Program)
	if err != nil {
		return proc.Result{}, err
	}
	return proc.Run(ctx, proc.Command{Path: path, Args: args, Dir: os.TempDir(), Env: slices.Concat(e.Environ, more), Timeout: longest})
}

// Host returns the value of DOCKER_HOST for a client of the engine's API. podman serves it until the
// test ends.
func (e *Engine) Host(t testing.TB) string {
	t.Helper()
	if e.Program == "docker" {
		return os.Getenv("DOCKER_HOST")
	}
	dir, err := os.MkdirTemp("", "zu-engine-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "socket")
	ctx, cancel := context.WithCancel(context.Background()) // it also serves the test's own clean-up
	ended := make(chan struct{})
	var failed error
	go func() {
		defer close(ended)
		_, failed = e.Run(ctx, nil, "system", "service", "--time=0", "unix://"+socket)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = os.RemoveAll(dir)
	})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := (&net.Dialer{}).DialContext(t.Context(), "unix", socket); err == nil {
			_ = c.Close()
			return "unix://" + socket
		}
		select {
		case <-tick.C:
		case <-ended:
			t.Fatal(errors.Join(errors.New("podman does not serve its API"), failed))
		}
	}
}

// Remove ends and removes the containers whose names hold this text.
func (e *Engine) Remove(t testing.TB, name string) {
	t.Helper()
	ctx := context.Background() // the test has ended
	res, err := e.Run(ctx, nil, "ps", "--all", "--quiet", "--filter", "name="+name)
	for id := range strings.FieldsSeq(string(res.Stdout)) {
		_, errRemove := e.Run(ctx, nil, "rm", "--force", id)
		err = errors.Join(err, errRemove)
	}
	if err != nil {
		t.Errorf("removing containers: %v", err)
	}
}
