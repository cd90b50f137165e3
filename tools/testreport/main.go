// Command testreport runs "go test -json" with its arguments and tells the result for people:
// failures in full, one line for each skipped test with its reason, the closing line of each
// package, the ten slowest tests. It exits as go test does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := run(ctx, ".", os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// run runs go test in dir and returns its exit status.
func run(ctx context.Context, dir string, args []string, out io.Writer) (int, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	// An interrupt reaches the tests, which stop what they started.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return 1, fmt.Errorf("starting go test: %w", err)
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("starting go test: %w", err)
	}
	r := newReport(out)
	readErr := r.read(events)
	err = cmd.Wait()
	r.close(time.Since(begin))
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1), readErr
	case err != nil:
		return 1, fmt.Errorf("running go test: %w", err)
	case r.failed > 0:
		return 1, errors.New("tests failed although go test ended with 0")
	}
	return 0, readErr
}
