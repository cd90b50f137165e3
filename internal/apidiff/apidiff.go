// Package apidiff compares the Python API and the REST API of two installed versions of ZenML, and
// makes findings of the differences that this repository uses or that the release notes tell.
package apidiff

import (
	"context"
	_ "embed" // the readers
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/facts"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

//go:embed python.py
var pythonScript string

//go:embed openapi.py
var openapiScript string

const (
	folder    = "zenml"
	longest   = 32 << 20 // bytes of an answer; 0.98.0's documents have 2 MB
	readLimit = 5 * time.Minute
)

// PythonChange is one difference of the public Python API that can break code.
type PythonChange struct {
	Path      string   `json:"path"`      // of the object itself: zenml.client.Client.list_runs
	Kind      string   `json:"kind"`      // griffe's: object_removed, parameter_removed, ...
	Parameter string   `json:"parameter"` // of a parameter's change; else empty
	Names     []string `json:"names"`     // all paths under which code may write it, Path among them when it was broken there
	MovedTo   string   `json:"moved_to"`  // where the newer version has the only object of the name; may be empty
}

// RESTChange is one difference of the REST API that can break a client.
type RESTChange struct {
	Method string `json:"method"` // upper case
	Path   string `json:"path"`   // with {parameters}
	Kind   string `json:"kind"`   // oasdiff's id
	Text   string `json:"text"`
}

// Comparer compares installed versions. What it finds is kept below Dir by the digests of the wheels.
type Comparer struct {
	Griffe   string   // an interpreter that has griffe
	Dir      string   // absolute
	Env      []string // of the interpreters
	Old, New *pyenv.Env
}

// Python compares the Python APIs. Both versions are read as source.
func (c *Comparer) Python(ctx context.Context) ([]PythonChange, error) {
	digest, err := c.digests(pythonScript)
	if err != nil {
		return nil, fmt.Errorf("comparing the Python API: %w", err)
	}
	older, err := c.Old.SitePackages()
	if err != nil {
		return nil, fmt.Errorf("comparing the Python API: %w", err)
	}
	newer, err := c.New.SitePackages()
	if err != nil {
		return nil, fmt.Errorf("comparing the Python API: %w", err)
	}
	list, err := facts.Keep(c.Dir, "python-api", digest, list[PythonChange], func() ([]byte, error) {
		return run(ctx, c.Env, c.Griffe, pythonScript, older, newer)
	})
	if err != nil {
		return nil, fmt.Errorf("comparing the Python API: %w", err)
	}
	return list, nil
}

// digests names a comparison: both wheels and what compares them.
func (c *Comparer) digests(reader string) (string, error) {
	older, err := facts.Digest(c.Old, folder, reader)
	if err != nil {
		return "", err
	}
	newer, err := facts.Digest(c.New, folder, reader)
	return older + "-" + newer, err
}

// run runs a script in an interpreter, away from the environment and from everybody's settings.
func run(ctx context.Context, env []string, python, script string, args ...string) ([]byte, error) {
	home, err := os.MkdirTemp("", "zenml-upgrade-api-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for ZenML's settings: %w", err)
	}
	defer os.RemoveAll(home)
	res, err := proc.Run(ctx, proc.Command{
		Path: python, Args: append([]string{"-I", "-"}, args...), Stdin: strings.NewReader(script), Dir: home, Keep: longest, Timeout: readLimit,
		Env: append(append([]string{}, env...), "HOME="+home, "ZENML_CONFIG_PATH="+filepath.Join(home, "config"), "ZENML_ANALYTICS_OPT_IN=false"),
	})
	return res.Stdout, err
}

// list decodes a list; an empty one is a finding too.
func list[T any](data []byte) ([]T, error) {
	out := []T{}
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, err
	}
	return out, nil
}
