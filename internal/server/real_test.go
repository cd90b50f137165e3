package server_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

const oldVersion, newVersion = "0.85.0", "0.98.0"

func interpreter(t *testing.T, release string) string {
	t.Helper()
	python, err := world.Interpreter(t.Context(), os.Environ(), world.Need(t), release, "")
	if err != nil {
		t.Fatal(err)
	}
	return python
}

// One cut-over as the staged upgrade does it: the new server is loaded while the old one answers,
// the old one is found by its port and ended, the new one migrates and takes the same address.
func TestCutOver(t *testing.T) {
	t.Parallel()
	w := world.Of(t, oldVersion)
	ctx := t.Context()
	settings, err := server.ReadEnvFile(w.EnvFile)
	if err != nil {
		t.Fatal(err)
	}
	config := server.Config{Python: interpreter(t, newVersion), StoreURL: w.StoreURL, Dir: filepath.Join(w.Dir, "new"), Env: settings, Environ: os.Environ()}
	before := content(t, w.DBPath)
	s, err := server.Load(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	if s.Version != newVersion {
		t.Errorf("loaded version %q", s.Version)
	}
	if content(t, w.DBPath) != before {
		t.Error("loading the new server changed the database")
	}

	probe := server.Watch(w.URL)
	defer probe.Stop()
	await(t, "the probe's first answer", probe.Answered)
	l, err := server.FindListener(w.Port)
	if err != nil {
		t.Fatal(err)
	}
	if pid, started := w.Server.Child(); l.Pid != pid || l.Started != started || !l.IsZenML() {
		t.Errorf("found %+v, want the world's server %d", l, pid)
	}
	reused := *l
	reused.Started = "1"
	if err := reused.Stop(ctx, time.Second); !errors.Is(err, server.ErrReplaced) {
		t.Errorf("stopping a process of another start time: %v", err)
	}
	if ended, err := server.End(ctx, l.Pid, "1"); ended || err != nil {
		t.Errorf("ending a reused pid: %v, %v", ended, err)
	}
	if _, alive := proc.StartTime(l.Pid); !alive {
		t.Fatal("the server with the reused pid was ended")
	}
	if err := l.Stop(ctx, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := server.FindListener(w.Port); !errors.Is(err, server.ErrNoListener) {
		t.Errorf("after the stop: %v", err)
	}
	if err := s.Serve(ctx); err != nil {
		t.Fatal(err)
	}
	if c := s.Course(); c.Broken != nil || c.Open != "" || len(c.Revisions) < 40 || c.Revisions[len(c.Revisions)-1].ID != newVersion {
		t.Errorf("the migration went %+v", c)
	}
	if _, ok := probe.Downtime(); ok {
		t.Error("a downtime is told while nobody answers on the public address")
	}
	if port, err := s.Open(ctx, l.Addr); err != nil || port != w.Port {
		t.Fatalf("opened port %d: %v", port, err)
	}
	await(t, "the end of the downtime", func() bool { _, ok := probe.Downtime(); return ok })
	if d, _ := probe.Downtime(); d < 0.1 || d > 120 {
		t.Errorf("downtime %v s", d)
	}
	checkUpgraded(t, w)
	s.Stop(ctx)
	oldCodeOnNewDatabase(t, w, settings)
}

func checkUpgraded(t *testing.T, w *world.World) {
	t.Helper()
	c := zenml.New(w.URL)
	if v, err := c.Version(t.Context()); v != newVersion || err != nil {
		t.Errorf("the public address answers version %q, %v", v, err)
	}
	if err := c.LoginKey(t.Context(), w.APIKey); err != nil {
		t.Error(err)
	}
	if failed := c.Healthy(t.Context()); len(failed) > 0 {
		t.Errorf("unhealthy: %v", failed)
	}
	var secret struct {
		Body struct {
			Values map[string]string `json:"values"`
		} `json:"body"`
	}
	if err := c.Get(t.Context(), "/secrets/"+w.SecretID, nil, &secret); err != nil || secret.Body.Values["word"] != w.SecretWord {
		t.Errorf("the secret does not read back: %v", err)
	}
}

// oldCodeOnNewDatabase expects a start that fails, with the reason and without a secret.
func oldCodeOnNewDatabase(t *testing.T, w *world.World, settings []string) {
	t.Helper()
	_, err := server.Start(t.Context(), server.Config{
		Python: w.Python, StoreURL: w.StoreURL, Dir: filepath.Join(w.Dir, "again"), Env: settings, Environ: os.Environ(),
	})
	if err == nil || !strings.Contains(err.Error(), "Can't locate revision") {
		t.Fatalf("starting old code on a newer database: %v", err)
	}
	if strings.Contains(err.Error(), w.Password) {
		t.Error("the error holds the password")
	}
}

// A server ends with the run that started it, unless it was detached.
func TestServerAfterItsParent(t *testing.T) {
	if dir := os.Getenv("ZENML_UPGRADE_TEST_PARENT"); dir != "" {
		beParent(dir, os.Getenv("ZENML_UPGRADE_TEST_PYTHON"), os.Getenv("ZENML_UPGRADE_TEST_DETACH") == "1")
	}
	t.Parallel()
	python := interpreter(t, newVersion)
	for _, detach := range []string{"0", "1"} {
		t.Run("detach "+detach, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServerAfterItsParent$")
			cmd.Env = append(os.Environ(), "ZENML_UPGRADE_TEST_PARENT="+t.TempDir(), "ZENML_UPGRADE_TEST_PYTHON="+python, "ZENML_UPGRADE_TEST_DETACH="+detach)
			out, err := cmd.Output()
			f := strings.Fields(string(out))
			if err != nil || len(f) != 3 {
				t.Fatalf("the parent said %q: %v", out, err)
			}
			pid, err := strconv.Atoi(f[0])
			if err != nil {
				t.Fatal(err)
			}
			if detach == "0" {
				await(t, "the end of the server", func() bool { now, alive := proc.StartTime(pid); return !alive || now != f[1] })
				return
			}
			if _, err := zenml.New("http://" + f[2]).Version(t.Context()); err != nil {
				t.Errorf("the detached server does not answer: %v", err)
			}
			if ended, err := server.End(t.Context(), pid, f[1]); !ended || err != nil {
				t.Errorf("ending the detached server: %v, %v", ended, err)
			}
			if ended, err := server.End(t.Context(), pid, f[1]); ended || err != nil {
				t.Errorf("ending it again: %v, %v", ended, err)
			}
		})
	}
}

// beParent is the other process of TestServerAfterItsParent: it starts a server and dies.
func beParent(dir, python string, detach bool) {
	ctx := context.Background()
	s, err := server.Start(ctx, server.Config{Python: python, StoreURL: "sqlite:///" + filepath.Join(dir, "z.db"), Dir: dir, Environ: os.Environ()})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	port, err := s.Open(ctx, "127.0.0.1:0")
	if err == nil && detach {
		err = s.Detach(ctx)
	}
	pid, started := s.Child()
	fmt.Println(pid, started, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

func TestFindListenerOfOurs(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = srv.Serve(l) }()
	defer srv.Close()
	found, err := server.FindListener(l.Addr().(*net.TCPAddr).Port)
	if err != nil {
		t.Fatal(err)
	}
	if found.Pid != os.Getpid() || found.Addr != l.Addr().String() {
		t.Errorf("found %d at %q", found.Pid, found.Addr)
	}
	if found.IsZenML() {
		t.Error("a Go test is taken for a ZenML server")
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
