// Package machine gives tests what they need of the machine, or skips them saying what is missing.
package machine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

// Root returns the checkout's folder.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the test does not run inside the checkout")
		}
	}
}

// Cache returns where environments are kept from run to run: ZENML_UPGRADE_CACHE, else .cache in
// the checkout.
func Cache(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("ZENML_UPGRADE_CACHE"); dir != "" {
		return dir
	}
	return filepath.Join(Root(t), ".cache")
}

// Environ returns the environment with the checkout's own tools first on PATH, and without the
// workflow run that the tests may be part of: its pull request is none of theirs.
func Environ(t testing.TB) []string {
	t.Helper()
	tools := filepath.Join(Root(t), ".cache", "tools", "bin")
	environ := slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "GITHUB_EVENT_") })
	return append(environ, "PATH="+tools+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// Manager returns a manager of Python environments, or skips the test when uv, ty or pip is missing.
func Manager(t testing.TB) *pyenv.Manager {
	t.Helper()
	m, err := pyenv.New(Environ(t), Cache(t))
	if err == nil {
		_, err = m.TyPath()
	}
	if err != nil || m.Pip == "" {
		t.Skipf("skipped: uv, ty or pip is missing: %v", err)
	}
	return m
}
