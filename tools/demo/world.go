package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/progress"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
)

// demo is one showing: an old server with content, and what the actions made of it.
type demo struct {
	root, dir    string
	repo, config string
	fail         bool
	environ      []string // ours, with the checkout's own tools and cache
	progress     *progress.Display
	world        *world.World
	steps        []*step
}

// prepare makes the world before the upgrade: the old server, a key, a secret, pipeline runs.
func (d *demo) prepare(ctx context.Context) error {
	if err := os.RemoveAll(d.dir); err != nil {
		return fmt.Errorf("clearing the last demo away: %w", err)
	}
	d.repo = filepath.Join(d.dir, "churn")
	if err := os.CopyFS(d.repo, os.DirFS(filepath.Join(d.root, "examples", "churn"))); err != nil {
		return fmt.Errorf("copying the example: %w", err)
	}
	start := d.progress.Start("starting a ZenML " + from + " server (the first time it is downloaded)")
	var err error
	d.world, err = world.Start(ctx, world.Options{
		Version: from, CacheDir: filepath.Join(d.root, ".cache"), Dir: filepath.Join(d.dir, "server"), Environ: d.environ, Empty: true,
	})
	if err != nil {
		start.Fail("")
		return err
	}
	start.Done(d.world.URL)
	if err := d.configure(); err != nil {
		return err
	}
	python, err := d.client(ctx)
	if err != nil {
		return err
	}
	return d.pipelines(ctx, python)
}

// client makes the environment that the example's team works in.
func (d *demo) client(ctx context.Context) (string, error) {
	shown := d.progress.Start("installing the example's requirements")
	manager, err := pyenv.New(d.environ, filepath.Join(d.root, ".cache"))
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(filepath.Join(d.repo, "requirements.txt"))
	if err != nil {
		return "", fmt.Errorf("reading the example's requirements: %w", err)
	}
	env, err := manager.Ensure(ctx, pyenv.Spec{Python: d.world.Python, Requirements: strings.Split(strings.TrimSpace(string(b)), "\n")})
	if err != nil {
		shown.Fail("")
		return "", err
	}
	shown.Done("")
	return env.Python, nil
}

// pipelines runs the example's pipelines on the old server, two at a time.
func (d *demo) pipelines(ctx context.Context, python string) error {
	shown := d.progress.Start("running the example's pipelines on " + from)
	scripts, err := filepath.Glob(filepath.Join(d.repo, "run_*.py"))
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for _, script := range scripts {
		group.Go(func() error {
			name := filepath.Base(script)
			_, err := proc.Run(ctx, proc.Command{
				Path: python, Args: []string{name}, Dir: d.repo, Timeout: 5 * time.Minute, Secrets: []string{d.world.APIKey},
				// The last of two settings of one name holds: each client gets a configuration of its own.
				Env: append(d.world.ClientEnv(), "ZENML_CONFIG_PATH="+filepath.Join(d.dir, "client", name), "PYTHONPATH="+d.repo),
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		shown.Fail("")
		return fmt.Errorf("running the example's pipelines: %w", err)
	}
	shown.Done(fmt.Sprintf("%d pipelines", len(scripts)))
	return nil
}

// configure writes the example's configuration with this demo's server in it.
func (d *demo) configure() error {
	b, err := os.ReadFile(filepath.Join(d.repo, ".github", "zenml-upgrade.yml"))
	if err != nil {
		return fmt.Errorf("reading the example's configuration: %w", err)
	}
	text := string(b)
	for key, v := range map[string]string{
		"server-url": d.world.URL, "python": d.world.Python, "env-file": d.world.EnvFile, "port": strconv.Itoa(d.world.Port),
	} {
		text = regexp.MustCompile(`(?m)^(\s+`+key+`:).*$`).ReplaceAllString(text, "${1} "+v)
	}
	d.config = filepath.Join(d.dir, "zenml-upgrade.yml")
	if err := os.WriteFile(d.config, []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing the demo's configuration: %w", err)
	}
	return nil
}

// close ends the servers: the one that the upgrade left on the port, and ours if it still runs.
func (d *demo) close() error {
	d.progress.Close()
	if d.world == nil {
		return nil
	}
	d.world.Stop()
	l, err := server.FindListener(d.world.Port)
	if errors.Is(err, server.ErrNoListener) {
		return nil
	}
	if err != nil {
		return err
	}
	if !l.IsZenML() {
		return fmt.Errorf("port %d is now used by a process that is not ours: it is left alone", d.world.Port)
	}
	return l.Stop(context.Background(), 10*time.Second)
}
