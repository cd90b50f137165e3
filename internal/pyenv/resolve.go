package pyenv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// Conflict is the resolver's own proof that requirements cannot hold together.
type Conflict struct{ Proof string }

func (c *Conflict) Error() string { return "the requirements cannot be resolved: " + c.Proof }

var pythonBounds = regexp.MustCompile(`does not satisfy Python([<>=!~][^\s,]*(?:,[<>=!~][^\s,]*)*)`)

// Python returns which versions of Python a package asks for, when it refuses the one at hand.
func (c *Conflict) Python() (bounds string, ok bool) {
	m := pythonBounds.FindStringSubmatch(strings.Join(strings.Fields(c.Proof), " "))
	if m == nil {
		return "", false
	}
	return m[1], true
}

// Question is what Resolve asks.
type Question struct {
	Requirements []string // PEP 508 lines
	Constraints  []string
	Python       string // "3.11"; need not be installed
	Lowest       bool   // the lowest versions of what Requirements name, instead of the newest
}

// Resolve asks uv for a set of versions that meets the requirements, from wheels only. The
// answer maps normalised package names to versions. A refusal is a *Conflict, an index that
// does not answer a *fault.Error of kind NoVerdict.
func (m *Manager) Resolve(ctx context.Context, q Question) (map[string]string, error) {
	dir, err := os.MkdirTemp("", "zenml-upgrade-resolve-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the resolver: %w", err)
	}
	defer os.RemoveAll(dir)
	args := []string{"pip", "compile", "--no-config", "--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:", "requirements.in"}
	files := map[string][]string{"requirements.in": q.Requirements}
	if len(q.Constraints) > 0 {
		files["constraints.in"] = q.Constraints
		args = append(args, "--constraint", "constraints.in")
	}
	if q.Python != "" {
		args = append(args, "--python-version", q.Python)
	}
	if q.Lowest {
		args = append(args, "--resolution", "lowest-direct")
	}
	for name, lines := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			return nil, fmt.Errorf("writing %s for the resolver: %w", name, err)
		}
	}
	res, err := proc.Run(ctx, proc.Command{Path: m.UV, Args: args, Env: m.Env, Secrets: m.secrets, Dir: dir, Timeout: 2 * time.Minute})
	if err != nil {
		return nil, classify(err)
	}
	return pins(string(res.Stdout)), nil
}

var pinLine = regexp.MustCompile(`^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)`)

func pins(text string) map[string]string {
	out := map[string]string{}
	s := bufio.NewScanner(strings.NewReader(text))
	for s.Scan() {
		if m := pinLine.FindStringSubmatch(s.Text()); m != nil {
			out[Normalize(m[1])] = m[2]
		}
	}
	return out
}

var separators = regexp.MustCompile(`[-_.]+`)

// Normalize returns a package name as the index compares it (PEP 503).
func Normalize(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

// classify tells a resolver's refusal from an index that could not be asked. uv's words for the
// second are a failed request or a DNS or TLS error; everything it calls unsatisfiable is the first.
func classify(err error) error {
	var exit *proc.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	text := exit.Tail
	for _, sign := range []string{"Failed to fetch", "error sending request", "dns error", "client error", "Could not connect", "Network connectivity is disabled", "tls handshake", "could not be queried"} {
		if strings.Contains(text, sign) {
			return fault.Unreachable("the package index did not answer", err, "check the index configured for uv and try again")
		}
	}
	if strings.Contains(text, "No solution found") || strings.Contains(text, "unsatisfiable") || strings.Contains(text, "no version of") || strings.Contains(text, "not found in the package registry") {
		return &Conflict{Proof: strings.TrimSpace(text)}
	}
	return err
}

// Versions lists every release of a package on the index, newest first, prereleases included.
func (m *Manager) Versions(ctx context.Context, name string) ([]string, error) {
	if m.Pip == "" {
		return nil, fault.BadInput("pip was not found on PATH nor beside this program", "install pip, or run \"make setup\" in the checkout")
	}
	res, err := proc.Run(ctx, proc.Command{
		Path: m.Pip, Args: []string{"index", "versions", "--pre", "--ignore-requires-python", name},
		Env: m.Env, Secrets: m.secrets, Dir: os.TempDir(), Timeout: time.Minute,
	})
	var exit *proc.ExitError
	if errors.As(err, &exit) && strings.Contains(exit.Tail, "No matching distribution found") {
		// pip's last word also when there is no connection, of which it tells before, for a page.
		return nil, fault.Unreachable(fmt.Sprintf("the package index did not list the versions of %q", name), nil, "check the index configured for pip and try again")
	}
	if err != nil {
		return nil, fault.Unreachable(fmt.Sprintf("the package index did not list the versions of %q", name), err, "check the index configured for pip and try again")
	}
	_, list, ok := strings.Cut(string(res.Stdout), "Available versions:")
	if !ok {
		return nil, fault.Unreachable(fmt.Sprintf("the package index gave no versions of %q", name), nil, "check the index configured for pip and try again")
	}
	list, _, _ = strings.Cut(list, "\n")
	var out []string
	for v := range strings.SplitSeq(list, ",") {
		out = append(out, strings.TrimSpace(v))
	}
	return out, nil
}
