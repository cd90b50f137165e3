package driver

import (
	"context"
	"fmt"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// Copies starts servers on throw-away copies, as processes of this machine.
type Copies interface {
	Load(ctx context.Context, w upgrade.World) (upgrade.Server, error)
}

// Command drives servers that something else runs (compose, Helm, Terraform, systemd), by hooks.
// Servers of copies are processes of this machine all the same: a hook could not keep a copy from
// the outside world.
type Command struct {
	Hooks  *Hooks
	From   string // "": whatever runs
	To     string
	Copies Copies
}

// answerTime bounds the waiting for a server that a hook has started: imports and, on the private
// address, the migration. The upgrade's own limit on the downtime ends it earlier.
const answerTime = 30 * time.Minute

// stopTime bounds the waiting for an address to fall silent after the hook stop.
const stopTime = 2 * time.Minute

// Check asks the hooks that change nothing.
func (d *Command) Check(ctx context.Context) []upgrade.Problem {
	block := func(code, what, remedy string) []upgrade.Problem {
		return []upgrade.Problem{{Code: code, Blocks: true, What: what, Remedy: remedy}}
	}
	status, err := d.Hooks.run(ctx, HookStatus, "")
	if err != nil {
		return block("hook_status", err.Error(), "mend the hook: it prints running or stopped and exits with 0")
	}
	if status != "running" {
		return block("hook_status", fmt.Sprintf("the hook status prints %q, not running", short(status)), "start the server, or mend the hook")
	}
	v, err := d.Hooks.run(ctx, HookVersion, "")
	if err != nil {
		return block("hook_version", err.Error(), "mend the hook: it prints the version that the deployment is set to")
	}
	served, err := zenml.New(d.Hooks.PublicURL).Version(ctx)
	if err == nil && v != served {
		return block("hook_version", fmt.Sprintf("the hook version prints %q, but %s answers with %s", short(v), d.Hooks.PublicURL, served),
			"check that the hooks and server-url are about one server")
	}
	return nil
}

// StopOld stops what answers on the public address and waits until nothing does.
func (d *Command) StopOld(ctx context.Context) error {
	return d.stop(ctx, public, d.From)
}

// StartOld starts a version on the public address, unless it answers there already.
func (d *Command) StartOld(ctx context.Context, v string) error {
	if got, err := zenml.New(d.Hooks.PublicURL).Version(ctx); err == nil && got == v {
		return nil
	}
	if _, err := d.Hooks.run(ctx, HookStart, v, addressOf(public)); err != nil {
		return err
	}
	return answers(ctx, d.Hooks.PublicURL, v)
}

// Load starts a copy's server, or prepares the real one's: a hook can keep no process waiting, so
// nothing happens before Serve.
func (d *Command) Load(ctx context.Context, w upgrade.World) (upgrade.Server, error) {
	if w.StoreURL != "" {
		return d.Copies.Load(ctx, w)
	}
	return &hooked{driver: d, version: w.Version}, nil
}

// End stops what the hooks of an interrupted run started: the private server and, if the public
// address answers with the new version, that one too. The old version is left alone.
func (d *Command) End(ctx context.Context, c upgrade.Child) (bool, error) {
	if c.Hook == "" {
		return server.End(ctx, c.Pid, c.Started) // a copy's
	}
	if err := d.stop(ctx, private, d.To); err != nil {
		return false, err
	}
	v, err := zenml.New(d.Hooks.PublicURL).Version(ctx)
	if err != nil { // it answers nothing: what the deployment is set to tells
		status, statusErr := d.Hooks.run(ctx, HookStatus, "")
		if statusErr != nil {
			return false, statusErr
		}
		if status != "running" {
			return false, nil
		}
		if v, err = d.Hooks.run(ctx, HookVersion, ""); err != nil {
			return false, err
		}
	}
	if v != d.To {
		return false, nil
	}
	return true, d.stop(ctx, public, d.To)
}

const (
	public  = "public"
	private = "private"
)

func addressOf(which string) string { return "ZENML_UPGRADE_ADDRESS=" + which }

// stop runs the hook and, for the public address, waits until it is silent: a hook that returns
// early must not leave two servers on one database.
func (d *Command) stop(ctx context.Context, which, v string) error {
	if _, err := d.Hooks.run(ctx, HookStop, v, addressOf(which)); err != nil || which != public {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, stopTime, fmt.Errorf("%s still answers %s after the hook stop", d.Hooks.PublicURL, stopTime))
	defer cancel()
	return until(ctx, func() bool {
		_, err := zenml.New(d.Hooks.PublicURL).Version(ctx)
		return err != nil && ctx.Err() == nil
	})
}

// answers waits until an address answers, out of its database, with a version.
func answers(ctx context.Context, url, want string) error {
	last := "no answer"
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err := until(ctx, func() bool {
		got, err := zenml.New(url).Version(ctx)
		if last = "version " + got; err != nil {
			last = err.Error()
		}
		return err == nil && got == want
	})
	if err != nil {
		return fmt.Errorf("waiting for %s to answer with version %s (last: %s): %w", url, want, last, err)
	}
	return nil
}

// until waits for a condition.
func until(ctx context.Context, holds func() bool) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
