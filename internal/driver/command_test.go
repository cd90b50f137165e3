package driver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/hook"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// site is a deployment whose state is in files, as a person's hooks would have it: what is "up" on
// an address is a file with the version in it. The hooks are real shell commands.
type site struct {
	dir string
	cmd *Command
	url string
}

const answer = `{"id":"1","name":"n","version":%q,"deployment_type":"other","database_type":"mysql"}`

// newSite serves, on its public address, the version in the file "public". The private address is
// served in the same way from the moment that the hook has noted its port.
func newSite(t *testing.T, running string) *site {
	t.Helper()
	s := &site{dir: t.TempDir()}
	public := httptest.NewServer(s.answer("public"))
	t.Cleanup(public.Close)
	s.url = public.URL
	s.write(t, "public", running)
	s.cmd = &Command{From: "0.85.0", To: "0.98.0", Hooks: NewHooks(hook.Set{
		Dir: s.dir, Environ: append(os.Environ(), "GITHUB_TOKEN=secret-of-ours", "DOCKER_HOST=unix:///d.sock"), Pass: []string{"DOCKER_HOST"},
		Environment: "staging", Commands: map[string]string{
			"start":         `echo "start $ZENML_UPGRADE_VERSION" >> log; echo "$ZENML_UPGRADE_VERSION" > public`,
			"start-private": `echo "start-private $ZENML_UPGRADE_VERSION $ZENML_STORE_BACKUP_STRATEGY" >> log; echo "$ZENML_UPGRADE_VERSION" > private; echo "$ZENML_UPGRADE_PRIVATE_PORT" > port`,
			"stop":          `echo "stop $ZENML_UPGRADE_ADDRESS" >> log; rm -f "$ZENML_UPGRADE_ADDRESS"`,
			"status":        `if [ -f public ]; then echo checking; echo running; else echo stopped; fi`,
			"version":       `cat public`,
		},
	}, s.url)}
	return s
}

func (s *site) answer(which string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		v, err := os.ReadFile(filepath.Join(s.dir, which))
		if err != nil {
			w.WriteHeader(http.StatusBadGateway) // as a proxy before a stopped server does
			return
		}
		fmt.Fprintf(w, answer, strings.TrimSpace(string(v)))
	}
}

func (s *site) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *site) log(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// servePrivate answers on the private address as soon as the hook has started it.
func (s *site) servePrivate(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	go func() {
		var port []byte
		if until(ctx, func() (ok bool) {
			port, _ = os.ReadFile(filepath.Join(s.dir, "port"))
			return len(port) > 1
		}) != nil {
			return
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:"+strings.TrimSpace(string(port)))
		if err != nil {
			return
		}
		srv := &http.Server{Handler: s.answer("private"), ReadHeaderTimeout: time.Second}
		context.AfterFunc(ctx, func() { _ = srv.Close() })
		_ = srv.Serve(l)
	}()
}

// A cut-over and a way back, as the steps of an upgrade ask for them.
func TestCutOverByHooks(t *testing.T) {
	t.Parallel()
	s := newSite(t, "0.85.0")
	ctx := t.Context()
	if p := s.cmd.Check(ctx); len(p) > 0 {
		t.Fatalf("problems: %v", p)
	}
	next, err := s.cmd.Load(ctx, upgrade.World{Version: "0.98.0"})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.log(t)) > 0 {
		t.Errorf("loading ran hooks: %v", s.log(t))
	}
	s.servePrivate(t)
	for _, step := range []func(context.Context) error{s.cmd.StopOld, next.Serve, next.Open} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	next.Stop(ctx)
	for range 2 { // the second time it answers already
		if err := s.cmd.StartOld(ctx, "0.85.0"); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"stop public", "start-private 0.98.0 disabled", "start 0.98.0", "stop private", "stop public", "stop private", "start 0.85.0",
	}
	if diff := cmp.Diff(want, s.log(t)); diff != "" {
		t.Error(diff)
	}
}

// A run that recovers another ends what that run's hooks started, and never the old version.
func TestEndLeavesTheOldVersion(t *testing.T) {
	t.Parallel()
	for running, want := range map[string][]string{
		"0.85.0": {"stop private"},
		"0.98.0": {"stop private", "stop public"},
		"":       {"stop private"},
	} {
		s := newSite(t, running)
		if running == "" {
			_ = os.Remove(filepath.Join(s.dir, "public"))
		}
		child := upgrade.Child{What: "ZenML 0.98.0", Hook: HookStartPrivate}
		if _, err := s.cmd.End(t.Context(), child); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, s.log(t)); diff != "" {
			t.Errorf("%q runs:\n%s", running, diff)
		}
	}
}

func TestHookFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ hook, command, want string }{
		"status fails":           {"status", "echo no such host >&2; exit 3", "exited with status 3: no such host"},
		"status says otherwise":  {"status", "echo 'Up 3 hours'", `prints "Up 3 hours", not running`},
		"it is stopped":          {"status", "echo stopped", "start the server"},
		"version of another one": {"version", "echo 0.84.0", `prints "0.84.0", but`},
		"secrets":                {"status", `echo "t=$GITHUB_TOKEN d=$DOCKER_HOST"`, `"t= d=unix:///d.sock"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "0.85.0")
			s.cmd.Hooks.Commands[c.hook] = c.command
			p := s.cmd.Check(t.Context())
			if len(p) != 1 || !p[0].Blocks || !strings.Contains(p[0].What+p[0].Remedy, c.want) {
				t.Errorf("%+v, want %q", p, c.want)
			}
		})
	}
	s := newSite(t, "0.85.0")
	s.cmd.Hooks.Commands["stop"] = "true" // says that it stopped and did not
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := s.cmd.StopOld(ctx); err == nil {
		t.Error("a server that goes on answering counts as stopped")
	}
}
