package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

func TestWorkflowsKeepTheRules(t *testing.T) {
	t.Parallel()
	if err := run(machine.Root(t), true); err != nil {
		t.Error(err)
	}
}

// Every rule is broken once, in a copy of the real files.
func TestBrokenRulesAreTold(t *testing.T) {
	t.Parallel()
	const pr, caller, staging = ".github/workflows/upgrade-pr.yml", "examples/churn/.github/workflows/zenml-upgrade.yml", ".github/workflows/staging.yml"
	for name, tc := range map[string]struct{ file, from, to, want string }{
		"permissions at the top":    {pr, "permissions: {}", "permissions: {contents: read}", "permissions: {} does not stand at the top"},
		"no permissions at the top": {pr, "\npermissions: {}\n", "\n", "permissions: {} does not stand at the top"},
		"a tag of others":           {pr, "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "actions/checkout@v7", "is not pinned by a commit"},
		"a commit without version":  {pr, " # v7.0.1", "", "is not pinned by a commit"},
		"our own by a branch":       {pr, "actions/release-check@v1", "actions/release-check@main", "our own is used by the tag v1"},
		"a scope without reason":    {pr, "contents: read # the checkout of the pull request and its base", "contents: read", "a permission without its reason"},
		"a folder":                  {staging, ".zenml-upgrade/report.md\n", ".zenml-upgrade/\n", `uploads ".zenml-upgrade/"`},
		"a pattern":                 {staging, ".zenml-upgrade/report.md\n", ".zenml-upgrade/*\n", `uploads ".zenml-upgrade/*"`},
		"no timeout":                {staging, "    timeout-minutes: ${{ inputs.timeout-minutes || 360 }}\n", "", "has no timeout-minutes"},
		"an upgrade is cancelled":   {staging, "cancel-in-progress: false", "cancel-in-progress: true", "cancel-in-progress is not false"},
		"concurrency of the whole":  {pr, "permissions: {}\n", "permissions: {}\nconcurrency: {group: x}\n", "has concurrency for its jobs"},
		"paths":                     {caller, "  merge_group:\n", "  merge_group: {paths: [a]}\n", "on.merge_group has paths"},
		"an unknown input":          {pr, "          labels: ${{ inputs.labels }}", "          label: ${{ inputs.labels }}", `an input "label"`},
		"an unknown variable":       {staging, "ZENML_UPGRADE_MODE:", "ZENML_UPGRADE_MODUS:", `an input "modus"`},
		"an unknown output":         {pr, "steps.check.outputs.matrix", "steps.check.outputs.metrix", `the output "metrix"`},
		"an unknown action":         {pr, "actions/release-check@v1", "actions/release-chick@v1", "(none) release-chick"},
		"an unknown workflow":       {caller, "workflows/upgrade-pr.yml", "workflows/upgrade.yml", "is not there"},
		"an input of no use":        {caller, "      pull-request: $", "      pull: $", `"pull", which is none of its inputs`},
		"too few permissions":       {caller, "      checks: write # the check run with annotations\n", "", "has not the permission checks: write"},
		"a required input missing":  {"examples/churn/.github/workflows/zenml-staging.yml", "      version: ${{ inputs.version }}\n", "", `does not give "version"`},
		"an unknown secret":         {"examples/churn/.github/workflows/zenml-staging.yml", "ZENML_SERVER_TOKEN: ", "ZENML_TOKEN: ", `"ZENML_TOKEN", which is none of its secrets`},
		"a mode that is not built":  {staging, "options: [plan, ", "options: [plan, guess, ", "mode offers"},
		"a stale table":             {pr, "For pull requests and merge queues", "For all", "the table of the workflows is stale"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := machine.Root(t)
			dir := t.TempDir()
			for _, pattern := range []string{".github/workflows/*.yml", "examples/*/.github/workflows/*.yml", "actions/*/action.yml", "action.yml", "README.md"} {
				paths, err := filepath.Glob(filepath.Join(root, pattern))
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range paths {
					rel, _ := filepath.Rel(root, path)
					text := read(t, path)
					if rel == filepath.FromSlash(tc.file) {
						if !strings.Contains(text, tc.from) {
							t.Fatalf("%s has no %q", rel, tc.from)
						}
						text = strings.Replace(text, tc.from, tc.to, 1)
					}
					to := filepath.Join(dir, rel)
					if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := run(dir, true); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Two files, for a reader looks for the one that fits; they may not grow apart.
func TestProductionIsStagingWithAnotherName(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(machine.Root(t), ".github", "workflows")
	want := strings.NewReplacer("name: staging\n", "name: production\n", "default: staging\n", "default: production\n", "run. production.yml is", "run. staging.yml is").Replace(read(t, filepath.Join(dir, "staging.yml")))
	if d := cmp.Diff(want, read(t, filepath.Join(dir, "production.yml"))); d != "" {
		t.Errorf("production.yml (-want +got):\n%s", d)
	}
}

// What the ruleset requires is a job that GitHub reports on pull requests and in merge queues, and the file
// is what GitHub's API takes.
func TestRulesetRequiresTheJob(t *testing.T) {
	t.Parallel()
	root := machine.Root(t)
	body := []byte(read(t, filepath.Join(root, "examples", "churn", ".github", "rulesets", "zenml-upgrade.json")))
	github.CheckRequest(t, "POST", "/repos/acme/churn/rulesets", body)
	var ruleset struct {
		Rules []struct {
			Parameters struct {
				Checks []struct {
					Context string `json:"context"`
				} `json:"required_status_checks"`
			} `json:"parameters"`
		} `json:"rules"`
	}
	if err := json.Unmarshal(body, &ruleset); err != nil {
		t.Fatal(err)
	}
	required := ruleset.Rules[0].Parameters.Checks[0].Context
	all, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	var reported []string
	for _, w := range all.workflows {
		_, onPull := w.On["pull_request"]
		_, onGroup := w.On["merge_group"]
		if !onPull || !onGroup || !strings.HasPrefix(w.path, "examples") {
			continue
		}
		for id, j := range w.Jobs {
			called, ok := all.byFile(j.Uses)
			if !ok {
				t.Fatalf("job %s of %s calls none of ours", id, w.path)
			}
			for inner, k := range called.Jobs {
				if k.Name != "" || strings.Contains(called.text, "\n    if:") {
					t.Errorf("job %s of %s has a name or may be skipped", inner, called.path)
				}
				reported = append(reported, id+" / "+inner)
			}
		}
	}
	if !slices.Contains(reported, required) {
		t.Errorf("the ruleset requires %q, reported are %q", required, reported)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
