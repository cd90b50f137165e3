// Command zenml-upgrade proves an upgrade of ZenML before it happens.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/zenml-upgrade/zenml-upgrade/internal/app"
)

func main() {
	debug.SetMemoryLimit(44 << 20) // soft: the memory is for the servers and checkers that run beside us
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := app.Main(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
