package server

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// environment is the whole environment of a server. Where a name stands twice the last one holds,
// so the order is: the machine's, our defaults, the server's own settings, what must not differ.
func environment(c Config) []string {
	config := "ZENML_CONFIG_PATH=" + filepath.Join(c.Dir, "config")
	env := proc.BaseEnv(c.Environ, "PYTHONNOUSERSITE=1", "NO_COLOR=1", "ZENML_LOGGING_COLORS_DISABLED=true",
		"ZENML_ANALYTICS_OPT_IN=false", config)
	if c.Room != nil {
		env = append(env, withoutReach(c.Env)...)
	} else {
		env = append(env, c.Env...)
	}
	env = append(env, "ZENML_STORE_TYPE=sql", "ZENML_STORE_URL="+c.StoreURL, "ZENML_SERVER=True", "PYTHONUNBUFFERED=1")
	if !c.Live {
		env = append(withoutAccount(env), config)
	}
	if !c.OwnBackup {
		env = append(env, "ZENML_STORE_BACKUP_STRATEGY=disabled")
	}
	if c.Room != nil {
		env = c.Room.Env(append(env, "ZENML_ANALYTICS_OPT_IN=false"))
	}
	return env
}

// SecretsStore returns where a server with these settings keeps its secrets: "sql", its database,
// or the kind of an external store.
func SecretsStore(env []string) string {
	if kind := proc.Getenv(env, "ZENML_SECRETS_STORE_TYPE"); kind != "" && kind != "none" {
		return kind
	}
	return "sql"
}

// reaches are the settings by which a server acts on the outside world: stores of secrets, the
// control plane, plug-ins that run workloads, telemetry, and credentials of clouds and clusters.
var reaches = regexp.MustCompile(`^(ZENML_(BACKUP_SECRETS_STORE|SERVER_PRO|SERVER_OTEL|SERVER_\w+_IMPLEMENTATION_SOURCE|ANALYTICS)|` +
	`OTEL_|AWS_|AZURE_|GOOGLE_|GCLOUD_|CLOUDSDK_|VAULT_|KUBE|DOCKER_|BOTO)`)

// withoutReach leaves out what lets a copy's server act on the outside world. An external store of
// secrets is never attached: what is written to a copy must not be written there.
func withoutReach(env []string) []string {
	external := SecretsStore(env) != "sql"
	var out []string
	for _, kv := range env {
		key, _, _ := strings.Cut(kv, "=")
		if reaches.MatchString(key) || external && strings.HasPrefix(key, "ZENML_SECRETS_STORE_") {
			continue
		}
		out = append(out, kv)
	}
	return out
}

// maxEnvFile bounds an env file; real ones hold a few dozen lines.
const maxEnvFile = 1 << 20

var envKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ReadEnvFile reads KEY=value lines, in order. Blank lines and those that begin with # are passed
// over, a leading "export" is allowed, a value may stand in single quotes (taken as it is) or
// double quotes (\" \\ \$ and \n undone). Nothing is expanded. Errors name the line, never a value.
func ReadEnvFile(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the server's settings: %w", err)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() || st.Size() > maxEnvFile {
		return nil, fmt.Errorf("reading the server's settings: %q is not a file of at most %d bytes", path, maxEnvFile)
	}
	var out []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxEnvFile)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		key = strings.TrimSpace(key)
		if !ok || !envKey.MatchString(key) {
			return nil, fmt.Errorf("reading the server's settings: %q line %d is not KEY=value", path, n)
		}
		if value, ok = unquote(strings.TrimSpace(value)); !ok {
			return nil, fmt.Errorf("reading the server's settings: %q line %d: the value of %s has a quote that does not end", path, n, key)
		}
		out = append(out, key+"="+value)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the server's settings in %q: %w", path, err)
	}
	return out, nil
}

func unquote(v string) (string, bool) {
	if v == "" || (v[0] != '"' && v[0] != '\'') {
		if i := strings.Index(v, " #"); i >= 0 {
			v = strings.TrimSpace(v[:i])
		}
		return v, true
	}
	quote := v[0]
	var b strings.Builder
	for i := 1; i < len(v); i++ {
		switch {
		case v[i] == quote:
			rest := strings.TrimSpace(v[i+1:])
			return b.String(), rest == "" || rest[0] == '#'
		case quote == '"' && v[i] == '\\' && i+1 < len(v):
			i++
			switch v[i] {
			case 'n':
				b.WriteByte('\n')
			case '"', '\\', '$':
				b.WriteByte(v[i])
			default:
				b.WriteString(v[i-1 : i+1])
			}
		default:
			b.WriteByte(v[i])
		}
	}
	return "", false
}

// withoutAccount leaves out what says how to reach the real database: a throw-away copy has an
// account of its own on its own server, which stands in its URL.
func withoutAccount(env []string) []string {
	return slices.DeleteFunc(env, func(kv string) bool {
		key, _, _ := strings.Cut(kv, "=")
		switch key {
		case "ZENML_STORE_USERNAME", "ZENML_STORE_PASSWORD", "ZENML_STORE_DATABASE", "ZENML_STORE_AUTH_MODE", "ZENML_STORE_AWS_REGION":
			return true
		}
		return strings.HasPrefix(key, "ZENML_STORE_SSL")
	})
}
