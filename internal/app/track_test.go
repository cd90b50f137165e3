package app

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
	"github.com/zenml-upgrade/zenml-upgrade/internal/tracking"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// trackedResult is a result that a tracking issue is to tell of.
type trackedResult struct {
	probeResult
	track *action.Track
}

func (r *trackedResult) Tracked() *action.Track { return r.track }

// Whatever keeps the tracking issue from being told is a note, no secret goes there, and what it cost is
// counted.
func TestTrack(t *testing.T) {
	t.Parallel()
	s := github.NewEnterprise(t)
	s.AddRepository("acme/churn")
	s.AddToken("writer", github.JobToken("issues"))
	whole := []string{"GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=acme/churn", "GITHUB_API_URL=" + s.URL, "GITHUB_GRAPHQL_URL=" + s.GraphQLURL, "GITHUB_SERVER_URL=https://github.example", "GITHUB_RUN_ID=5", "GITHUB_RUN_ATTEMPT=2"}
	for _, tt := range []struct {
		name, token, note string
		environ           []string
		interrupted       bool
		use               report.GitHubUse
	}{
		{name: "no token", environ: whole, note: "The tracking issue is not up to date: the input github-token is not given"},
		{name: "no repository", environ: whole[2:], token: "writer", note: "The tracking issue is not up to date: GITHUB_REPOSITORY names no owner/name; run it as a step of a workflow, or set it"},
		{name: "interrupted", environ: whole, token: "writer", interrupted: true},
		{name: "made", environ: whole, token: "writer", note: "Tracking issue 1: created.", use: report.GitHubUse{Requests: 4, Writes: 1}},
		{name: "outside of a runner", environ: whole[1:], token: "writer", note: "Tracking issue 1: unchanged.", use: report.GitHubUse{Requests: 2}},
	} {
		rt := &action.Runtime{Environ: tt.environ, Now: time.Now}
		r := &trackedResult{track: &action.Track{Run: tracking.Run{
			To: "0.98.0", By: checklist.CompatTest, Decision: verdict.Pass, Says: "Well, ZENKEY_one.", Whole: true,
			Phases: []tracking.Phase{{Title: "P", Steps: []tracking.Step{{ID: "2-local-test", Text: "ZENKEY_one", By: checklist.CompatTest}}}},
			Proofs: []tracking.Proof{{Step: "2-local-test", State: checklist.Done, Evidence: "ZENKEY_one"}},
		}}}
		o := &outcome{result: r, rt: rt, set: settings{token: tt.token}, secrets: newRedactor([]string{"ZENKEY_one"}), interrupted: tt.interrupted}
		o.track(t.Context(), gha.New(rt.Getenv, io.Discard))
		want := []string{tt.note}
		if tt.note == "" {
			want = nil
		}
		if d := cmp.Diff(want, o.notes) + cmp.Diff(tt.use, r.Head().GitHub); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
	body := []byte(s.Issue("acme/churn", 1).Body)
	if bytes.Contains(body, []byte("ZENKEY_one")) || !bytes.Contains(body, []byte("https://github.example/acme/churn/actions/runs/5/attempts/2")) {
		t.Errorf("%s", body)
	}
}
