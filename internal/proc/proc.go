// Package proc runs child processes: each in its own process group, with an environment that is
// given and never inherited, a deadline, a bounded output and secrets removed from what is kept.
package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Command describes a child process.
type Command struct {
	Path    string
	Args    []string // without the program's name; never holds a secret
	Dir     string
	Env     []string // the whole environment: nothing is inherited
	Stdin   io.Reader
	Log     io.Writer     // gets both streams, secrets removed; may be nil
	MaxLog  int64         // bytes that Log gets at most; 0: 16 MiB
	Keep    int           // bytes kept of the end of each stream; 0: 1 MiB
	Timeout time.Duration // 0: only the context ends it
	Secrets []string      // removed from Log, from what is kept and from errors
	// Addresses says that the passwords of the addresses that it prints are secrets, too; Log does not know them.
	Addresses bool
	Session   bool       // a session of its own, for a child that may be let go to outlive us
	Leave     bool       // what it leaves behind in its group goes on; else that ends with it
	Place     Place      // where the child is started; nil: beside us
	Files     []*os.File // what it inherits, as the descriptors 3, 4, ...
}

// Place is where a child process lives, such as a network namespace: what Do starts is in it.
type Place interface {
	Do(start func() error) error
}

// Result is how a child process ended.
type Result struct {
	Stdout, Stderr []byte // the last Keep bytes
	ExitCode       int    // -1 when a signal ended it
	Seconds        float64
	TimedOut       bool
	Answer         string // the last line of standard output as it was written: it may hold secrets
}

// ErrTimeout is returned (wrapped) when Command.Timeout ended a process.
var ErrTimeout = errors.New("ran past its time limit")

// ExitError says that a process ran and did not exit with 0.
type ExitError struct {
	Name string
	Code int
	Tail string // the last lines it wrote, secrets removed
}

func (e *ExitError) Error() string {
	return fmt.Sprintf("%s exited with status %d: %s", e.Name, e.Code, e.Tail)
}

// Run runs a process to its end. The Result is complete also beside an error; a process that
// ran but did not exit with 0 gives an *ExitError.
func Run(ctx context.Context, c Command) (Result, error) {
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.Timeout, ErrTimeout)
		defer cancel()
	}
	stdout, stderr := &tail{max: keep(c.Keep)}, &tail{max: keep(c.Keep)}
	cmd, log := build(ctx, c)
	cmd.Stdout, cmd.Stderr = io.MultiWriter(stdout, log), io.MultiWriter(stderr, log)
	begin := time.Now()
	err := start(cmd, c.Place)
	if err == nil {
		err = cmd.Wait()
	}
	log.flush()
	if !c.Leave {
		killGroup(cmd)
	} else if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // what goes on holds its output open
	}
	secrets := c.Secrets
	if c.Addresses {
		secrets = slices.Concat(secrets, addressPasswords(stdout.bytes()), addressPasswords(stderr.bytes()))
	}
	res := Result{
		Answer: LastLine(stdout.bytes()),
		Stdout: Redact(stdout.bytes(), secrets), Stderr: Redact(stderr.bytes(), secrets),
		ExitCode: -1, Seconds: time.Since(begin).Seconds(),
	}
	if cmd.ProcessState != nil {
		res.ExitCode = cmd.ProcessState.ExitCode()
	}
	return res, explain(ctx, c, &res, err)
}

func explain(ctx context.Context, c Command, res *Result, err error) error {
	name := lastPart(c.Path)
	switch cause := context.Cause(ctx); {
	case err == nil:
		return nil
	case errors.Is(cause, ErrTimeout):
		res.TimedOut = true
		return fmt.Errorf("%s %w (%s): %s", name, ErrTimeout, c.Timeout, lastLines(res))
	case cause != nil:
		return fmt.Errorf("stopping %s: %w", name, cause)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &ExitError{Name: name, Code: res.ExitCode, Tail: lastLines(res)}
	}
	return fmt.Errorf("starting %s: %w", name, err)
}

func build(ctx context.Context, c Command) (*exec.Cmd, *log) {
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Dir, cmd.Stdin, cmd.ExtraFiles = c.Dir, c.Stdin, c.Files
	cmd.Env = c.Env
	if cmd.Env == nil {
		cmd.Env = []string{}
	}
	// Pdeathsig: a child must not outlive us and go on writing to a database. Setpgid: what the
	// child starts itself can be ended with it.
	// A session's leader leads a group too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: !c.Session, Setsid: c.Session, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	left := c.MaxLog
	if left == 0 {
		left = 16 << 20
	}
	return cmd, &log{out: c.Log, left: left, secrets: c.Secrets}
}

func start(cmd *exec.Cmd, p Place) error {
	if p == nil {
		return cmd.Start()
	}
	return p.Do(cmd.Start)
}

func killGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}

func keep(n int) int {
	if n == 0 {
		return 1 << 20
	}
	return n
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// lastLines returns the end of what a process wrote, on stderr if it wrote there.
func lastLines(r *Result) string {
	b := bytes.TrimSpace(r.Stderr)
	if len(b) == 0 {
		b = bytes.TrimSpace(r.Stdout)
	}
	lines := strings.Split(string(b), "\n")
	if len(lines) > 12 {
		lines = lines[len(lines)-12:]
	}
	return strings.Join(lines, "\n")
}

// LastLine is the last line of an output, without space around it.
func LastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// BaseEnv returns what a child may know of our environment: paths, language, certificates and
// proxies, and how package clients reach their index. No credential of the tool, nothing of the
// workflow run (GITHUB_*, ACTIONS_*, RUNNER_*, INPUT_*) passes.
func BaseEnv(environ []string, extra ...string) []string {
	allowed := map[string]bool{
		"PATH": true, "HOME": true, "USER": true, "LANG": true, "LC_ALL": true, "TZ": true, "TMPDIR": true,
		"SSL_CERT_FILE": true, "SSL_CERT_DIR": true, "REQUESTS_CA_BUNDLE": true,
		"HTTP_PROXY": true, "HTTPS_PROXY": true, "NO_PROXY": true, "http_proxy": true, "https_proxy": true, "no_proxy": true,
	}
	var out []string
	for _, kv := range environ {
		if k, _, _ := strings.Cut(kv, "="); allowed[k] {
			out = append(out, kv)
		}
	}
	return append(out, extra...)
}

// Getenv looks a variable up in an environment. Where a name stands twice the last one holds, as
// for a child process.
func Getenv(environ []string, key string) string {
	value := ""
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok && k == key {
			value = v
		}
	}
	return value
}

// Exists says whether path is a file that can be executed.
func Exists(path string) bool {
	st, err := os.Stat(path)
	return err == nil && !st.IsDir() && st.Mode()&0o111 != 0
}

// Find returns the absolute path of a program on an environment's PATH, empty when none is there.
func Find(name string, environ []string) string {
	for _, d := range filepath.SplitList(Getenv(environ, "PATH")) {
		if p := filepath.Join(d, name); filepath.IsAbs(p) && Exists(p) {
			return p
		}
	}
	return ""
}
