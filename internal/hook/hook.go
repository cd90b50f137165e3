// Package hook runs the shell commands that an environment's configuration names.
package hook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// Set are the commands of one environment for one purpose.
type Set struct {
	Commands    map[string]string // shell commands by name
	Dir         string            // where they run: the repository's root
	Environ     []string          // our process's environment; proc.BaseEnv decides what of it passes
	Pass        []string          // names of further variables that pass, such as DOCKER_HOST
	Secrets     []string          // kept out of what is told of their output
	Environment string            // the environment's name
	Limit       time.Duration     // how long one may take
}

// longestLine is how much of a line is told where Call.Brief asks for one.
const longestLine = 300

// Call is one command to run.
type Call struct {
	Name  string
	Env   []string   // beside what every command gets
	Leave bool       // what it leaves behind goes on; else that ends with it
	Brief bool       // of what it printed before it failed only the last line is told: the others may be data
	Files []*os.File // what it and all that it starts hold open
}

// Command is what runs a call.
func (s *Set) Command(c Call) proc.Command {
	passed := []string{}
	for _, key := range s.Pass {
		passed = append(passed, key+"="+proc.Getenv(s.Environ, key))
	}
	env := slices.Concat(proc.BaseEnv(s.Environ), passed, []string{"ZENML_UPGRADE_HOOK=" + c.Name, "ZENML_UPGRADE_ENVIRONMENT=" + s.Environment}, c.Env)
	return proc.Command{
		Path: "/bin/sh", Args: []string{"-c", s.Commands[c.Name]}, Dir: s.Dir, Env: env,
		Timeout: s.Limit, Secrets: slices.Concat(s.Secrets, proc.SecretValues(passed...)), Addresses: true, Leave: c.Leave, Files: c.Files,
	}
}

// Run runs a call to its end.
func (s *Set) Run(ctx context.Context, c Call) (proc.Result, error) {
	res, err := proc.Run(ctx, s.Command(c))
	var exit *proc.ExitError
	if c.Brief && errors.As(err, &exit) {
		exit.Tail = proc.LastLine([]byte(exit.Tail))
		exit.Tail = strings.ToValidUTF8(exit.Tail[:min(len(exit.Tail), longestLine)], "")
	}
	if err != nil {
		return res, fmt.Errorf("running the hook %s: %w", c.Name, err)
	}
	return res, nil
}
