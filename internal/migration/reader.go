package migration

import (
	"bufio"
	"context"
	"crypto/sha256"
	_ "embed" // the reader
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/atomicfile"
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
	digest, err := recorded(site, script)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(x.Dir, "facts", "migrations-"+digest+".json")
	if data, err := os.ReadFile(path); err == nil {
		if list, err := decode(data); err == nil {
			return list, nil
		}
	}
	// -I and -S: neither the environment's packages nor its start-up files run.
	res, err := proc.Run(ctx, proc.Command{
		Path: env.Python, Args: []string{"-I", "-S", "-", filepath.Join(site, filepath.FromSlash(folder))},
		Stdin: strings.NewReader(script), Env: x.Env, Dir: os.TempDir(), Keep: longest, Timeout: readLimit,
	})
	if err != nil {
		return nil, fmt.Errorf("reading migrations: %w", err)
	}
	list, err := decode(res.Stdout)
	if err == nil {
		// That it cannot be kept costs time later and nothing else.
		if os.MkdirAll(filepath.Dir(path), 0o755) == nil {
			_ = atomicfile.Write(path, res.Stdout)
		}
	}
	return list, err
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

// recorded is a digest over the installed record's lines of revisions and over the reader.
func recorded(site, reader string) (string, error) {
	files, err := filepath.Glob(filepath.Join(site, "zenml-*.dist-info", "RECORD"))
	if err != nil || len(files) != 1 {
		return "", fmt.Errorf("finding the record of zenml below %q: %d found", site, len(files))
	}
	f, err := os.Open(files[0])
	if err != nil {
		return "", fmt.Errorf("reading the record of zenml: %w", err)
	}
	defer f.Close()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), folder+"/") && strings.Contains(s.Text(), ".py,sha256=") {
			lines = append(lines, s.Text())
		}
	}
	if len(lines) == 0 {
		return "", errors.New("reading the record of zenml: it names no migrations")
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(reader + strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:12]), nil
}
