package server

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

//go:embed newkey.py
var newKey string

const newKeyLimit = 5 * time.Minute

// NewKey makes a service account in a database that no server uses, with the code of the version
// that its server is to have, and returns its API key. For throw-away copies alone: c is not Live.
func NewKey(ctx context.Context, c Config) (string, error) {
	if c.Live {
		return "", errors.New("an account is made in a throw-away copy only")
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return "", fmt.Errorf("making the folder of a client: %w", err)
	}
	// It is ZenML's client on a database: as a server it would ask who is logged in.
	env := slices.DeleteFunc(environment(c), func(kv string) bool { return strings.HasPrefix(kv, "ZENML_SERVER=") })
	command := proc.Command{
		Path: c.Python, Args: []string{"-", "zenml-upgrade-" + strings.ToLower(rand.Text()[:10])}, Stdin: strings.NewReader(newKey),
		Dir: c.Dir, Env: append(env, "ZENML_LOCAL_STORES_PATH="+filepath.Join(c.Dir, "stores")), Timeout: newKeyLimit,
		Secrets: append(proc.SecretValues(append([]string{"ZENML_STORE_URL=" + c.StoreURL}, c.Env...)...), c.Secrets...),
	}
	if c.Room != nil {
		command.Place = c.Room
	}
	res, err := proc.Run(ctx, command)
	if err != nil {
		return "", fmt.Errorf("making an account with ZenML: %w", withoutTail(err))
	}
	lines := bytes.Split(bytes.TrimSpace(res.Stdout), []byte("\n"))
	var answer struct {
		Key string `json:"key"`
	}
	if json.Unmarshal(lines[len(lines)-1], &answer) != nil || answer.Key == "" {
		return "", errors.New("making an account with ZenML: it printed no key")
	}
	return answer.Key, nil
}

// withoutTail keeps the exception's class of what a client wrote: its words may hold SQL, or a key.
func withoutTail(err error) error {
	var exit *proc.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	ended := EndedError{Code: exit.Code, Log: exit.Tail}
	return &proc.ExitError{Name: exit.Name, Code: exit.Code, Tail: ended.cause()}
}
