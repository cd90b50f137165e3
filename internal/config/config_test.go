package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

const full = `deployment: oss
environments:
  staging:
    kind: staging
    server-url: http://127.0.0.1:8237
    driver: local
    local: {python: .venv/bin/python, env-file: server.env, port: 8237}
    hooks: {}
    snapshot: {take: s take, restore: s restore, drop: s drop, forget: s forget, pass: [AWS_PROFILE]}
    window: 2026-11-28T22:00/2h Europe/Berlin
    max-downtime: 10m
    rollback: true
  prod_1:
    kind: production
projects:
  - path: .
    python-versions: [3.10, "3.11"]
pipelines:
  - {name: training, command: python run.py, marker: critical, timeout: 90s}
  - name: old
    marker: skip
waivers:
  - finding: 0.90.0/breaking/3
    owner: ml-team
    reason: |
      replaced next week
    expires: 2026-12-31
teams:
  - {name: ml-team, members: [ana, renovate[bot]]}
gates: {}
operators: [ana]
`

func TestParseReadsEveryKey(t *testing.T) {
	t.Parallel()
	got, err := Parse("zenml-upgrade.yml", []byte(strings.ReplaceAll(full, "renovate[bot]", "'renovate[bot]'")))
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Deployment: "oss",
		Environments: map[string]Environment{
			"staging": {
				Kind: "staging", ServerURL: "http://127.0.0.1:8237", Driver: "local",
				Local:    &Local{Python: ".venv/bin/python", EnvFile: "server.env", Port: 8237},
				Snapshot: &Snapshot{Take: "s take", Restore: "s restore", Drop: "s drop", Forget: "s forget", Pass: []string{"AWS_PROFILE"}},
				Hooks:    map[string]string{}, Window: "2026-11-28T22:00/2h Europe/Berlin", MaxDowntime: "10m", Rollback: Rollback{Always: "true"},
			},
			"prod_1": {Kind: "production"},
		},
		Projects: []Project{{Path: ".", PythonVersions: []string{"3.10", "3.11"}}},
		Pipelines: []Pipeline{
			{Name: "training", Command: "python run.py", Marker: "critical", Timeout: "90s"},
			{Name: "old", Marker: "skip"},
		},
		Waivers:   []Waiver{{Finding: "0.90.0/breaking/3", Owner: "ml-team", Reason: "replaced next week\n", Expires: "2026-12-31"}},
		Teams:     []Team{{Name: "ml-team", Members: []string{"ana", "renovate[bot]"}}},
		Operators: []string{"ana"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestParseTellsEveryFaultWithItsLine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want []string
	}{
		"empty":    {"", nil},
		"comments": {"# nothing yet\n", nil},
		"unknown keys and values at once": {`deploymnet: oss
environments:
  staging:
    kind: stage
    drvier: local
    local: {python: "", port: 99999}
waivers:
  - finding: a
    expires: tomorrow
`, []string{
			`c.yml:1: unknown key "deploymnet"; did you mean "deployment"?`,
			`c.yml:5: environments.staging: unknown key "drvier"; did you mean "driver"?`,
			`c.yml:4: environments.staging.kind: "stage" is not known; use one of development, staging, production`,
			`c.yml:6: environments.staging.local.python: missing; add it`,
			`c.yml:6: environments.staging.local.port: 99999 is no port; give the port that the server listens on`,
			`c.yml:8: waivers[0].owner: missing; add it`,
			`c.yml:8: waivers[0].reason: missing; add it`,
			`c.yml:9: waivers[0].expires: "tomorrow" is no date; write it like 2026-12-31`,
		}},
		"not built": {"gates: {signed: true}\n", []string{`c.yml:1: gates: unknown key "signed"; known are development, staging, production`}},
		"gates": {"gates:\n  staging: {staging: required, hold: no}\n  production:\n    approvals: {count: 2, from: [ops, '@x']}\nteams: [{name: ops, members: []}]\n", []string{
			`c.yml:2: gates.staging.staging: only production waits for staging; remove it`,
			`c.yml:2: gates.staging.hold: "no" is not known; use one of required, off`,
			`c.yml:4: gates.production.approvals.from[1]: "@x" is neither a team nor a login; give a team of the configuration or a login without @`,
			`c.yml:4: gates.production.approvals.count: 2 must approve, and only 1 may; name more people in from, their team or operators`,
		}},
		"snapshot": {"environments:\n  p:\n    kind: staging\n    snapshot: {take: a, restore: b, delete: c, pass: [GITHUB_TOKEN]}\n", []string{
			`c.yml:4: environments.p.snapshot: unknown key "delete"; known are take, restore, drop, forget, pass`,
			`c.yml:4: environments.p.snapshot.drop: missing; add it`,
			`c.yml:4: environments.p.snapshot.forget: missing; add it`,
			`c.yml:4: environments.p.snapshot.pass[0]: "GITHUB_TOKEN" does not pass to a hook; name a variable that the hooks need, such as DOCKER_HOST`,
		}},
		"hooks": {"environments:\n  p:\n    kind: production\n    driver: command\n    command: {python: 3, pass: [INPUT_X]}\n" +
			"    hooks: {drain: ./drain, start: a, start-private: b, stop: c, status: d}\n  q: {kind: staging, hooks: {start: a}}\n", []string{
			`c.yml:6: environments.p.hooks: "drain" is not known; use one of start, start-private, stop, status, version, run`,
			`c.yml:6: environments.p.hooks.version: missing; add it`,
			`c.yml:5: environments.p.command.python: "3" is no Python version; write it like "3.11"`,
			`c.yml:5: environments.p.command.pass[0]: "INPUT_X" does not pass to a hook; name a variable that the hooks need, such as DOCKER_HOST`,
			`c.yml:7: environments.q.hooks: hooks are run by the driver command only; set driver: command, or remove them`,
		}},
		"compared with": {"environments:\n  p: {kind: production, compare-with: q}\n  r: {kind: staging, compare-with: p}\n", []string{
			`c.yml:2: environments.p.compare-with: "q" is not known; use one of r`,
		}},
		"twice": {"deployment: oss\ndeployment: pro-saas\npipelines:\n  - {name: a, command: b}\n  - {name: a, command: c}\n", []string{
			`c.yml:2: key "deployment" stands twice; keep one`,
			`c.yml:5: pipelines[1].name: "a" stands twice; keep one`,
		}},
		"types": {"projects: here\nteams: {a: b}\npipelines:\n  - name: [x]\n    command: x\nenvironments: [a]\n", []string{
			`c.yml:1: projects: needs a list; write it as the schema shows`,
			`c.yml:2: teams: needs a list; write it as the schema shows`,
			`c.yml:4: pipelines[0].name: needs a single value; write it as the schema shows`,
			`c.yml:6: environments: needs a mapping of names; write it as the schema shows`,
			`c.yml:4: pipelines[0].name: missing; add it`,
		}},
		"address": {"environments:\n  p: {kind: production, server-url: \"https://u:hunter2@h/\"}\n  q: {kind: staging, server-url: h:80, window: 2026-03-29T02:30/1h Europe/Berlin, max-downtime: 5, rollback: maybe, smoke: none}\n", []string{
			`c.yml:2: environments.p.server-url: holds a user or password; give the key as the input server-token`,
			`c.yml:3: environments.q.server-url: no address of a server; write it like https://zenml.example.org`,
			`c.yml:3: environments.q.window: 2026-03-29T02:30 does not exist in Europe/Berlin: clocks go forward there; write it like 2026-11-28T22:00/2h Europe/Berlin`,
			`c.yml:3: environments.q.max-downtime: "5" is no duration; write it like 10m or 90s`,
			`c.yml:3: environments.q.rollback: "maybe" is not known; use one of true, false`,
			`c.yml:3: environments.q.smoke: "none" is not known; use one of private, public`,
		}},
		"path out":      {"projects:\n- path: a/../../b\n  python-versions: [2.7]\n", []string{`c.yml:2: projects[0].path: "a/../../b" leads out of the repository; give a folder of the repository, relative to its root, with /`, `c.yml:3: projects[0].python-versions[0]: "2.7" is no Python version; write it like "3.11"`}},
		"two documents": {"deployment: oss\n---\ndeployment: oss\n", []string{"c.yml:3: the file holds 2 documents; keep one"}},
		"alias":         {"teams: &t [{name: a}]\noperators: *t\n", []string{"c.yml:1: teams: anchors, aliases, merge keys and tags are not read; write the value out", "c.yml:2: operators: anchors, aliases, merge keys and tags are not read; write the value out"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("c.yml", []byte(tt.text))
			var got []string
			for _, e := range fault.List(err) {
				got = append(got, e.Error())
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
			if err != nil && !fault.IsInput(err) {
				t.Error("a fault is no input fault")
			}
		})
	}
}

// A file from a fork must not hang or crash the run that reads it.
func TestParseSurvivesHostileFiles(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"flow":      strings.Repeat("[", 500_000),
		"maps":      strings.Repeat("{a: ", 200_000),
		"sequences": strings.Repeat("- ", 400_000),
		"keys":      strings.Repeat("? ", 400_000),
		"anchors":   "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\noperators: *c\n",
		"indents":   staircase(1400),
		"too large": strings.Repeat("#", MaxBytes+1),
		"binary":    "\x00\xff\xfe: [",
		"broken":    "deployment: [oss\nteams: }",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			if _, err := Parse("c.yml", []byte(text)); !fault.IsInput(err) {
				t.Errorf("error is %v, want an input fault", err)
			}
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("took %s", took)
			} else {
				t.Log(took)
			}
		})
	}
}

func staircase(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i/2) + "a:\n")
	}
	return b.String()
}

func TestLoadNamesAFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none.yml")
	_, err := Load(path)
	if !fault.IsInput(err) || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error is %v", err)
	}
	if err := os.WriteFile(path, []byte("deployment: oss\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if cfg, err := Load(path); err != nil || cfg.Deployment != "oss" {
		t.Errorf("got %v, %v", cfg, err)
	}
}
