package proc

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Process is a child that goes on beside us.
type Process struct {
	Pid     int
	Started string // start time in clock ticks since boot, from /proc: tells a reused pid apart
	Stdin   io.WriteCloser
	done    chan struct{}
	cmd     *exec.Cmd
	err     error
	tail    *tail
	secrets []string
}

// Start starts a process and returns at once. It ends with the context, with Stop, or by itself.
// stdout, when given, receives the process's standard output instead of the log.
func Start(ctx context.Context, c Command, stdout io.Writer) (*Process, error) {
	cmd, log := build(ctx, c)
	p := &Process{done: make(chan struct{}), cmd: cmd, tail: &tail{max: 32 << 10}, secrets: c.Secrets}
	both := io.MultiWriter(p.tail, log)
	cmd.Stdout, cmd.Stderr = both, both
	if stdout != nil {
		cmd.Stdout = stdout
	}
	if c.Stdin == nil {
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, fmt.Errorf("starting %s: %w", lastPart(c.Path), err)
		}
		p.Stdin = in
	}
	if err := start(cmd, c.Place); err != nil {
		return nil, fmt.Errorf("starting %s: %w", lastPart(c.Path), err)
	}
	p.Pid = cmd.Process.Pid
	p.Started, _ = StartTime(p.Pid)
	go func() {
		p.err = cmd.Wait()
		log.flush()
		close(p.done)
	}()
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// ExitCode is the exit status, -1 for a signal; valid after Done.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Tail returns the end of what the process wrote, secrets removed; complete after Done.
func (p *Process) Tail() string {
	select {
	case <-p.done:
		return string(Redact(p.tail.bytes(), p.secrets))
	default:
		return ""
	}
}

// Stop asks the process to end (SIGTERM) and kills its group after the grace time.
func (p *Process) Stop(grace time.Duration) {
	_ = syscall.Kill(p.Pid, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(grace):
	}
	p.Kill()
}

// Kill ends the process and its group at once and waits for it.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
	<-p.done
}

// StartTime returns the start time of a process in clock ticks since boot, and whether it lives.
func StartTime(pid int) (string, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	// The name, in brackets, may hold blanks and brackets: fields count from the last one.
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" {
		return "", false
	}
	return fields[19], true
}
