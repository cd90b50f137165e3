package stagingupgrade

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/gitrepo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// teamsPipelines are two light pipelines, one that takes long and one that nobody runs.
const teamsPipelines = `pipelines:
- {name: light_one, command: python pipelines.py light_one, marker: critical}
- {name: heavy, command: python pipelines.py heavy, marker: long}
- {name: never, marker: skip}
- {name: light_two, command: python pipelines.py light_two}
`

const teamsCode = `import os, sys
from zenml import pipeline, step

@step(enable_cache=False)
def number() -> int:
    return 7

@step(enable_cache=False)
def lost() -> int:
    print("the word is", os.environ["TEAM_WORD"])
    raise RuntimeError("the table of prices is gone")

@pipeline
def light_one():
    number()

@pipeline
def light_two():
    number()

@pipeline
def heavy():
    number()

@pipeline
def broken():
    lost()

if __name__ == "__main__":
    globals()[sys.argv[1]]()
`

// brings puts pipelines of the team's into the repository.
func (s *site) brings(t *testing.T, pipelines string) {
	t.Helper()
	s.config += pipelines
	writeConfig(t, s.repo, s.config)
	if err := os.WriteFile(filepath.Join(s.repo, "pipelines.py"), []byte(teamsCode), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ranHere wants the server to hold one completed run of each of the team's pipelines named, and none of
// the others'.
func (s *site) ranHere(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range []string{"light_one", "light_two", "heavy", "broken"} {
		runs, err := s.Admin.List(t.Context(), "/runs", url.Values{"pipeline_name": {name}})
		if err != nil {
			t.Fatal(err)
		}
		var states []string
		for _, run := range runs {
			body, _ := run["body"].(map[string]any)
			states = append(states, fmt.Sprint(body["status"]))
		}
		var want []string
		if slices.Contains(names, name) {
			want = []string{"completed"}
		}
		if d := cmp.Diff(want, states); d != "" {
			t.Errorf("runs of %s on the server: %s", name, d)
		}
	}
}

// teamChecks are the checks of the team's pipelines, with how they ended.
func teamChecks(res *Result) []string {
	var out []string
	for _, c := range res.Checks {
		if strings.HasPrefix(c.Name, "pipeline:") || strings.HasPrefix(c.Name, "snapshot") {
			out = append(out, c.Name+" "+string(c.Status)+" "+c.Server)
		}
	}
	return out
}

// The second of the team's pipelines fails on the new version: everything is put back, and what the first
// one wrote is gone.
func TestATeamsPipelineThatFailsIsRolledBackExactly(t *testing.T) {
	if os.Getenv("ZENML_UPGRADE_FULL") == "" {
		t.Skip("skipped: only with ZENML_UPGRADE_FULL (make test-full)")
	}
	t.Parallel()
	s := newSite(t)
	s.brings(t, "pipelines:\n- {name: light_one, command: python pipelines.py light_one}\n"+
		"- {name: broken, command: python pipelines.py broken, secrets: [TEAM_WORD]}\n- {name: light_two, command: python pipelines.py light_two}\n")
	s.environ = append(s.environ, "TEAM_WORD=marzipan")
	res, err := s.act(t, s.inputs(upgrade.Upgrade))
	if err != nil || res.Outcome != upgrade.RolledBack || res.Decision != "block" {
		dump(t, res)
		t.Fatalf("upgrade: %v", err)
	}
	if d := cmp.Diff([]string{"pipeline:light_one passed real", "pipeline:broken failed real"}, teamChecks(res)); d != "" {
		t.Error(d)
	}
	if f := res.Failure; f.Step != "check in private" || !strings.HasPrefix(f.Message, "pipeline:broken failed on the new version") || !strings.Contains(f.LogExcerpt, "the table of prices is gone") {
		t.Errorf("failure: %+v", f)
	}
	if res.TeamSeconds == nil || *res.TeamSeconds <= 0 || res.DowntimeSeconds == nil || *res.DowntimeSeconds <= *res.TeamSeconds {
		t.Errorf("the team's pipelines took %v s of a downtime of %v", res.TeamSeconds, res.DowntimeSeconds)
	}
	var text strings.Builder
	if err := report.Markdown(&text, res.Document(), 0); err != nil {
		t.Fatal(err)
	}
	if shown := text.String(); !strings.Contains(shown, "the table of prices is gone") || strings.Contains(shown+fmt.Sprintf("%+v", *res.Failure), "marzipan") {
		t.Errorf("the report does not show the end of the log, or shows the secret: %s", shown)
	}
	s.isPutBack(t, res)
	s.ranHere(t)
}

// On production nothing of the team's is run, whatever is asked; elsewhere it is where that is asked for,
// or unasked in staging.
func TestWhereTheTeamsPipelinesAreRun(t *testing.T) {
	t.Parallel()
	some := []config.Pipeline{{Name: "train", Command: "python train.py"}, {Name: "all", Command: "python all.py", Marker: "long"}}
	for name, c := range map[string]struct {
		kind, asked string
		pipelines   []config.Pipeline
		want        []string // checks of the light ones; nil: nothing is run
		fault       string
	}{
		"staging":              {"staging", "", some, []string{"pipeline:train"}, ""},
		"staging, not wanted":  {"staging", "false", some, nil, ""},
		"staging, none":        {"staging", "", nil, nil, ""},
		"staging, none to ask": {"staging", "true", nil, nil, "has no pipelines"},
		"development":          {"development", "", some, nil, ""},
		"development, asked":   {"development", "true", some, []string{"pipeline:train"}, ""},
		"production":           {"production", "", some, nil, ""},
		"production, asked":    {"production", "true", some, nil, "nothing of the team's is run"},
		"a secret not set":     {"staging", "", []config.Pipeline{{Name: "p", Command: "x", Secrets: []string{"WORD"}}, {Name: "q", Command: "a|b"}}, nil, "asks for the secret WORD"},
	} {
		env := config.Environment{Kind: c.kind}
		a := &stagingUpgrade{in: Inputs{TeamPipelines: c.asked}, set: &settings{known: true, mode: upgrade.Upgrade, env: env, cfg: &config.Config{Pipelines: c.pipelines}}}
		err := a.set.decodeTeam(&a.in)
		team, errRead := a.readTeam(&action.Runtime{})
		if err = errors.Join(err, errRead); (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v, want %q", name, err, c.fault)
		}
		if err != nil && (c.kind == "production" && team != nil || !fault.IsInput(err)) {
			t.Errorf("%s: %v, and %v is run", name, err, team)
		}
		if err != nil {
			continue
		}
		var got []string
		if team != nil {
			got = team.Light()
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// The first that failed ends the way forward, with the end of its log.
func TestWhatFailsOfTheTeamsIsTheError(t *testing.T) {
	t.Parallel()
	all := []compat.Ran{{Name: "pipeline:a", Status: compat.Passed, Seconds: 2}, {Name: "pipeline:b", Status: compat.Skipped, Detail: "long"}}
	want := []upgrade.Check{{Name: "pipeline:a", Status: upgrade.Passed, Seconds: 2}, {Name: "pipeline:b", Status: upgrade.Skipped, Detail: "long"}}
	if checks, err := teamOutcome(all); err != nil || cmp.Diff(want, checks) != "" {
		t.Errorf("%v: %s", err, cmp.Diff(want, checks))
	}
	all = append(all, compat.Ran{Name: "pipeline:c", Status: compat.Failed, Detail: "it broke", Tail: "the end"}, compat.Ran{Name: "pipeline:d", Status: compat.Failed})
	checks, err := teamOutcome(all)
	var failed *upgrade.TeamError
	if !errors.As(err, &failed) || failed.Log != "the end" || !strings.HasPrefix(failed.What, "pipeline:c failed on the new version") || len(checks) != 4 || checks[2].Status != upgrade.Failed {
		t.Errorf("%v, %+v", err, checks)
	}
}

// A light pipeline that neither passed nor failed asks for a look.
func TestTheTeamsUnknownAsksForAReview(t *testing.T) {
	t.Parallel()
	check := func(status upgrade.Status) upgrade.Check {
		return upgrade.Check{Name: "pipeline:train", Server: "real", Status: status}
	}
	for name, c := range map[string]struct {
		outcome upgrade.Outcome
		checks  []upgrade.Check
		want    string
	}{
		"passed":      {upgrade.Upgraded, []upgrade.Check{check(upgrade.Passed)}, "upgraded"},
		"skipped":     {upgrade.Upgraded, []upgrade.Check{check(upgrade.Skipped)}, "team_unknown"},
		"not reached": {upgrade.Upgraded, nil, "team_unknown"},
		"on a copy":   {upgrade.Upgraded, []upgrade.Check{{Name: "pipeline:train", Server: "copy", Status: upgrade.Passed}}, "team_unknown"},
		"the patch":   {upgrade.RolledForward, []upgrade.Check{check(upgrade.Failed), check(upgrade.Passed)}, "rolled_forward"},
		"rehearsed":   {upgrade.Rehearsed, nil, "rehearsed"},
	} {
		r := &Result{light: []string{"pipeline:train"}, Report: upgrade.Report{Outcome: c.outcome, Checks: c.checks}}
		if r.decide(); r.ReasonCode != c.want {
			t.Errorf("%s: %s %s, want %s", name, r.Decision, r.ReasonCode, c.want)
		}
	}
}

// What runs is what is checked out; that it is of another commit than the upgrade is told.
func TestTheCheckedOutCommitIsTheOneUpgraded(t *testing.T) {
	t.Parallel()
	r := gitrepo.New(t)
	head := r.Commit(map[string]string{"pipelines.py": teamsCode})
	for name, c := range map[string]struct{ dir, commit, want string }{
		"none asked for": {r.Dir, "", ""},
		"this one":       {r.Dir, head, ""},
		"another one":    {r.Dir, strings.Repeat("a", 40), "commit " + head + " is checked out"},
		"no repository":  {t.TempDir(), head, "which commit is checked out is not known"},
	} {
		got := otherCommit(t.Context(), &action.Runtime{Repo: c.dir, Environ: os.Environ()}, c.commit)
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || got[0].Blocks || !strings.Contains(got[0].What, c.want)) {
			t.Errorf("%s: %+v, want %q", name, got, c.want)
		}
	}
}
