// Package driver starts and stops the servers of an environment for a staged upgrade.
package driver

import (
	"context"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/hook"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// The hooks of an environment, as the configuration names them. Each is a shell command (docs/hooks.md).
const (
	HookStart        = "start"         // start a version on the public address
	HookStartPrivate = "start-private" // start a version on the private address; it migrates the database
	HookStop         = "stop"          // stop what runs on one of the two addresses; nothing there is no error
	HookStatus       = "status"        // print running or stopped, for the public address
	HookVersion      = "version"       // print the version that the public address is set to
	HookRun          = "run"           // run a pipeline of the team's; may be missing
)

// Hooks are the commands of one environment that start and stop its server.
type Hooks struct {
	*hook.Set
	PublicURL string
}

// NewHooks gives them their time. Pulling an image and a roll-out are in it; a migration is not: the
// server is awaited after the hook.
func NewHooks(s hook.Set, publicURL string) *Hooks {
	s.Limit = 15 * time.Minute
	return &Hooks{&s, publicURL}
}

// call is one of a hook.
func (h *Hooks) call(name, version string, extra ...string) hook.Call {
	return hook.Call{Name: name, Env: append([]string{
		"ZENML_UPGRADE_VERSION=" + version, "ZENML_UPGRADE_PUBLIC_URL=" + h.PublicURL,
		// For the server, which the hook starts: a proved backup stands already, and ZenML's own
		// would double the downtime and restore inexactly.
		"ZENML_STORE_BACKUP_STRATEGY=disabled",
	}, extra...)}
}

// Command is what runs a hook and ends with it.
func (h *Hooks) Command(name, version string, extra ...string) proc.Command {
	return h.Set.Command(h.call(name, version, extra...))
}

// run runs a hook and returns the last line that it printed.
func (h *Hooks) run(ctx context.Context, name, version string, extra ...string) (string, error) {
	c := h.call(name, version, extra...)
	c.Leave = true
	res, err := h.Run(ctx, c)
	if err != nil {
		return "", err
	}
	return proc.LastLine(res.Stdout), nil
}
