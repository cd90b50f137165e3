// Package pyenv makes Python environments and asks the package index, always through uv and pip:
// never a resolver and never an index client of our own.
package pyenv

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// Manager makes environments below Dir. Its methods are safe for concurrent use, also by
// several processes that share Dir.
type Manager struct {
	UV, Ty, Pip, Griffe string   // paths; all but UV may be empty until needed
	Python              string   // any interpreter of the machine's, the tools' own first; may be empty
	Dir                 string   // absolute; environments and answers are kept here
	Env                 []string // environment of uv, ty and pip
	secrets             []string // such as the password in an index's address
}

// New finds uv, ty and pip and returns a manager that works below cacheDir. getenv and environ
// give what our process got; of it the children see only what proc.BaseEnv passes and how the
// package clients reach their index.
func New(environ []string, cacheDir string) (*Manager, error) {
	m := &Manager{Dir: cacheDir, Env: indexEnv(environ)}
	m.secrets = proc.SecretValues(m.Env...)
	for name, dst := range map[string]*string{"uv": &m.UV, "ty": &m.Ty, "pip": &m.Pip, "griffe": &m.Griffe, "python3": &m.Python} {
		*dst = find(name, environ)
	}
	if m.UV == "" {
		return nil, fault.BadInput("uv was not found on PATH nor beside this program",
			"install it with \"pip install uv\", or run \"make setup\" in the checkout")
	}
	return m, nil
}

// TyPath returns the type checker's path or an error that says how to get it.
func (m *Manager) TyPath() (string, error) {
	if m.Ty == "" {
		return "", fault.BadInput("ty, the type checker, was not found on PATH nor beside this program",
			"install it with \"pip install ty\", or run \"make setup\" in the checkout")
	}
	return m.Ty, nil
}

// GriffePython returns the interpreter that has griffe, which compares Python APIs.
func (m *Manager) GriffePython() (string, error) {
	path, err := filepath.EvalSymlinks(m.Griffe)
	if python := filepath.Join(filepath.Dir(path), "python"); m.Griffe != "" && err == nil && proc.Exists(python) {
		return python, nil
	}
	return "", fault.BadInput("griffe, which compares Python APIs, was not found on PATH nor beside this program",
		"install it with \"pip install griffe\", or run \"make setup\" in the checkout")
}

// find looks on PATH, then in the tools folder of the checkout that this binary was built in.
func find(name string, environ []string) string {
	if self, err := os.Executable(); err == nil {
		// first: the pinned tools beside us, so that a checkout runs what it was tested with
		beside := filepath.Join(filepath.Dir(filepath.Dir(self)), ".cache", "tools", "bin")
		if p := proc.Find(name, []string{"PATH=" + beside}); p != "" {
			return p
		}
	}
	return proc.Find(name, environ)
}

// indexEnv passes how uv and pip reach their index, and closes what a repository could steer: the
// interpreter downloads and the configuration files.
func indexEnv(environ []string) []string {
	index := []string{
		"UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX", "UV_INDEX_STRATEGY", "UV_FIND_LINKS",
		"UV_CACHE_DIR", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES", "XDG_CONFIG_HOME",
		"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES", "PIP_CONFIG_FILE",
	}
	out := proc.BaseEnv(environ, "UV_NO_CONFIG=1", "UV_PYTHON_DOWNLOADS=never", "UV_NO_PROGRESS=1", "NO_COLOR=1",
		"PIP_DISABLE_PIP_VERSION_CHECK=1", "PYTHONNOUSERSITE=1")
	seen := map[string]string{}
	for _, kv := range environ {
		k, v, _ := strings.Cut(kv, "=")
		seen[k] = v
	}
	for _, k := range index {
		if v, ok := seen[k]; ok {
			out = append(out, k+"="+v)
		}
	}
	return machineIndexes(environ).variables(out)
}
