package config

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

var (
	nameForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
	pythonForm = regexp.MustCompile(`^3\.[0-9]{1,2}$`)
	envForm    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// ownVariable are the tool's own inputs and the workflow run's: no child gets them.
	ownVariable = regexp.MustCompile(`^(INPUT_|GITHUB_|ACTIONS_|RUNNER_|ZENML_UPGRADE_)`)
	loginForm   = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?(?:\[bot\])?$`)
)

// check tells what is wrong with the values; missing keys and wrong types are told already.
func (d *decoder) check(c *Config) {
	d.word("deployment", c.Deployment, false, "oss", "pro-self-hosted", "pro-saas")
	names := make([]string, 0, len(c.Environments))
	for name := range c.Environments {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		d.environment("environments."+name, name, c.Environments[name])
		if with := c.Environments[name].CompareWith; with != "" {
			d.word("environments."+name+".compare-with", with, true, slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })...)
		}
	}
	for i, p := range c.Projects {
		d.project(fmt.Sprintf("projects[%d]", i), p)
	}
	d.pipelines(c.Pipelines)
	d.waivers(c.Waivers)
	for i, t := range c.Teams {
		at := fmt.Sprintf("teams[%d]", i)
		d.needed(at+".name", t.Name)
		d.logins(at+".members", t.Members)
	}
	d.logins("operators", c.Operators)
	for _, kind := range []string{"development", "staging", "production"} {
		d.gates("gates."+kind, kind, c.Gates.Of(kind), c)
	}
}

// gates tells what could not be enforced as it is written.
func (d *decoder) gates(at, kind string, g GateSet, c *Config) {
	d.word(at+".staging", g.Staging, false, "required", "off")
	if g.Staging != "" && kind != "production" {
		d.at(at+".staging", "remove it", "only production waits for staging")
	}
	d.word(at+".hold", g.Hold, false, "required", "off")
	if g.Approvals == nil {
		return
	}
	at += ".approvals"
	if g.Approvals.Count < 1 {
		d.at(at+".count", "give the number of people who must approve, at least 1", "%d is not enough", g.Approvals.Count)
	}
	for i, name := range g.Approvals.From {
		if !loginForm.MatchString(name) && !slices.ContainsFunc(c.Teams, func(t Team) bool { return t.Name == name }) {
			d.at(fmt.Sprintf("%s.from[%d]", at, i), "give a team of the configuration or a login without @", "%q is neither a team nor a login", name)
		}
	}
	if n := len(c.Approvers(*g.Approvals)); n < g.Approvals.Count {
		d.at(at+".count", "name more people in from, their team or operators", "%d must approve, and only %d may", g.Approvals.Count, n)
	}
}

func (d *decoder) environment(at, name string, e Environment) {
	if !nameForm.MatchString(name) {
		d.at(at, "use letters, digits, - and _, at most 63", "%q is no name for an environment", name)
	}
	d.word(at+".kind", e.Kind, true, "development", "staging", "production")
	d.word(at+".driver", e.Driver, false, "local", "command")
	d.hooks(at, e)
	if e.Snapshot != nil {
		commands := e.Snapshot.Commands()
		for _, name := range slices.Sorted(maps.Keys(commands)) {
			d.needed(at+".snapshot."+name, commands[name])
		}
		d.passed(at+".snapshot.pass", e.Snapshot.Pass)
	}
	d.address(at+".server-url", e.ServerURL, "give the key as the input server-token")
	d.address(at+".environment-url", e.EnvironmentURL, "write the address without it: everyone sees it")
	if e.Local != nil {
		d.needed(at+".local.python", e.Local.Python)
		if e.Local.Port < 1 || e.Local.Port > 65535 {
			d.at(at+".local.port", "give the port that the server listens on", "%d is no port", e.Local.Port)
		}
	}
	if e.Window != "" {
		if _, err := ParseWindow(e.Window); err != nil {
			d.at(at+".window", "write it like 2026-11-28T22:00/2h Europe/Berlin", "%v", err)
		}
	}
	d.duration(at+".max-downtime", e.MaxDowntime)
	d.rollback(at+".rollback", e.Rollback)
	d.word(at+".smoke", e.Smoke, false, "private", smokePublic)
}

func (d *decoder) address(at, value, without string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		d.at(at, "write it like https://zenml.example.org", "no address of a server")
	} else if u.User != nil {
		d.at(at, without, "holds a user or password")
	}
}

// hooks tells what the driver command lacks, and what nobody would run.
func (d *decoder) hooks(at string, e Environment) {
	if e.Driver != "command" {
		if len(e.Hooks) > 0 || e.Command != nil {
			d.at(at+".hooks", "set driver: command, or remove them", "hooks are run by the driver command only")
		}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(e.Hooks)) {
		d.word(at+".hooks", name, true, append(slices.Clone(HookNames), HookRun)...)
	}
	for _, name := range HookNames {
		d.needed(at+".hooks."+name, e.Hooks[name])
	}
	if e.Command == nil {
		d.at(at+".command", `add command: {python: "3.11"}, the series that the server runs on`, "missing")
		return
	}
	if !pythonForm.MatchString(e.Command.Python) {
		d.at(at+".command.python", `write it like "3.11"`, "%q is no Python version", e.Command.Python)
	}
	d.passed(at+".command.pass", e.Command.Pass)
}

// passed tells which variables no hook gets.
func (d *decoder) passed(at string, names []string) {
	for i, name := range names {
		if !envForm.MatchString(name) || ownVariable.MatchString(name) {
			d.at(fmt.Sprintf("%s[%d]", at, i), "name a variable that the hooks need, such as DOCKER_HOST", "%q does not pass to a hook", name)
		}
	}
}

func (d *decoder) rollback(at string, r Rollback) {
	d.word(at, r.Always, false, "true", "false")
	forward := false
	for key, mode := range map[string]string{"failed-step": r.FailedStep, "failed-smoke": r.FailedSmoke, "downtime": r.Downtime, "error-rate": r.ErrorRate} {
		d.word(at+"."+key, mode, false, RollbackModes...)
		forward = forward || mode == "roll-forward"
	}
	d.duration(at+".watch", r.Watch)
	if share, err := strconv.ParseFloat(r.ErrorLimit, 64); r.ErrorLimit != "" && (err != nil || share <= 0 || share > 1) {
		d.at(at+".error-limit", "write a share such as 0.05", "%q is no share between 0 and 1", r.ErrorLimit)
	}
	if (r.ErrorRate != "" || r.ErrorLimit != "") && (r.Watch == "" || r.ErrorLimit == "") {
		d.at(at+".error-rate", "give watch and error-limit, too", "is not measured without both")
	}
	switch {
	case forward && r.Patch == "":
		d.at(at+".patch", "name the version that roll-forward leads to", "missing")
	case r.Patch != "" && version.Valid(r.Patch) != nil:
		d.at(at+".patch", "write it like 0.98.1", "%q is no version of ZenML", r.Patch)
	}
}

func (d *decoder) project(at string, p Project) {
	if d.needed(at+".path", p.Path) {
		if clean := path.Clean(p.Path); path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") || strings.ContainsAny(p.Path, "\\\x00\n") {
			d.at(at+".path", "give a folder of the repository, relative to its root, with /", "%q leads out of the repository", p.Path)
		}
	}
	for i, v := range p.PythonVersions {
		if !pythonForm.MatchString(v) {
			d.at(fmt.Sprintf("%s.python-versions[%d]", at, i), `write it like "3.11"`, "%q is no Python version", v)
		}
	}
}

func (d *decoder) pipelines(pipelines []Pipeline) {
	seen := map[string]bool{}
	for i, p := range pipelines {
		at := fmt.Sprintf("pipelines[%d]", i)
		if d.needed(at+".name", p.Name) && seen[p.Name] {
			d.at(at+".name", "keep one", "%q stands twice", p.Name)
		}
		seen[p.Name] = true
		d.word(at+".marker", p.Marker, false, "critical", "long", "skip")
		if p.Marker != "skip" {
			d.needed(at+".command", p.Command)
		}
		d.duration(at+".timeout", p.Timeout)
		for name := range p.Environment {
			d.variable(at+".environment."+name, name)
		}
		for n, name := range p.Secrets {
			d.variable(fmt.Sprintf("%s.secrets[%d]", at, n), name)
		}
	}
}

// closed are the beginnings of variables that no pipeline gets: the workflow run's, this program's,
// and those that lead a ZenML client to its server.
var closed = []string{"GITHUB_", "ACTIONS_", "RUNNER_", "INPUT_", "ZENML_UPGRADE_", "ZENML_STORE_", "ZENML_CONFIG_PATH", "ZENML_LOCAL_STORES_PATH"}

// set are variables that a test world has its own values of.
var set = []string{"PATH", "HOME", "TMPDIR", "VIRTUAL_ENV"}

func (d *decoder) variable(at, name string) {
	if !envForm.MatchString(name) {
		d.at(at, "use letters, digits and _", "%q is no name for a variable", name)
	}
	for _, c := range closed {
		if strings.HasPrefix(strings.ToUpper(name), c) {
			d.at(at, "give it another name", "%s is never passed to a pipeline", name)
		}
	}
	if slices.Contains(set, name) {
		d.at(at, "set it in a script that the command names", "%s is set by the test world", name)
	}
}

func (d *decoder) waivers(waivers []Waiver) {
	seen := map[string]bool{}
	for i, w := range waivers {
		at := fmt.Sprintf("waivers[%d]", i)
		if d.needed(at+".finding", w.Finding) && seen[w.Finding] {
			d.at(at+".finding", "keep one", "%q is waived twice", w.Finding)
		}
		seen[w.Finding] = true
		d.needed(at+".owner", w.Owner)
		d.needed(at+".reason", w.Reason)
		d.word(at+".migrated", w.Migrated, false, "true", "false")
		if d.needed(at+".expires", w.Expires) {
			if _, err := time.Parse(time.DateOnly, w.Expires); err != nil {
				d.at(at+".expires", "write it like 2026-12-31", "%q is no date", w.Expires)
			}
		}
	}
}

func (d *decoder) logins(at string, logins []string) {
	for i, login := range logins {
		if !loginForm.MatchString(login) {
			d.at(fmt.Sprintf("%s[%d]", at, i), "write it without @", "%q is no GitHub login", login)
		}
	}
}

// needed tells a missing value and says whether it is there.
func (d *decoder) needed(at, value string) bool {
	if strings.TrimSpace(value) == "" {
		d.at(at, "add it", "missing")
		return false
	}
	return true
}

func (d *decoder) word(at, value string, required bool, words ...string) {
	if value == "" && !required || slices.Contains(words, value) {
		return
	}
	if value == "" {
		d.at(at, "add one of "+strings.Join(words, ", "), "missing")
		return
	}
	d.at(at, "use one of "+strings.Join(words, ", "), "%q is not known", value)
}

func (d *decoder) duration(at, value string) {
	if value == "" {
		return
	}
	if t, err := time.ParseDuration(value); err != nil || t <= 0 {
		d.at(at, "write it like 10m or 90s", "%q is no duration", value)
	}
}
