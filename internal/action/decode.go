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
