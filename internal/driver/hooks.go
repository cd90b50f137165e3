// Package driver starts and stops the servers of an environment for a staged upgrade.
package driver

import (
	"context"
	"fmt"
	"strings"
	"time"

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

// Hooks runs the commands of one environment.
type Hooks struct {
	Commands    map[string]string // shell commands by name
	Dir         string            // where they run: the repository's root
	Environ     []string          // our process's environment; proc.BaseEnv decides what of it passes
	Pass        []string          // names of further variables that pass, such as DOCKER_HOST
	Secrets     []string          // kept out of what is told of their output
	Environment string            // the environment's name
	PublicURL   string
}

// hookTime bounds one hook. Pulling an image and a roll-out are in it; a migration is not: the
// server is awaited after the hook.
const hookTime = 15 * time.Minute

// Command is what runs a hook.
func (h *Hooks) Command(name, version string, extra ...string) proc.Command {
	env := proc.BaseEnv(h.Environ)
	for _, key := range h.Pass {
		env = append(env, key+"="+proc.Getenv(h.Environ, key))
	}
	env = append(env, "ZENML_UPGRADE_HOOK="+name, "ZENML_UPGRADE_ENVIRONMENT="+h.Environment,
		"ZENML_UPGRADE_VERSION="+version, "ZENML_UPGRADE_PUBLIC_URL="+h.PublicURL,
		// For the server, which the hook starts: a proved backup stands already, and ZenML's own
		// would double the downtime and restore inexactly.
		"ZENML_STORE_BACKUP_STRATEGY=disabled")
	return proc.Command{Path: "/bin/sh", Args: []string{"-c", h.Commands[name]}, Dir: h.Dir, Env: append(env, extra...), Timeout: hookTime, Secrets: h.Secrets}
}

// run runs a hook and returns the last line that it printed.
func (h *Hooks) run(ctx context.Context, name, version string, extra ...string) (string, error) {
	c := h.Command(name, version, extra...)
	c.Leave = true
	res, err := proc.Run(ctx, c)
	if err != nil {
		return "", fmt.Errorf("running the hook %s: %w", name, err)
	}
	lines := strings.Split(strings.TrimSpace(string(res.Stdout)), "\n")
	return strings.TrimSpace(lines[len(lines)-1]), nil
}
