package compat

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxCopy bounds what is copied of a repository: code and small data, not a data lake.
const maxCopy = 2 << 30

// leftBehind are folders that hold no code of the repository's own.
var leftBehind = map[string]bool{
	".git": true, ".venv": true, "venv": true, "node_modules": true, "__pycache__": true, ".tox": true,
	".mypy_cache": true, ".pytest_cache": true, ".ruff_cache": true, ".zenml-upgrade": true, ".cache": true,
}

// copyTree copies a repository for its code to run on. ZenML's .zen folder comes as the mark of the
// source root, without the settings in it: they name the stack of a server that is not ours. Links
// that lead out of the repository and special files stay behind.
func copyTree(from, to string) error {
	root, err := filepath.EvalSymlinks(from)
	if err != nil {
		return fmt.Errorf("copying the repository: %w", err)
	}
	var total int64
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir() && rel != "." && leftBehind[d.Name()]:
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case filepath.Base(filepath.Dir(rel)) == ".zen":
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			return copyLink(root, path, target)
		case !d.Type().IsRegular():
			return nil
		}
		n, err := copyFile(path, target)
		if total += n; total > maxCopy {
			return fmt.Errorf("it holds more than %d MiB", maxCopy>>20)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("copying the repository: %w", err)
	}
	return nil
}

func copyLink(root, path, target string) error {
	end, err := filepath.EvalSymlinks(path)
	if err != nil || !strings.HasPrefix(end, root+string(filepath.Separator)) {
		return nil //nolint:nilerr // a dead link, or one that leads out: code on the copy must not reach it
	}
	text, err := os.Readlink(path)
	if err != nil {
		return err
	}
	if filepath.IsAbs(text) {
		return nil
	}
	return os.Symlink(text, target)
}

// copyFile copies a file with its mode and returns its size.
func copyFile(from, to string) (n int64, err error) {
	src, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	st, err := src.Stat()
	if err != nil {
		return 0, err
	}
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, st.Mode().Perm()|0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	return io.Copy(dst, io.LimitReader(src, maxCopy+1))
}
