// Package atomicfile replaces files at once.
package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write replaces a file, or makes it, in a folder that exists: a reader, or a machine that comes
// back after a power cut, finds the old one or the new one, never half of it. The mode is 0644.
func Write(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".write-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	// Temporary files are the owner's alone; a container's user is not the one who reads.
	if err = errors.Join(err, f.Sync(), f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // what went wrong is told already
	}
	return err
}
