// Package server starts, watches, takes over and ends ZenML servers that run as processes of this
// machine. It knows processes, sockets and logs; what a server holds is internal/zenml's.
package server

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/isolate"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// Config describes a server to start.
type Config struct {
	Python   string // interpreter of an environment that holds zenml[server]
	StoreURL string // sqlite:////path or mysql://...; set over whatever Env says
	Dir      string // absolute; made if missing, mode 0700; holds the log, the launcher and ZenML's configuration

	// Env holds the server's own settings as KEY=value, such as those of an env file. Its secrets
	// are found by name and kept out of LogTail.
	Env     []string
	Environ []string // our process's environment; proc.BaseEnv decides what of it passes
	Secrets []string // further texts kept out of LogTail

	// OwnBackup leaves ZenML's backup before a migration to Env; else it is disabled. Disable it
	// only where a proved backup exists.
	OwnBackup bool
	// DeferKeys has the migration add foreign keys to a MySQL or MariaDB database without a look at the
	// rows: Course names the keys, and whoever asked for this checks them.
	DeferKeys bool
	// Live says that this is the server of record: Env's ZENML_CONFIG_PATH holds. A throw-away copy
	// always gets a configuration of its own below Dir, because a newer server rewrites it.
	Live bool
	// Room is where a copy's server lives; nil: beside us. In a room it gets none of the settings
	// that let it act on the outside world.
	Room *isolate.Room
}

// Server is a server process of ours.
type Server struct {
	// Version is what the loaded code says of itself.
	Version string

	proc    *proc.Process
	course  *course
	room    *isolate.Room
	reports chan report
	private string
	log     string
	secrets []string
}

//go:embed launcher.py
var launcher []byte

const (
	launcherName = "zenml_upgrade_server.py"
	// killGrace is how long Stop waits before SIGKILL: a migrating server acts on SIGTERM only when
	// the migration is done, and killing it half-way damages a MySQL database (facts, behaviour 3f).
	killGrace = 2 * time.Minute
)

// Start loads a server and serves on its private address.
func Start(ctx context.Context, c Config) (*Server, error) {
	s, err := Load(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := s.Serve(ctx); err != nil {
		s.Stop(context.WithoutCancel(ctx))
		return nil, err
	}
	return s, nil
}

// Load starts a process that imports the server (several seconds) and then waits: the database is
// untouched, nothing listens. The process ends with Stop, or when we end before Detach; the end of
// ctx ends only the waiting for it.
func Load(ctx context.Context, c Config) (*Server, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of a server: %w", err)
	}
	if err := os.Chmod(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("closing the folder of a server to others: %w", err)
	}
	script := filepath.Join(c.Dir, launcherName)
	if err := os.WriteFile(script, launcher, 0o600); err != nil {
		return nil, fmt.Errorf("writing the launcher of a server: %w", err)
	}
	s := &Server{
		course: &course{}, room: c.Room, reports: make(chan report, 8), log: filepath.Join(c.Dir, "server.log"),
		secrets: append(proc.SecretValues(append([]string{"ZENML_STORE_URL=" + c.StoreURL}, c.Env...)...), c.Secrets...),
	}
	if err := os.Remove(s.log); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing the log of an earlier server: %w", err)
	}
	args := []string{script, s.log}
	if c.DeferKeys {
		args = append(args, "defer-keys")
	}
	command := proc.Command{
		Path: c.Python, Args: args, Dir: c.Dir, Env: environment(c), Session: true, Secrets: s.secrets,
	}
	if c.Room != nil {
		command.Place = c.Room
	}
	p, err := proc.Start(context.WithoutCancel(ctx), command, &lines{to: s.reports, course: s.course})
	if err != nil {
		return nil, err
	}
	s.proc = p
	r, err := s.await(ctx, "load")
	if err != nil {
		s.proc.Kill() // nothing but imports ran
		return nil, fmt.Errorf("loading a ZenML server: %w", err)
	}
	s.Version = r.Version
	return s, nil
}

