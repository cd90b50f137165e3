package action

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/which"
)

// GitHub reads GitHub where the runner says it is. token may be empty.
func GitHub(rt *Runtime, token string) (*forge.Reader, error) {
	address := rt.Getenv("GITHUB_API_URL")
	if address == "" {
		address = "https://api.github.com"
	}
	return forge.NewReader(address, token)
}

// Checkout is how commits of the checkout are read, nil without git, and the folder in it that
// repository-path names.
func Checkout(rt *Runtime) (git *repo.Git, below string) {
	if path := proc.Find("git", rt.Environ); path != "" {
		git = &repo.Git{Path: path, Dir: rt.Repo, Env: proc.BaseEnv(rt.Environ)}
	}
	rel, err := filepath.Rel(rt.Getenv("GITHUB_WORKSPACE"), rt.Repo)
	if err == nil && filepath.IsLocal(rel) && rel != "." {
		below = filepath.ToSlash(rel) + "/"
	}
	return git, below
}

// ChangeOf is what an event would bring into a base.
func ChangeOf(e *gha.ChangeEvent) which.Change {
	return which.Change{Repository: e.Repository, Base: e.Change.Base, Head: e.Change.Head, Merge: e.SHA, Group: e.Change.Number == 0}
}

// ConfigFor reads the configuration as LoadConfig does; in a run for a pull request or a merge group
// as ConfigAt does, at its base.
func ConfigFor(ctx context.Context, rt *Runtime, path string) (*config.Config, error) {
	event, err := gha.ReadChange(rt.Getenv)
	switch {
	case err != nil:
		return nil, err
	case event == nil || event.Change == nil:
		return LoadConfig(rt, path)
	}
	github, err := GitHub(rt, "")
	if err != nil {
		return nil, err
	}
	git, below := Checkout(rt)
	base, err := which.Base(ctx, ChangeOf(event), git, github, below)
	if err != nil {
		f := fault.Unreachable("the configuration is read at the base of the pull request, which could not be read", err, "let actions/checkout fetch it (fetch-depth: 0)")
		return nil, f
	}
	cfg, _, err := ConfigAt(rt, base, path)
	return cfg, errors.Join(err, base.Close())
}

// ConfigAt reads the configuration at the base of a pull request: the default file, or the one that
// the input config names. A file in the repository is never read from the work tree there, which the
// pull request wrote; one outside of the repository is not the pull request's. rel is its path in the
// tree, empty for such a file.
func ConfigAt(rt *Runtime, base *repo.Tree, path string) (cfg *config.Config, rel string, err error) {
	rel = config.DefaultPath
	if path != "" {
		var outside bool
		if rel, outside, err = inside(rt.Repo, path); err != nil {
			return nil, "", err
		} else if outside {
			cfg, err = config.Load(path)
			return cfg, "", err
		}
	}
	data, err := base.Read(rel)
	switch {
	case errors.Is(err, fs.ErrNotExist) && path == "":
		return &config.Config{}, rel, nil
	case err != nil:
		f := fault.BadInput(fmt.Sprintf("config %q cannot be read at the base of the pull request", rel), "merge the configuration first, in a pull request of its own")
		f.Err = err
		return nil, rel, f
	}
	cfg, err = config.Parse(rel, data)
	return cfg, rel, err
}

// inside returns a file's path in the repository, slashes throughout.
func inside(root, path string) (rel string, outside bool, err error) {
	abs, err := filepath.Abs(path)
	if err == nil {
		rel, err = filepath.Rel(root, abs)
	}
	if err != nil {
		return "", false, fault.BadInput(fmt.Sprintf("config %q is no path", path), "give the path of a readable file")
	}
	if filepath.IsLocal(rel) {
		return filepath.ToSlash(rel), false, nil
	}
	for dir := root; ; dir = filepath.Dir(dir) { // the checkout may begin above repository-path
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			if up, err := filepath.Rel(dir, abs); err == nil && filepath.IsLocal(up) {
				return "", false, fault.BadInput(fmt.Sprintf("config %q lies in the checkout but not below repository-path", path), "on a pull request give one below repository-path, which is read at the base")
			}
			return "", true, nil
		}
		if dir == filepath.Dir(dir) {
			return "", true, nil
		}
	}
}
