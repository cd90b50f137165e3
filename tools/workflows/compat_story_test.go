package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/act"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
)

// compat are the options of the workflow that fans a compatibility test out. Release-check blocks the example,
// and act, unlike GitHub, ends a run at the first called workflow that fails: in the story it does not.
func (s *story) compat(t *testing.T, from, to string, run int64, env map[string]string) act.Options {
	t.Helper()
	s.repo.Git("checkout", "-q", "main")
	const file, gives = ".github/workflows/zenml-compat.yml", "      to: ${{ inputs.to }}\n"
	text := read(t, filepath.Join(s.repo.Dir, filepath.FromSlash(file)))
	if strings.Count(text, gives) != 2 {
		t.Fatalf("%s does not give the version twice", file)
	}
	s.repo.Commit(map[string]string{file: strings.Replace(text, gives, gives+"      fail-on: review\n", 1)})
	s.github.AddToken("ghs_job", github.JobToken())
	return act.Options{
		Workflow: "zenml-compat.yml", Event: "workflow_dispatch", RunID: run, Token: "ghs_job", Env: env,
		Payload: map[string]any{"inputs": map[string]any{"from": from, "to": to}, "ref": "refs/heads/main", "repository": map[string]any{"full_name": churn, "default_branch": "main"}},
	}
}

// Release-check gives the matrix, a job runs for each cell of it, and the last job joins their results. Here
// nothing can be installed, for the index lists versions and holds none: every cell is told as lost, and the
// whole is unknown, which fails the job that decides.
func TestCompatMatrixIsUnknownWhenItsJobsAre(t *testing.T) {
	t.Parallel()
	s := tell(t)
	simple := files.Dir(t, map[string]string{"zenml/index.html": `<a href="zenml-0.85.0-py3-none-any.whl">zenml-0.85.0-py3-none-any.whl</a>
<a href="zenml-0.98.0-py3-none-any.whl">zenml-0.98.0-py3-none-any.whl</a>
`})
	r := s.run(t, s.compat(t, "0.85.0", "0.98.0", 50, map[string]string{"PIP_INDEX_URL": "file://" + simple, "UV_DEFAULT_INDEX": "file://" + simple, "ZENML_UPGRADE_CACHE": t.TempDir()}))
	if r.OK || r.Jobs["test"] != "failure" || r.Jobs["result"] != "failure" || r.Outputs["result/join/decision"] != "unknown" || r.Outputs["result/join/reason-code"] != "checks_lost" {
		t.Errorf("jobs %v, outputs %v:\n%s", r.Jobs, r.Outputs, r.Log)
	}
	// Six cells: five groups of the suite on the one Python, and the repository's own pipelines.
	for _, want := range []string{"job 0 (. on Python 3.11, basic,integration,tracking, pipelines none)", "job 5 (. on Python 3.11, none, pipelines all)"} {
		if !strings.Contains(r.Summary, want) {
			t.Errorf("the summary does not tell of %s:\n%.3000s", want, r.Summary)
		}
	}
	if r.Artifacts["compat-test"]["result.json"] == nil || r.Artifacts["compat-matrix-5"]["result.json"] == nil || r.Artifacts["compat-matrix-6"] != nil {
		t.Errorf("uploaded %v", slices.Sorted(maps.Keys(r.Artifacts)))
	}
}

// The same for real: every cell is run on both versions.
func TestCompatMatrix(t *testing.T) {
	t.Parallel()
	if os.Getenv("ZENML_UPGRADE_FULL") == "" {
		t.Skip("skipped: only with ZENML_UPGRADE_FULL (make test-full)")
	}
	s := tell(t)
	r := s.run(t, s.compat(t, "0.85.0", "0.98.0", 51, nil))
	if r.Jobs["result"] != "success" || r.Outputs["result/join/decision"] != "review" {
		t.Errorf("jobs %v, outputs %v:\n%s", r.Jobs, r.Outputs, r.Log)
	}
}