// Serve lets the server start: it migrates its database if that is older, then answers on
// PrivateURL. It returns when /api/v1/info, which reads the database, answers 200, or with an
// *EndedError when the process ends. When ctx ends first the server goes on: Stop it.
func (s *Server) Serve(ctx context.Context) error {
	port := 0
	if s.room != nil {
		var err error
		if port, err = s.room.Door(ctx); err != nil {
			return err
		}
	}
	if err := s.send(fmt.Sprintf("serve %d", port)); err != nil {
		return err
	}
	r, err := s.await(ctx, "serve")
	if err != nil {
		return fmt.Errorf("starting a ZenML server: %w", err)
	}
	s.private = "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(r.Port))
	client := newProbeClient(5 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, ok := ask(ctx, client, s.private); ok {
			return nil
		}
		select {
		case <-s.proc.Done():
			return fmt.Errorf("starting a ZenML server: %w", s.ended())
		case <-ctx.Done():
			return fmt.Errorf("waiting for a ZenML server to answer: %w", context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// PrivateURL is where the server answers from Serve on; only this machine reaches it.
func (s *Server) PrivateURL() string { return s.private }

// Open makes the same process answer on hostport too, at once, and returns the port.
func (s *Server) Open(ctx context.Context, hostport string) (int, error) {
	if _, _, err := net.SplitHostPort(hostport); err != nil {
		return 0, fmt.Errorf("opening the public address: %w", err)
	}
	if err := s.send("open " + hostport); err != nil {
		return 0, err
	}
	r, err := s.await(ctx, "open")
	if err != nil {
		return 0, fmt.Errorf("opening the public address %q: %w", hostport, err)
	}
	return r.Port, nil
}

// Detach lets the server outlive us. Child tells a later run how to find it.
func (s *Server) Detach(ctx context.Context) error {
	if err := s.send("detach"); err != nil {
		return err
	}
	if _, err := s.await(ctx, "detach"); err != nil {
		return fmt.Errorf("detaching the ZenML server: %w", err)
	}
	return nil
}

// Stop asks the server to end and waits for it; open requests are answered first. Only after two
// minutes, or when ctx ends, it is killed. Stopping a server that has ended does nothing.
func (s *Server) Stop(ctx context.Context) {
	select {
	case <-s.proc.Done():
		return
	default:
	}
	_ = syscall.Kill(s.proc.Pid, syscall.SIGTERM) // our own child and not yet waited for: the pid is its
	select {
	case <-s.proc.Done():
	case <-ctx.Done():
	case <-time.After(killGrace):
	}
	s.proc.Kill()
}

// Done is closed when the process has ended.
func (s *Server) Done() <-chan struct{} { return s.proc.Done() }

// Child identifies the process for End.
func (s *Server) Child() (pid int, started string) { return s.proc.Pid, s.proc.Started }

// LogTail returns the end of the server's log, at most 16 KiB, secrets removed. It is text from
// outside and may hold SQL.
func (s *Server) LogTail() string {
	const keep = 16 << 10
	f, err := os.Open(s.log)
	if err != nil {
		return ""
	}
	defer f.Close()
	// Twice as much is read as is kept, so that a secret is never cut before it is looked for.
	if st, err := f.Stat(); err == nil && st.Size() > 2*keep {
		_, _ = f.Seek(-2*keep, io.SeekEnd)
	}
	b, err := io.ReadAll(io.LimitReader(f, 4*keep))
	if err != nil {
		return ""
	}
	b = proc.Redact(b, s.secrets)
	if len(b) > keep {
		b = b[len(b)-keep:]
	}
	return string(bytes.ToValidUTF8(b, []byte("?")))
}

func (s *Server) send(line string) error {
	if _, err := io.WriteString(s.proc.Stdin, line+"\n"); err != nil {
		select {
		case <-s.proc.Done():
			err = s.ended()
		case <-time.After(5 * time.Second):
		}
		return fmt.Errorf("telling the ZenML server to %s: %w", line, err)
	}
	return nil
}

// await returns the launcher's report on a step.
func (s *Server) await(ctx context.Context, step string) (report, error) {
	for {
		select {
		case r := <-s.reports:
			switch {
			case r.Done != step:
			case r.Error != "":
				return r, errors.New(r.Error)
			default:
				return r, nil
			}
		case <-s.proc.Done():
			return report{}, s.ended()
		case <-ctx.Done():
			return report{}, context.Cause(ctx)
		}
	}
}

// ended explains a process that is gone.
func (s *Server) ended() error {
	return &EndedError{Code: s.proc.ExitCode(), Log: s.LogTail()}
}
