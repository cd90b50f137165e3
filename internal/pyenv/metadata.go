package pyenv

import (
	"bufio"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
)

// Metadata is what a wheel says of itself (its METADATA file).
type Metadata struct {
	Version        string
	RequiresPython string   // such as ">=3.10,<3.15"
	RequiresDist   []string // PEP 508 lines, markers kept
	Extras         []string
}

// Metadata reads the METADATA of a package installed in the environment.
func (e *Env) Metadata(name string) (*Metadata, error) {
	pattern := filepath.Join(e.Dir, "lib", "python*", "site-packages", name+"-*.dist-info", "METADATA")
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("finding the metadata of %q in an environment: nothing at %s", name, pattern)
	}
	f, err := os.Open(files[0])
	if err != nil {
		return nil, fmt.Errorf("reading the metadata of %q: %w", name, err)
	}
	defer f.Close()
	// METADATA is a mail header followed by the long description.
	msg, err := mail.ReadMessage(f)
	if err != nil {
		return nil, fmt.Errorf("reading the metadata of %q: %w", name, err)
	}
	return &Metadata{
		Version: msg.Header.Get("Version"), RequiresPython: msg.Header.Get("Requires-Python"),
		RequiresDist: msg.Header["Requires-Dist"], Extras: msg.Header["Provides-Extra"],
	}, nil
}

// SitePackages returns the folder that holds the environment's packages.
func (e *Env) SitePackages() (string, error) {
	dirs, err := filepath.Glob(filepath.Join(e.Dir, "lib", "python*", "site-packages"))
	if err != nil || len(dirs) != 1 {
		return "", fmt.Errorf("finding site-packages below %q: %d found", e.Dir, len(dirs))
	}
	return dirs[0], nil
}

// PythonVersion returns the version of the environment's interpreter, such as 3.11.7.
func (e *Env) PythonVersion() (string, error) {
	f, err := os.Open(filepath.Join(e.Dir, "pyvenv.cfg"))
	if err != nil {
		return "", fmt.Errorf("reading the Python version of an environment: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), "=")
		if key = strings.TrimSpace(key); key == "version_info" || key == "version" {
			return strings.TrimSpace(value), nil
		}
	}
	return "", fmt.Errorf("reading the Python version of an environment: pyvenv.cfg does not name it")
}
