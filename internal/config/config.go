// Package config reads .github/zenml-upgrade.yml. Everything wrong in the file is told at once,
// with its line; what no part of the program acts on yet is refused, never quietly ignored.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// DefaultPath is where the file is looked for below the repository's root.
const DefaultPath = ".github/zenml-upgrade.yml"

// MaxBytes is the size up to which a configuration file is read.
const MaxBytes = 1 << 20

// Config is the whole file. The schema in schema/ describes the same keys; a test holds both
// together.
type Config struct {
	Deployment   string                 `yaml:"deployment"` // oss (when empty), pro-self-hosted or pro-saas
	Environments map[string]Environment `yaml:"environments"`
	Projects     []Project              `yaml:"projects"`
	Pipelines    []Pipeline             `yaml:"pipelines"`
	Waivers      []Waiver               `yaml:"waivers"`
	Teams        []Team                 `yaml:"teams"`
	Gates        Gates                  `yaml:"gates"`
	Operators    []string               `yaml:"operators"` // GitHub logins
}

// Environment is a server that can be upgraded.
type Environment struct {
	Kind        string            `yaml:"kind"` // development, staging or production
	ServerURL   string            `yaml:"server-url"`
	Driver      string            `yaml:"driver"` // local, also when empty, or command
	Local       *Local            `yaml:"local"`
	Command     *Command          `yaml:"command"`
	Hooks       map[string]string `yaml:"hooks"`        // shell commands of the driver command, by HookNames
	Snapshot    *Snapshot         `yaml:"snapshot"`     // of the backup engine command
	Window      string            `yaml:"window"`       // see ParseWindow
	CompareWith string            `yaml:"compare-with"` // name of the environment, mostly staging, that a plan compares it with
	MaxDowntime string            `yaml:"max-downtime"` // Go duration, positive
	Rollback    Rollback          `yaml:"rollback"`     // a word, true or false, is its key always
	Smoke       string            `yaml:"smoke"`        // where the tool's own pipeline runs: private, also when empty, or public
	// EnvironmentURL is shown on the environment's page of GitHub, to all who may read the repository.
	EnvironmentURL string `yaml:"environment-url"`
}

const smokePublic = "public"

// SmokeInPublic says that the tool's own pipeline runs after the opening.
func (e Environment) SmokeInPublic() bool { return e.Smoke == smokePublic }

// Rollback says what follows when an upgrade fails after the old server was stopped: restore, freeze or
// roll-forward, by what failed. An empty one is restore.
type Rollback struct {
	Always      string `yaml:"always"`       // true: restore, false: freeze, whatever failed; or empty
	FailedStep  string `yaml:"failed-step"`  // of any step that the others do not name
	FailedSmoke string `yaml:"failed-smoke"` // of the tool's own pipeline
	Downtime    string `yaml:"downtime"`     // above max-downtime
	ErrorRate   string `yaml:"error-rate"`   // above error-limit, while the opened server is watched
	ErrorLimit  string `yaml:"error-limit"`  // share of unanswered questions, such as 0.05
	Watch       string `yaml:"watch"`        // Go duration: how long the opened server is watched
	Patch       string `yaml:"patch"`        // the version that roll-forward leads to
}

// Short takes the form of one word.
func (r *Rollback) Short(word string) { r.Always = word }

// RollbackModes are what may follow a failure.
var RollbackModes = []string{"restore", "freeze", "roll-forward"}

// Local says how the driver local runs a server.
type Local struct {
	Python  string `yaml:"python"`   // interpreter that has ZenML installed
	EnvFile string `yaml:"env-file"` // KEY=value lines for the server
	Port    int    `yaml:"port"`     // 1 to 65535
}

// Command says how the driver command runs a server.
type Command struct {
	Python  string   `yaml:"python"`   // series that the server runs on, such as 3.11: copies run on it here
	EnvFile string   `yaml:"env-file"` // KEY=value lines that a copy's server needs, such as the encryption key
	Pass    []string `yaml:"pass"`     // names of variables that hooks get, such as DOCKER_HOST
}

// Snapshot are the shell commands by which something else, such as a cloud, makes snapshots of the
// database; docs/snapshots.md says what each must do.
type Snapshot struct {
	Take    string   `yaml:"take"`
	Restore string   `yaml:"restore"`
	Drop    string   `yaml:"drop"`
	Forget  string   `yaml:"forget"`
	Pass    []string `yaml:"pass"` // names of variables that they get, such as AWS_PROFILE
}

// Commands are the commands by their names.
func (s *Snapshot) Commands() map[string]string {
	return map[string]string{"take": s.Take, "restore": s.Restore, "drop": s.Drop, "forget": s.Forget}
}

// HookNames are the hooks that an environment with the driver command has, every one.
var HookNames = []string{"start", "start-private", "stop", "status", "version"}

// HookRun is the hook that it may have beside them.
const HookRun = "run"

