package mysql

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// Mydumper is the engine that dumps and loads in several threads.
const Mydumper = "mydumper"

// mydumperOptions let its threads begin without a lock: they may see different states of a database
// that is written to. Whoever dumps compares the content before and after.
var mydumperOptions = []string{"--threads=4", "--triggers", "--routines", "--events", "--no-locks"}

// FindMydumper returns mydumper and myloader, of the series that was tried. MariaDB's client runs
// the statements beside them.
func FindMydumper(ctx context.Context, environ []string) (*Tools, error) {
	dumps, loads := find(environ, "mydumper"), find(environ, "myloader")
	if len(dumps) == 0 || len(loads) == 0 {
		return nil, errors.New("mydumper and myloader are not on this machine")
	}
	res, err := proc.Run(ctx, proc.Command{Path: dumps[0], Args: []string{"--version"}, Env: proc.BaseEnv(environ), Dir: os.TempDir(), Timeout: 20 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("asking %q for its version: %w", dumps[0], err)
	}
	text, _, _ := strings.Cut(strings.TrimSpace(string(res.Stdout)), ",")
	if !strings.HasPrefix(text, "mydumper 0.10.") {
		return nil, fmt.Errorf("%q is %q; the series 0.10 is what works", dumps[0], cut(text))
	}
	v := Version{MariaDB: true, Text: text} // it speaks through MariaDB's library
	return &Tools{Engine: Mydumper, Client: "mariadb", Version: v, dump: dumps[0], client: loads[0], environ: environ}, nil
}

// Text names the program and its version.
func (t *Tools) Text() string {
	if t.Engine == Mydumper {
		return t.Version.Text
	}
	return t.Version.String()
}
