package actions_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/engine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/gitrepo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// runnersImage is where the jobs of a workflow run: any that has a shell; this one is there for the build.
const runnersImage = "python:3.12-slim-bookworm"

// inAWorkflow runs the actions by the lines that people write, in a workflow runner that builds the image
// itself from what action.yml names: a consumer's, which name the suite by its tag, and those of this
// repository. The upgrade is planned on the real server; the others are told a version that is none.
func inAWorkflow(t *testing.T, e *engine.Engine, name, uses string, files, plan map[string]string) {
	t.Helper()
	act, err := exec.LookPath("act")
	if err != nil {
		act = filepath.Join(machine.Cache(t), "gobin", "act")
		if _, err := os.Stat(act); err != nil {
			t.Skip("skipped: act is missing (sh tools/gobin.sh builds it)")
		}
	}
	suite := gitrepo.New(t)
	suite.Commit(checkout(t))
	e.Build(t, suite.Dir, "full") // the runner's own build finds its layers
	repo, version := suite, ""
	if name == "consumer" {
		repo, version = gitrepo.New(t), "@v1"
	}
	var steps strings.Builder
	env := slices.Concat(e.Environ, []string{"DOCKER_HOST=" + e.Host(t), "XDG_CACHE_HOME=" + t.TempDir()})
	args := []string{
		"workflow_dispatch", "-W", ".github/workflows/try.yml", "-P", "ubuntu-latest=" + runnersImage, "--pull=false", "--no-cache-server", "--rm",
		"--container-daemon-socket", "-", "--network", "host", "--local-repository", "zenml-upgrade/zenml-upgrade@v1=" + suite.Dir,
	}
	want := map[string]string{"release-check": "unknown bad_input", "compat-test": "unknown bad_input", "staging-upgrade": "block in_container"}
	for action := range want {
		inputs := map[string]string{"from": "0.85.0", "to": "newest"}
		if action == "staging-upgrade" {
			inputs = plan
		}
		fmt.Fprintf(&steps, "      - id: %s\n        continue-on-error: true\n        uses: %s\n        with:\n", action, uses+action+version)
		for input, value := range inputs {
			secret := strings.ToUpper(strings.ReplaceAll("x-"+action+"-"+input, "-", "_"))
			fmt.Fprintf(&steps, "          %s: ${{ secrets.%s }}\n", input, secret)
			args, env = append(args, "-s", secret), append(env, secret+"="+value)
		}
		fmt.Fprintf(&steps, "      - run: 'test -s ${{ steps.%[1]s.outputs.result }} && echo \"ended: %[1]s ${{ steps.%[1]s.outcome }} ${{ steps.%[1]s.outputs.decision }} ${{ steps.%[1]s.outputs.reason-code }}\"'\n", action)
	}
	files = maps.Clone(files)
	files[".github/workflows/try.yml"] = "name: zenml-upgrade-" + name + "\non: workflow_dispatch\njobs:\n  try:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v5\n" + steps.String()
	repo.Commit(files)
	repo.Git("remote", "add", "origin", "https://github.com/acme/"+name)
	t.Cleanup(func() { e.Remove(t, "act-zenml-upgrade-"+name) })
	res, err := proc.Run(t.Context(), proc.Command{Path: act, Args: args, Dir: repo.Dir, Env: env, Timeout: 15 * time.Minute})
	t.Logf("%.1f s", res.Seconds)
	for action, end := range want {
		if line := "ended: " + action + " failure " + end; err != nil || !strings.Contains(string(res.Stdout), line) {
			t.Errorf("%q is not told: %v\n%s\n%s", line, err, res.Stdout, res.Stderr)
		}
	}
}

// checkout returns the files of this repository that the image and the actions are made of.
func checkout(t *testing.T) map[string]string {
	t.Helper()
	root := machine.Root(t)
	cmd := exec.CommandContext(t.Context(), "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--",
		"Dockerfile", ".dockerignore", "go.mod", "go.sum", "main.go", "action.yml", "actions", "internal", "schema", "tools/runtime.txt")
	list, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for name := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		b, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // removed, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(b)
	}
	return files
}
