package stagingupgrade

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/command"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/deploy"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

const churn = "acme/churn"

var (
	workflowCommit = strings.Repeat("b", 40)
	headCommit     = strings.Repeat("a", 40)
)

// hub is a GitHub whose workflow run 5 was started on the default branch, with a pull request on which
// upgrades are asked for.
type hub struct {
	*github.Server
	environ       []string // what the runner sets
	configuration string
}

func newHub(t *testing.T, configuration string) *hub {
	t.Helper()
	h := &hub{Server: github.New(t), configuration: configuration}
	h.AddToken("job", github.JobToken("deployments", "issues", "pull_requests"))
	h.AddCommit(churn, workflowCommit, map[string]string{config.DefaultPath: configuration})
	h.AddPush(churn, github.Push{Branch: "raise", Before: strings.Repeat("0", 40), After: headCommit, Kind: "branch_creation"})
	h.AddPullRequest(churn, github.PullRequest{Number: 7, Author: "ann", HeadRepo: churn, HeadRef: "raise", HeadSHA: headCommit, BaseRef: "main", BaseSHA: workflowCommit})
	h.Allow(churn, "ann", "maintain")
	h.Allow(churn, "will", "write")
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(`{"repository":{"default_branch":"main"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	h.environ = []string{
		"GITHUB_ACTIONS=true", "GITHUB_API_URL=" + h.URL, "GITHUB_GRAPHQL_URL=" + h.GraphQLURL, "GITHUB_SERVER_URL=https://github.com",
		"GITHUB_REPOSITORY=" + churn, "GITHUB_SHA=" + workflowCommit, "GITHUB_REF=refs/heads/main", "GITHUB_EVENT_NAME=workflow_dispatch",
		"GITHUB_EVENT_PATH=" + event, "GITHUB_RUN_ID=5", "GITHUB_ACTOR=" + "github-actions[bot]",
	}
	return h
}

// ask makes inputs those of a run that a comment asked for.
func (h *hub) ask(in Inputs, author, body string) Inputs {
	id := h.AddComment(churn, 7, author, body)
	in.GithubToken, in.Commit, in.FromComment = "job", headCommit, fmt.Sprintf("https://github.com/%s/pull/7#issuecomment-%d", churn, id)
	return in
}

// became are the states that each deployment had.
func (h *hub) became() []string {
	var out []string
	for _, d := range h.Deployments(churn) {
		line := d.Environment + " " + d.Description
		for _, s := range d.Statuses {
			line += " " + s.State
		}
		out = append(out, line)
	}
	return out
}

// kinds is a configuration with an environment of each kind.
const kinds = `environments:
  staging: {kind: staging, server-url: http://127.0.0.1:1, local: {python: p, port: 1}}
  live: {kind: production, server-url: http://127.0.0.1:1, local: {python: p, port: 1}, environment-url: 'https://zenml.example.org'}
operators: [oli]
`

// held is a guard of a run in mode upgrade, its inputs decoded as in a workflow.
func (h *hub) held(t *testing.T, in Inputs) *guard {
	t.Helper()
	rt := &action.Runtime{Environ: h.environ, Repo: t.TempDir(), Now: time.Now}
	writeConfig(t, rt.Repo, h.configuration)
	in.To = "0.98.0"
	cfg, err := in.configuration(t.Context(), rt)
	if err != nil {
		t.Fatal(err)
	}
	s := &settings{mode: upgrade.Mode(in.Mode), cfg: cfg}
	if err := s.pick(cfg, in.Environment); err != nil {
		t.Fatal(err)
	}
	if err := s.decodeAsked(&in, rt); err != nil {
		t.Fatal(err)
	}
	return newGuard(&in, s, rt)
}

func writeConfig(t testing.TB, repo, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(repo, ".github"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(repo, config.DefaultPath), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func verdicts(gates []gate.Gate) []string {
	out := []string{}
	for _, g := range gates {
		out = append(out, g.Name+" "+string(g.Verdict))
	}
	return out
}

// Which gates a run has, and that production waits for staging at the same commit.
func TestGates(t *testing.T) {
	t.Parallel()
	const asked = "/zenml-upgrade upgrade live 0.98.0"
	approvals := kinds + "gates:\n  production:\n    approvals: {count: 1}\n"
	for _, tt := range []struct {
		name, configuration string
		in                  Inputs
		prepare             func(*hub, *Inputs)
		want                []string
	}{
		{"staging on a runner", kinds, Inputs{Mode: "upgrade", Environment: "staging"}, nil, []string{"hold open"}},
		{"staging outside", kinds, Inputs{Mode: "upgrade", Environment: "staging"}, func(h *hub, _ *Inputs) { h.environ = h.environ[1:] }, []string{}},
		{"a rehearsal", kinds, Inputs{Mode: "rehearse", Environment: "live"}, nil, []string{}},
		{"a backup that a comment did not ask for", kinds, Inputs{Mode: "backup", Environment: "live"}, func(h *hub, in *Inputs) { *in = h.ask(*in, "ann", asked) }, []string{"comment closed"}},
		{"production, nothing in staging", kinds, Inputs{Mode: "upgrade", Environment: "live"}, nil, []string{"hold open", "staging closed"}},
		{"production, planned", kinds, Inputs{Mode: "plan", Environment: "live"}, nil, []string{"hold open", "staging closed"}},
		{"production without a commit", kinds, Inputs{Mode: "upgrade", Environment: "live"}, func(_ *hub, in *Inputs) { in.Commit = "" }, []string{"hold open", "staging unknown"}},
		{"production without a token", kinds, Inputs{Mode: "upgrade", Environment: "live"}, func(_ *hub, in *Inputs) { in.GithubToken, in.Commit = "", workflowCommit }, []string{"hold unknown", "staging unknown"}},
		{"production from a laptop", kinds, Inputs{Mode: "upgrade", Environment: "live"}, func(h *hub, in *Inputs) { h.environ, in.GithubToken = nil, "" }, []string{"hold unknown", "staging unknown"}},
		{"production after staging", kinds, Inputs{Mode: "upgrade", Environment: "live"}, func(h *hub, in *Inputs) { h.staged(); *in = h.ask(*in, "ann", asked) }, []string{"comment open", "hold open", "staging open"}},
		{"asked for by somebody who may not", kinds, Inputs{Mode: "upgrade", Environment: "live"}, func(h *hub, in *Inputs) { h.staged(); *in = h.ask(*in, "will", asked) }, []string{"comment closed", "hold open", "staging open"}},
		{"a rollback that was asked for", kinds, Inputs{Mode: "rollback", Environment: "live", From: "0.98.0"}, func(h *hub, in *Inputs) {
			*in = h.ask(*in, "ann", "/zenml-upgrade rollback live 0.98.0")
		}, []string{"comment open"}},
		{"a rollback from another version", kinds, Inputs{Mode: "rollback", Environment: "live", From: "0.97.0"}, func(h *hub, in *Inputs) {
			*in = h.ask(*in, "ann", "/zenml-upgrade rollback live 0.98.0")
		}, []string{"comment closed"}},
		{"held", kinds, Inputs{Mode: "upgrade", Environment: "live"}, func(h *hub, _ *Inputs) { h.staged(); h.Label(churn, 7, "will", command.Label, true) }, []string{"hold closed", "staging open"}},
		{"a repository that is none", kinds, Inputs{Mode: "upgrade", Environment: "live"}, func(h *hub, in *Inputs) {
			h.environ, in.Commit = append(h.environ, "GITHUB_REPOSITORY=churn"), workflowCommit
		}, []string{"hold unknown", "staging unknown"}},
		{"all off", kinds + "gates:\n  production: {staging: off, hold: off}\n", Inputs{Mode: "upgrade", Environment: "live"}, nil, []string{}},
		{"approved", approvals, Inputs{Mode: "upgrade", Environment: "live"}, func(h *hub, _ *Inputs) {
			h.staged()
			h.AddApproval(churn, 5, github.Approval{Login: "oli", State: "approved", Environments: []string{"live"}})
		}, []string{"hold open", "staging open", "approvals open"}},
		{"approved by who asked", approvals, Inputs{Mode: "upgrade", Environment: "live"}, func(h *hub, in *Inputs) {
			h.staged()
			*in = h.ask(*in, "oli", asked)
			h.AddApproval(churn, 5, github.Approval{Login: "oli", State: "approved", Environments: []string{"live"}})
		}, []string{"comment open", "hold open", "staging open", "approvals closed"}},
		{"not approved", approvals, Inputs{Mode: "upgrade", Environment: "live"}, func(h *hub, _ *Inputs) { h.staged() }, []string{"hold open", "staging open", "approvals closed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, tt.configuration)
			in := tt.in
			in.GithubToken, in.Commit = "job", headCommit
			if tt.prepare != nil {
				tt.prepare(h, &in)
			}
			g := h.held(t, in)
			if d := cmp.Diff(tt.want, verdicts(g.judge(t.Context(), false))); d != "" {
				t.Error(d)
			}
			if n := len(h.Deployments(churn)); n > 1 || h.Writes() > 0 && n == 0 {
				t.Errorf("judging wrote something: %v", h.became())
			}
		})
	}
}

// staged records that staging runs 0.98.0 of the pull request's head.
func (h *hub) staged() {
	h.AddDeployment(churn, github.Deployment{
		Ref: headCommit, Environment: "staging", Task: deploy.Task, Creator: "github-actions[bot]", Payload: map[string]any{"tool": deploy.Task, "version": "0.98.0"},
		Statuses: []github.DeploymentStatus{{State: "success"}},
	})
}

// The record follows the run: no deployment while something stands against the upgrade, in progress
// only when the running server is about to be stopped, and every end has its state.
func TestDeploymentOfARun(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[upgrade.Outcome]string{
		upgrade.Upgraded: "success", upgrade.RolledBack: "failure", upgrade.Refused: "failure", upgrade.Interrupted: "failure",
		upgrade.Frozen: "error", upgrade.RollbackFailed: "error", "": "error", upgrade.RolledForward: "success",
	} {
		t.Run(string(outcome), func(t *testing.T) {
			t.Parallel()
			h := newHub(t, kinds)
			h.AddApproval(churn, 5, github.Approval{Login: "oli", State: "approved", Environments: []string{"staging"}})
			g := h.held(t, Inputs{Mode: "upgrade", Environment: "staging", Common: action.Common{GithubToken: "job"}, Commit: headCommit})
			g.judge(t.Context(), false)
			if n := len(h.Deployments(churn)); n != 0 {
				t.Errorf("a run that is refused made %d deployments", n)
			}
			g.judge(t.Context(), true)
			g.judge(t.Context(), true)
			g.end(t.Context(), &upgrade.Report{Outcome: outcome, Target: "0.98.1"})
			became := []string{"staging ZenML 0.98.0 queued in_progress " + want}
			if outcome == upgrade.RolledForward {
				became = []string{"staging ZenML 0.98.0 queued in_progress failure", "staging ZenML 0.98.1 in_progress success"}
			}
			if d := cmp.Diff(became, h.became()); d != "" {
				t.Error(d)
			}
			var res Result
			g.fill(&res)
			if res.Deployment == nil || *res.Deployment != want || len(res.Approvals) != 1 || res.Approvals[0].Login != "oli" || len(res.Reasons) != 0 || res.GitHub.Writes < 4 {
				t.Errorf("%+v", res)
			}
		})
	}
}

// A hold that comes while the upgrade is rehearsed shuts the gate that was open.
func TestAHoldDuringTheRehearsal(t *testing.T) {
	t.Parallel()
	h := newHub(t, kinds)
	g := h.held(t, Inputs{Mode: "upgrade", Environment: "staging", Common: action.Common{GithubToken: "job"}, Commit: headCommit})
	if shut := gate.Shut(g.judge(t.Context(), true)); len(shut) != 0 {
		t.Fatalf("%+v", shut)
	}
	h.Label(churn, 7, "will", command.Label, true)
	if shut := gate.Shut(g.judge(t.Context(), true)); len(shut) != 1 || shut[0].Name != "hold" || !strings.Contains(shut[0].Got, "by will") {
		t.Errorf("%+v", shut)
	}
	g.end(t.Context(), &upgrade.Report{Outcome: upgrade.Refused})
	if d := cmp.Diff([]string{"staging ZenML 0.98.0 queued failure"}, h.became()); d != "" {
		t.Error(d)
	}
}

// A run that puts back what a lost one left ends that one's deployment.
func TestTheDeploymentOfALostRun(t *testing.T) {
	t.Parallel()
	h := newHub(t, kinds)
	lost := h.held(t, Inputs{Mode: "upgrade", Environment: "staging", Common: action.Common{GithubToken: "job"}, Commit: headCommit})
	lost.judge(t.Context(), true)
	lost.judge(t.Context(), true)
	next := h.held(t, Inputs{Mode: "upgrade", Environment: "staging", Common: action.Common{GithubToken: "job"}, Commit: headCommit})
	next.end(t.Context(), &upgrade.Report{Outcome: upgrade.RolledBack})
	if d := cmp.Diff([]string{"staging ZenML 0.98.0 queued in_progress failure"}, h.became()); d != "" {
		t.Error(d)
	}
}

// A run that makes no deployment of its own leaves the record as it is, unless it put back what is recorded.
func TestTheRecordAfterOtherModes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mode   string
		report upgrade.Report
		want   string // what the deployment of 0.98.0 became
		state  string // in the result
	}{
		"rolled back by hand":        {"rollback", upgrade.Report{Outcome: upgrade.RolledBack, Target: "0.97.0", Running: "0.98.0"}, " inactive", "failure"},
		"went on with such a run":    {"upgrade", upgrade.Report{Outcome: upgrade.RolledBack, Target: "0.97.0", Running: "0.98.0"}, " inactive", "failure"},
		"put back what a run left":   {"rollback", upgrade.Report{Outcome: upgrade.RolledBack, Running: "0.97.0"}, " inactive", "failure"},
		"put back what is recorded":  {"upgrade", upgrade.Report{Outcome: upgrade.RolledBack, Running: "0.98.0"}, "", "failure"},
		"a rollback that failed":     {"rollback", upgrade.Report{Outcome: upgrade.RollbackFailed, Target: "0.97.0", Running: "0.98.0"}, " error", "error"},
		"a rollback that is refused": {"rollback", upgrade.Report{Outcome: upgrade.Refused, Target: "0.97.0", Running: "0.98.0"}, "", ""},
		"a rollback interrupted":     {"rollback", upgrade.Report{Outcome: upgrade.Interrupted, Target: "0.97.0", Running: "0.98.0"}, "", ""},
		"a rollback shown":           {"rollback", upgrade.Report{Outcome: upgrade.Planned, Target: "0.97.0", Running: "0.98.0"}, "", ""},
		"verified":                   {"verify", upgrade.Report{Outcome: upgrade.Verified, Target: "0.98.0", Running: "0.98.0"}, "", ""},
		"verified, and not well":     {"verify", upgrade.Report{Outcome: upgrade.Refused, Target: "0.98.0", Running: "0.98.0"}, "", ""},
		"rehearsed":                  {"rehearse", upgrade.Report{Outcome: upgrade.Rehearsed}, "", ""},
		"an upgrade that is refused": {"upgrade", upgrade.Report{Outcome: upgrade.Refused, Running: "0.98.0"}, "", ""},
		"nothing was reached":        {"rollback", upgrade.Report{}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, kinds)
			h.staged()
			g := h.held(t, Inputs{Mode: tt.mode, Environment: "staging", Common: action.Common{GithubToken: "job"}})
			g.end(t.Context(), &tt.report)
			if d := cmp.Diff([]string{"staging  success" + tt.want}, h.became()); d != "" {
				t.Error(d)
			}
			var res Result
			g.fill(&res)
			state := ""
			if res.Deployment != nil {
				state = *res.Deployment
			}
			if state != tt.state || len(res.Reasons) != 0 {
				t.Errorf("%+v", res)
			}
		})
	}
}

// A rollback that GitHub is not told of says that staging counts as upgraded there all the same.
func TestARollbackThatGitHubDoesNotHearOf(t *testing.T) {
	t.Parallel()
	h := newHub(t, kinds)
	for environment, want := range map[string]int{"staging": 1, "live": 0} {
		g := h.held(t, Inputs{Mode: "rollback", Environment: environment})
		g.end(t.Context(), &upgrade.Report{Outcome: upgrade.RolledBack, Target: "0.97.0"})
		var res Result
		if g.fill(&res); len(res.Reasons) != want {
			t.Errorf("%s: %+v", environment, res.Reasons)
		}
	}
}

// What cannot be recorded is told and changes nothing else.
func TestARecordThatCannotBeKept(t *testing.T) {
	t.Parallel()
	h := newHub(t, kinds)
	h.AddToken("reader", github.JobToken())
	g := h.held(t, Inputs{Mode: "upgrade", Environment: "staging", Common: action.Common{GithubToken: "reader"}, Commit: headCommit})
	if shut := gate.Shut(g.judge(t.Context(), true)); len(shut) != 0 {
		t.Fatalf("%+v", shut)
	}
	g.judge(t.Context(), true)
	g.end(t.Context(), &upgrade.Report{Outcome: upgrade.Upgraded})
	var res Result
	g.fill(&res)
	if res.Deployment != nil || len(res.Reasons) == 0 || res.Reasons[0].Code != "deployment_unrecorded" || res.Reasons[0].Decision != "review" {
		t.Errorf("%+v", res.Reasons)
	}
}

// The configuration that says who may do what is the workflow's own, whatever is checked out.
func TestTheConfigurationOfARunThatWasAskedFor(t *testing.T) {
	t.Parallel()
	h := newHub(t, kinds)
	repo := t.TempDir()
	writeConfig(t, repo, "operators: [mallory]\n")
	rt := &action.Runtime{Environ: h.environ, Repo: repo, Now: time.Now}
	for name, in := range map[string]Inputs{
		"asked for":    {FromComment: "1", Common: action.Common{GithubToken: "job"}},
		"of a commit":  {Commit: headCommit, Common: action.Common{GithubToken: "job"}},
		"of its own":   {Commit: workflowCommit, Common: action.Common{GithubToken: "job"}},
		"of no commit": {Common: action.Common{GithubToken: "job"}},
	} {
		cfg, err := in.configuration(t.Context(), rt)
		want := "oli"
		if strings.HasSuffix(name, "own") || strings.HasSuffix(name, "no commit") {
			want = "mallory"
		}
		if err != nil || !slices.Equal(cfg.Operators, []string{want}) {
			t.Errorf("%s: %+v, %v", name, cfg, err)
		}
	}
}

func TestDecodeAsked(t *testing.T) {
	t.Parallel()
	rt := &action.Runtime{Environ: []string{"GITHUB_REPOSITORY=" + churn}}
	for _, tt := range []struct {
		commit, comment string
		want            int64
		fault           string
	}{
		{"", "", 0, ""},
		{headCommit, "12", 12, ""},
		{headCommit, "https://github.com/Acme/churn/pull/7#issuecomment-12", 12, ""},
		{headCommit, "https://github.example/acme/churn/issues/3#issuecomment-12", 12, ""},
		{headCommit, "https://github.com/mallory/churn/pull/7#issuecomment-12", 0, "lies in another repository"},
		{headCommit, "0", 0, "is no comment"},
		{headCommit, "-1", 0, "is no comment"},
		{headCommit, "https://github.com/acme/churn/pull/7#issuecomment-12\n::error::x", 0, "is no comment"},
		{"main", "12", 0, "is no full name of a commit"},
		{headCommit[:7], "", 0, "is no full name of a commit"},
	} {
		s := &settings{}
		err := s.decodeAsked(&Inputs{Commit: tt.commit, FromComment: tt.comment}, rt)
		if s.comment != tt.want || (err != nil) != (tt.fault != "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%q, %q: %d, %v", tt.commit, tt.comment, s.comment, err)
		}
	}
}
