package act

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is where the program lies that the runner has on its PATH, built once a test process.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "zenml-upgrade-act-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "zenml-upgrade")
	out, err := exec.Command("go", "build", "-o", path, "github.com/"+own).CombinedOutput()
	if err != nil {
		return path, errors.New(string(out))
	}
	return path, nil
})

var isBuilt bool

func program(tb testing.TB) string {
	tb.Helper()
	isBuilt = true
	path, err := built()
	if err != nil {
		tb.Fatalf("act: building the program: %v", err)
	}
	return path
}

// Main runs a package's tests and removes the program that was built for them.
func Main(m *testing.M) int {
	code := m.Run()
	if isBuilt {
		if path, _ := built(); path != "" {
			_ = os.RemoveAll(filepath.Dir(path)) // a leftover in the temporary folder fails no test
		}
	}
	return code
}
