package migration

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
	folder    = "zenml/zen_stores/migrations/versions"
	longest   = 16 << 20 // bytes of one version's revisions as JSON; 0.98.0 has 80 kB
	readLimit = time.Minute
)

// Reader reads the revisions of installed versions and keeps them below Dir by the digests that the
// wheel's own record gives its revisions: another wheel, or another reader, is another entry.
type Reader struct {
	Dir string   // absolute
	Env []string // of the interpreter
}

// Read returns all revisions of the version of ZenML that is installed in an environment.
func (x *Reader) Read(ctx context.Context, env *pyenv.Env) ([]Revision, error) {
	site, err := env.SitePackages()
	if err != nil {
		return nil, err
	}
	digest, err := facts.Digest(env, folder, script)
	if err != nil {
		return nil, fmt.Errorf("reading migrations: %w", err)
	}
	return facts.Keep(x.Dir, "migrations", digest, decode, func() ([]byte, error) {
		// -I and -S: neither the environment's packages nor its start-up files run.
		res, err := proc.Run(ctx, proc.Command{
			Path: env.Python, Args: []string{"-I", "-S", "-", filepath.Join(site, filepath.FromSlash(folder))},
			Stdin: strings.NewReader(script), Env: x.Env, Dir: os.TempDir(), Keep: longest, Timeout: readLimit,
		})
		if err != nil {
			return nil, fmt.Errorf("reading migrations: %w", err)
		}
		return res.Stdout, nil
	})
}

func decode(data []byte) ([]Revision, error) {
	var list []Revision
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("reading migrations: %w", err)
	}
	if len(list) == 0 {
		return nil, errors.New("reading migrations: none was found")
	}
	return list, nil
}
