// Package facts keeps what was read of installed versions of ZenML. An entry is named by the digests
// that the wheel's own record gives its files and by the reader: another wheel, or another reader, is
// another entry, and nothing is ever out of date.
package facts

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/atomicfile"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

// Digest is over the recorded lines of the Python files below one folder of the installed wheel, such
// as zenml/integrations, and over what reads them.
func Digest(env *pyenv.Env, folder, reader string) (string, error) {
	site, err := env.SitePackages()
	if err != nil {
		return "", err
	}
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
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		if strings.HasPrefix(scan.Text(), folder+"/") && strings.Contains(scan.Text(), ".py,sha256=") {
			lines = append(lines, scan.Text())
		}
	}
	if err := scan.Err(); err != nil {
		return "", fmt.Errorf("reading the record of zenml: %w", err)
	}
	if len(lines) == 0 {
		return "", fmt.Errorf("reading the record of zenml: it names no Python file below %s", folder)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(reader + strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:12]), nil
}

// Folder is where entries lie below a cache folder.
const Folder = "wheels"

// Keep returns what is kept below dir under a kind and a digest, decoded; what is missing or cannot be
// decoded is read anew and kept when it decodes.
func Keep[T any](dir, kind, digest string, decode func([]byte) (T, error), read func() ([]byte, error)) (T, error) {
	path := filepath.Join(dir, Folder, kind+"-"+digest+".json")
	if data, err := os.ReadFile(path); err == nil {
		if v, err := decode(data); err == nil {
			return v, nil
		}
	}
	data, err := read()
	if err != nil {
		var none T
		return none, err
	}
	v, err := decode(data)
	if err == nil && os.MkdirAll(filepath.Dir(path), 0o755) == nil {
		_ = atomicfile.Write(path, data) // that it cannot be kept costs time later and nothing else
	}
	return v, err
}
