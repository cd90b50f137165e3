// Package gitrepo makes real git repositories for tests.
package gitrepo

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Repo is a repository on disk.
type Repo struct {
	Dir string
	tb  testing.TB
}

// New makes an empty repository with the branch main. The test is skipped when git is missing.
func New(tb testing.TB) *Repo {
	tb.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		tb.Skip("skipped: git is missing")
	}
	r := &Repo{Dir: tb.TempDir(), tb: tb}
	r.Git("init", "-q", "-b", "main")
	return r
}

// Git runs git in the repository, untouched by the machine's configuration, and returns what it wrote.
func (r *Repo) Git(args ...string) string {
	r.tb.Helper()
	cmd := exec.CommandContext(r.tb.Context(), "git", args...)
	cmd.Dir = r.Dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.Dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@localhost", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@localhost"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.tb.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// Write writes files; an empty text removes one.
func (r *Repo) Write(files map[string]string) {
	r.tb.Helper()
	for name, text := range files {
		path := filepath.Join(r.Dir, filepath.FromSlash(name))
		if text == "" {
			if err := os.RemoveAll(path); err != nil {
				r.tb.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			r.tb.Fatal(err)
		}
	}
}

// Commit writes files, commits the whole work tree and returns the commit's name.
func (r *Repo) Commit(files map[string]string) string {
	r.tb.Helper()
	r.Write(files)
	r.Git("add", "-A")
	r.Git("commit", "-q", "--allow-empty", "-m", "a change")
	return r.Git("rev-parse", "HEAD")
}
