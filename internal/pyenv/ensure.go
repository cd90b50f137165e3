package pyenv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Spec says what an environment holds.
type Spec struct {
	Python       string   // a version such as "3.11", a path, or a range such as ">=3.10,<3.13"
	Requirements []string // PEP 508 lines
	NoDeps       bool     // install just the requirements, not what they need
}

// Env is a finished environment.
type Env struct {
	Dir    string // absolute
	Python string // Dir/bin/python
}

// ServerRequirements returns what a ZenML server of this version needs beside its own
// requirements: releases up to 0.83.1 import pkg_resources, which newer setuptools lack.
func ServerRequirements(v string) []string {
	req := []string{"zenml[server]==" + v}
	if version.Compare(v, "0.84.0") < 0 {
		req = append(req, "setuptools<81")
	}
	if version.Compare(v, "0.60.0") < 0 {
		// Upstream's own migration test needs these (scripts/test-migrations.sh).
		req = append(req, "sqlmodel==0.0.8", "bcrypt==4.0.1", "pyyaml-include<2.0", "numpy<2.0.0", "tenacity!=8.4.0")
	}
	return req
}

// Ensure returns the environment for spec, making it when it is not there. Only wheels are
// installed: building a source archive would run its code. A resolver's refusal is returned as
// *Conflict, an index that does not answer as *fault.Error of kind NoVerdict.
func (m *Manager) Ensure(ctx context.Context, s Spec) (*Env, error) {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{s.Python, fmt.Sprint(s.NoDeps)}, s.Requirements...), "\n")))
	dir := filepath.Join(m.Dir, "envs", hex.EncodeToString(sum[:8]))
	env := &Env{Dir: dir, Python: filepath.Join(dir, "bin", "python")}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("making the environments folder: %w", err)
	}
	unlock, err := lockFile(ctx, dir+".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	done := filepath.Join(dir, ".complete")
	if _, err := os.Stat(done); err == nil && proc.Exists(env.Python) {
		return env, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("removing a half-made environment: %w", err)
	}
	if err := m.make(ctx, dir, s); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := os.WriteFile(done, []byte(strings.Join(s.Requirements, "\n")+"\n"), 0o644); err != nil {
		return nil, fmt.Errorf("finishing an environment: %w", err)
	}
	return env, nil
}

func (m *Manager) make(ctx context.Context, dir string, s Spec) error {
	venv := []string{"venv", "--quiet", "--no-project", dir}
	if s.Python != "" {
		venv = append(venv, "--python", s.Python)
	}
	if _, err := proc.Run(ctx, proc.Command{Path: m.UV, Args: venv, Env: m.Env, Secrets: m.secrets, Dir: m.Dir, Timeout: time.Minute}); err != nil {
		return noPython(s.Python, err)
	}
	list := dir + ".in"
	if err := os.WriteFile(list, []byte(strings.Join(s.Requirements, "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("writing the requirements of an environment: %w", err)
	}
	args := []string{"pip", "install", "--quiet", "--python", filepath.Join(dir, "bin", "python"), "--only-binary", ":all:", "-r", list}
	if s.NoDeps {
		args = append(args, "--no-deps")
	}
	_, err := proc.Run(ctx, proc.Command{Path: m.UV, Args: args, Env: m.Env, Secrets: m.secrets, Dir: m.Dir, Timeout: 10 * time.Minute})
	return classify(err)
}

// NoPythonError says that the machine has no interpreter of the version asked for.
type NoPythonError struct{ fault *fault.Error }

func (e *NoPythonError) Error() string { return e.fault.Error() }
func (e *NoPythonError) Unwrap() error { return e.fault }

// noPython words why uv made no environment: mostly the interpreter is not there, or what bears its
// name does not start (a version manager's stand-in).
func noPython(asked string, err error) error {
	var exit *proc.ExitError
	if errors.As(err, &exit) {
		for _, sign := range []string{"No interpreter found", "Failed to inspect Python interpreter", "Querying Python at"} {
			if strings.Contains(exit.Tail, sign) {
				return &NoPythonError{fault.BadInput(fmt.Sprintf("no Python %q was found on this machine", asked), "install that interpreter or ask for another with python-versions")}
			}
		}
	}
	return fault.Unreachable(fmt.Sprintf("an environment with Python %q could not be made", asked), err, "mend that and try again")
}

// lockFile waits for an exclusive lock, so that two runs do not make one environment at once.
func lockFile(ctx context.Context, path string) (func(), error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening a lock: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("locking %q: %w", path, err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
