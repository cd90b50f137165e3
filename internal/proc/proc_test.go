package proc

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func sh(script string) Command {
	return Command{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"}}
}

func TestRunInheritsNothing(t *testing.T) {
	t.Setenv("GITHUB_TOKEN", "ghs_secret")
	c := sh("")
	c.Path, c.Args = "/usr/bin/env", nil
	res, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(res.Stdout)); got != "PATH=/usr/bin:/bin" {
		t.Errorf("the child sees %q", got)
	}
}

func TestBaseEnvPassesNoCredential(t *testing.T) {
	t.Parallel()
	got := BaseEnv([]string{"PATH=/bin", "GITHUB_TOKEN=x", "INPUT_SERVER-TOKEN=x", "ACTIONS_RUNTIME_TOKEN=x", "ZENML_UPGRADE_SERVER_TOKEN=x", "HTTPS_PROXY=p"}, "A=b")
	if want := []string{"PATH=/bin", "HTTPS_PROXY=p", "A=b"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSecretsAreRemovedEverywhere(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	// The secret comes in two writes: a log that looks at each write by itself would miss it.
	c := sh("printf 'key=hun'; sleep 0.05; printf 'ter22\\n'; echo hunter22 >&2; exit 3")
	c.Log, c.Secrets = &log, []string{"hunter22"}
	res, err := Run(t.Context(), c)
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Code != 3 || res.ExitCode != 3 {
		t.Fatalf("err %v, result %+v", err, res)
	}
	for name, text := range map[string]string{"log": log.String(), "stdout": string(res.Stdout), "stderr": string(res.Stderr), "error": err.Error()} {
		if strings.Contains(text, "hunter22") || !strings.Contains(text, "***") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

func TestTimeoutEndsTheWholeGroup(t *testing.T) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "pid")
	c := sh("sleep 60 & echo $! > " + pidFile + "; wait")
	c.Timeout = 300 * time.Millisecond
	res, err := Run(t.Context(), c)
	if !errors.Is(err, ErrTimeout) || !res.TimedOut {
		t.Fatalf("err %v, result %+v", err, res)
	}
	b, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the grandchild to end", func() bool { _, alive := StartTime(pid); return !alive })
}

func TestTheEndOfTheContextIsItsCause(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the downtime is over its limit")
	time.AfterFunc(100*time.Millisecond, func() { cancel(cause) })
	if _, err := Run(ctx, sh("sleep 60")); !errors.Is(err, cause) {
		t.Errorf("err %v", err)
	}
}

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := sh("i=0; while [ $i -lt 2000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; echo the end")
	c.Log, c.MaxLog, c.Keep = &log, 1000, 100
	res, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Stdout) > 100 || !strings.HasSuffix(string(res.Stdout), "the end\n") {
		t.Errorf("kept %d bytes: %q", len(res.Stdout), res.Stdout)
	}
	if log.Len() > 1200 || !strings.Contains(log.String(), "log cut here") {
		t.Errorf("the log took %d bytes", log.Len())
	}
}

func TestStartedProcessIsIdentifiedAndStopped(t *testing.T) {
	t.Parallel()
	p, err := Start(t.Context(), sh("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if started, alive := StartTime(p.Pid); !alive || started != p.Started || started == "" {
		t.Errorf("started %q, alive %v, want %q", started, alive, p.Started)
	}
	// The trap is set once the shell sleeps in its loop, that is, once it has a child.
	await(t, "the shell's loop", func() bool {
		b, _ := os.ReadFile("/proc/" + strconv.Itoa(p.Pid) + "/task/" + strconv.Itoa(p.Pid) + "/children")
		return len(b) > 0
	})
	p.Stop(5 * time.Second)
	if p.ExitCode() != 7 || !strings.Contains(p.Tail(), "bye") {
		t.Errorf("status %d, said %q", p.ExitCode(), p.Tail())
	}
	if _, alive := StartTime(p.Pid); alive {
		t.Error("it still lives")
	}
}

func TestStopKillsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	p, err := Start(t.Context(), sh("trap '' TERM; while :; do sleep 0.05; done"), nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Stop(50 * time.Millisecond)
	if p.ExitCode() != -1 {
		t.Errorf("status %d, want -1 for a signal", p.ExitCode())
	}
	if err := syscall.Kill(p.Pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process is there: %v", err)
	}
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waiting for %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// What a command leaves behind ends with it, unless it is meant to stay.
func TestLeave(t *testing.T) {
	t.Parallel()
	for _, leave := range []bool{false, true} {
		file := filepath.Join(t.TempDir(), "pid")
		_, err := Run(t.Context(), Command{
			Path: "/bin/sh", Args: []string{"-c", `sleep 60 & echo $! > "$1"`, "sh", file}, Env: os.Environ(), Leave: leave,
		})
		if err != nil && leave {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		alive := true
		for end := time.Now().Add(5 * time.Second); alive && !leave && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			_, alive = StartTime(pid) // a killed process takes a moment to be gone
		}
		if leave {
			_, alive = StartTime(pid)
		}
		if alive != leave {
			t.Errorf("leave %v: alive %v", leave, alive)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}
