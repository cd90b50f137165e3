package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// git runs git in a folder, untouched by the machine's configuration: git DIR ARGUMENT...
func git(ts *testscript.TestScript, _ bool, args []string) {
	runGit(ts, ts.MkAbs(args[0]), args[1:]...)
}

func runGit(ts *testscript.TestScript, dir string, args ...string) string {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + ts.Getenv("TOOLPATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@localhost", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@localhost"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		ts.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit copies a folder's files over those of a repository, which it makes when it is not there,
// commits all, and sets a variable to the commit: commit NAME REPOSITORY FILES.
func commit(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[1])
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		ts.Check(os.MkdirAll(dir, 0o755))
		runGit(ts, dir, "init", "-q", "-b", "main")
	}
	ts.Check(filepath.Walk(ts.MkAbs(args[2]), func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		name, err := filepath.Rel(ts.MkAbs(args[2]), path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	}))
	runGit(ts, dir, "add", "-A")
	runGit(ts, dir, "commit", "-q", "--allow-empty", "-m", args[0])
	ts.Setenv(args[0], runGit(ts, dir, "rev-parse", "HEAD"))
}

// head sets a variable to what is checked out: head NAME REPOSITORY.
func head(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], runGit(ts, ts.MkAbs(args[1]), "rev-parse", "HEAD"))
}

// event makes a payload of GitHub's one between two commits of the script, and sets what a runner
// would: event FILE BASE HEAD [LOGIN]. The actor is always somebody else.
func event(ts *testscript.TestScript, _ bool, args []string) {
	data, err := os.ReadFile(filepath.Join(ts.Getenv("ROOT"), "internal", "gha", "testdata", "events", args[0]))
	ts.Check(err)
	pairs := []string{
		"f95f852bd8fca8fcc58a9a2d6c842781e32a215e", args[1], "380387fbc80638b734a49e1be1c4dfec1c01b33c", args[1],
		"ec26c3e57ca3a959ca5aad62de7213c562f8c821", args[2], "2ffea6db159f6b6c47a24e778fb9ef40cf6b1c7d", args[2],
	}
	if len(args) > 3 {
		pairs = append(pairs, "dependabot[bot]", args[3])
	}
	name := "pull_request"
	if strings.HasPrefix(args[0], "merge-group") {
		name = "merge_group"
	}
	path := ts.MkAbs("event.json")
	ts.Check(os.WriteFile(path, []byte(strings.NewReplacer(pairs...).Replace(string(data))), 0o644))
	ts.Setenv("GITHUB_EVENT_NAME", name)
	ts.Setenv("GITHUB_EVENT_PATH", path)
	ts.Setenv("GITHUB_ACTOR", "mallory")
}
