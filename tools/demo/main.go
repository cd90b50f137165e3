// Command demo shows the main job on real parts: a ZenML server with content is carried from
// 0.85.0 to 0.98.0 by the three actions. With -fail the new server is killed in the middle of its
// migration, and the upgrade puts everything back.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/zenml-upgrade/zenml-upgrade/internal/progress"
)

const (
	from = "0.85.0"
	to   = "0.98.0"
)

func main() {
	fail := flag.Bool("fail", false, "kill the new server while it migrates the real database")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *fail)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, fail bool) (err error) {
	began := time.Now()
	root, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("finding the checkout: %w", err)
	}
	if _, err := os.Stat(filepath.Join(root, "examples", "churn")); err != nil {
		return errors.New("run it from the top of the checkout, as \"make demo\" does")
	}
	name := "demo"
	if fail {
		name = "demo-rollback"
	}
	d := &demo{
		root: root, dir: filepath.Join(root, ".cache", name), fail: fail,
		environ: append(os.Environ(), "ZENML_UPGRADE_CACHE="+filepath.Join(root, ".cache"),
			"PATH="+filepath.Join(root, ".cache", "tools", "bin")+string(filepath.ListSeparator)+os.Getenv("PATH")),
		progress: progress.New(os.Stderr, term.IsTerminal(int(os.Stderr.Fd()))),
	}
	fmt.Printf("A ZenML %s server with the pipelines of examples/churn, taken to %s. Everything is real: servers, database, pipelines.\n\n", from, to)
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.prepare(ctx); err != nil {
		return err
	}
	if err := d.actions(ctx); err != nil {
		return err
	}
	return d.summary(time.Since(began))
}
