// Package integrations finds out what ZenML's integrations require in two versions, and which of
// them a repository uses.
package integrations

import (
	"context"
	_ "embed" // the reader
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/facts"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

//go:embed read.py
var script string

const (
	folder    = "zenml"
	longest   = 4 << 20 // bytes of the answer; 0.98.0 gives 10 kB
	readLimit = 3 * time.Minute
)

// Integration is what one version of ZenML says of one integration.
type Integration struct {
	Requirements []string `json:"requirements"` // PEP 508; null when the package could not say
	Flavors      []string `json:"flavors"`      // of stack components
}

// Reader asks installed versions and keeps the answers below Dir by the wheel's digests.
type Reader struct {
	Dir string   // absolute
	Env []string // of the interpreter
}

// Read returns the integrations of an installed version by name. ZenML's own code runs for it, for
// some integrations compute their requirements; the repository's never does.
func (x *Reader) Read(ctx context.Context, env *pyenv.Env) (map[string]Integration, error) {
	digest, err := facts.Digest(env, folder, script)
	if err != nil {
		return nil, fmt.Errorf("reading integrations: %w", err)
	}
	return facts.Keep(x.Dir, "integrations", digest, decode, func() ([]byte, error) {
		home, err := os.MkdirTemp("", "zenml-upgrade-integrations-")
		if err != nil {
			return nil, fmt.Errorf("making a folder for ZenML's settings: %w", err)
		}
		defer os.RemoveAll(home)
		res, err := proc.Run(ctx, proc.Command{
			Path: env.Python, Args: []string{"-I", "-"}, Stdin: strings.NewReader(script), Dir: home, Keep: longest, Timeout: readLimit,
			Env: append(append([]string{}, x.Env...), "HOME="+home, "ZENML_CONFIG_PATH="+filepath.Join(home, "config"), "ZENML_ANALYTICS_OPT_IN=false"),
		})
		if err != nil {
			return nil, fmt.Errorf("reading integrations: %w", err)
		}
		return res.Stdout, nil
	})
}

func decode(data []byte) (map[string]Integration, error) {
	var all map[string]Integration
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("reading integrations: %w", err)
	}
	if len(all) == 0 {
		return nil, errors.New("reading integrations: none was found")
	}
	return all, nil
}