// Project is a folder with requirements of its own.
type Project struct {
	Path           string   `yaml:"path"` // relative to the repository, never out of it
	PythonVersions []string `yaml:"python-versions"`
}

// Pipeline is a pipeline of the repository and how it is run.
type Pipeline struct {
	Name    string `yaml:"name"`
	Command string `yaml:"command"`
	Marker  string `yaml:"marker"`  // critical, long, skip or empty
	Timeout string `yaml:"timeout"` // Go duration, positive

	Environment map[string]string `yaml:"environment"` // what the command sees beside its test world
	Secrets     []string          `yaml:"secrets"`     // names of variables that are passed to it
}

// Waiver accepts a finding until a date. An expired one is valid and without effect.
type Waiver struct {
	Finding string `yaml:"finding"` // a finding's id
	Owner   string `yaml:"owner"`
	Reason  string `yaml:"reason"`
	Expires string `yaml:"expires"` // 2006-01-02, the last day on which it counts
	// Migrated, when true, ticks the migration step of a breaking change that hits; without the tick
	// such a change is acknowledged and not lifted.
	Migrated string `yaml:"migrated"` // true, false or empty
}

// Team names people; a waiver's owner may be a team.
type Team struct {
	Name    string   `yaml:"name"`
	Members []string `yaml:"members"` // GitHub logins
}

// Gates are what must hold before an upgrade, by the kind of its environment.
type Gates struct {
	Development *GateSet `yaml:"development"`
	Staging     *GateSet `yaml:"staging"`
	Production  *GateSet `yaml:"production"`
}

// GateSet are the gates of one kind of environment. There is a key for each that is enforced, and for
// no other: a gate that is only written down would be trusted.
type GateSet struct {
	Staging   string     `yaml:"staging"` // of production only: required, also when empty, or off
	Hold      string     `yaml:"hold"`    // required, also when empty, or off
	Approvals *Approvals `yaml:"approvals"`
}

// Approvals says how many people must have let the run into its environment.
type Approvals struct {
	Count        int      `yaml:"count"`
	Environments []string `yaml:"environments"` // of GitHub, whose approvals count; the upgrade's own when empty
	From         []string `yaml:"from"`         // names of teams and GitHub logins; the operators when empty
}

// Of are the gates of a kind of environment.
func (g Gates) Of(kind string) GateSet {
	set := map[string]*GateSet{"development": g.Development, "staging": g.Staging, "production": g.Production}[kind]
	if set == nil {
		return GateSet{}
	}
	return *set
}

// Staging are the names of the environments of kind staging.
func (c *Config) Staging() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c.Environments)) {
		if c.Environments[name].Kind == "staging" {
			out = append(out, name)
		}
	}
	return out
}

// Approvers are the logins of those whose approval counts.
func (c *Config) Approvers(a Approvals) []string {
	if len(a.From) == 0 {
		return c.Operators
	}
	var out []string
	for _, name := range a.From {
		i := slices.IndexFunc(c.Teams, func(t Team) bool { return t.Name == name })
		if i < 0 {
			out = append(out, name)
			continue
		}
		out = append(out, c.Teams[i].Members...)
	}
	return out
}

// Pick chooses an environment: the named one, or the only one there is. Where the file has none, a run without
// a name gets none.
func (c *Config) Pick(name string) (string, Environment, error) {
	if names := slices.Sorted(maps.Keys(c.Environments)); name == "" {
		switch len(names) {
		case 0:
			return "", Environment{}, nil
		case 1:
			name = names[0]
		default:
			return "", Environment{}, fault.BadInput("environment is missing, and the configuration file has several", "give one of "+strings.Join(names, ", "))
		}
	}
	env, ok := c.Environments[name]
	if !ok {
		return "", Environment{}, fault.BadInput(fmt.Sprintf("environment %q is not in the configuration file", name), "add it there or give the name of one that is")
	}
	return name, env, nil
}

// Load reads the file at path. The error joins one *fault.Error of kind Input per fault.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return Parse(path, data)
}

func unreadable(path string, err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fault.BadInput(fmt.Sprintf("config %q cannot be read: %v", path, err), "give the path of a readable file, or none for "+DefaultPath)
}

// Parse reads a configuration that was read elsewhere, such as from the base commit of a pull
// request; name is what its faults are told under.
func Parse(name string, data []byte) (*Config, error) {
	if len(data) > MaxBytes {
		return nil, fault.BadInput(fmt.Sprintf("config %q is larger than %d bytes", name, MaxBytes), "give a ZenML upgrade configuration")
	}
	d := &decoder{name: filepath.ToSlash(name), lines: map[string]int{}}
	cfg := &Config{}
	if len(bytes.TrimSpace(data)) > 0 {
		d.read(data, cfg)
	}
	if d.readable {
		d.check(cfg)
	}
	if len(d.faults) > 0 {
		return nil, errors.Join(d.faults...)
	}
	return cfg, nil
}
