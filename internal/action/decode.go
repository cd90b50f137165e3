package action

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// Bool decodes a yes-or-no input as GitHub writes them; empty is false.
func Bool(name, text string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	}
	return false, fault.BadInput(fmt.Sprintf("%s %q is neither true nor false", name, text), "give one of the two")
}

// List decodes a list input: words divided by commas or line ends, without empty ones.
func List(text string) []string {
	words := []string{}
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' }) {
		if w = strings.TrimSpace(w); w != "" {
			words = append(words, w)
		}
	}
	return words
}

// LoadConfig reads the configuration file that the input config names; with an empty path the
// default one of the repository when it is there, else an empty configuration is returned.
func LoadConfig(rt *Runtime, path string) (*config.Config, error) {
	if path != "" {
		return config.Load(path)
	}
	path = filepath.Join(rt.Repo, filepath.FromSlash(config.DefaultPath))
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return &config.Config{}, nil
	}
	return config.Load(path)
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
