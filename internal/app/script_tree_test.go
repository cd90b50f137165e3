package app

import (
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite" // the driver
)

// treeKey finds what remember saw among a script's values.
type treeKey struct{}

// outputs are the folders a run may write: its own and those of the package clients, of which pip
// asks rustc for its version. only holds what tools linked.
var outputs = []string{".zenml-upgrade", ".cache", "cache", ".rustup", "only"}

// remember notes every file of the script's folder, with its mode and a digest.
func remember(ts *testscript.TestScript, _ bool, _ []string) {
	seen := ts.Value(treeKey{}).(map[string]string)
	clear(seen)
	for name, what := range tree(ts) {
		seen[name] = what
	}
}

// unchanged wants the folder as remember saw it, but for the output folder and the caches.
func unchanged(ts *testscript.TestScript, _ bool, _ []string) {
	if diff := cmp.Diff(ts.Value(treeKey{}).(map[string]string), tree(ts)); diff != "" {
		ts.Fatalf("the run changed what is not its own (-before +after):\n%s", diff)
	}
}

func tree(ts *testscript.TestScript) map[string]string {
	root, found := ts.MkAbs("."), map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		for _, o := range outputs {
			if name == o {
				return fs.SkipDir
			}
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() {
			found[name] = info.Mode().String()
			return err
		}
		data, err := os.ReadFile(path)
		found[name] = fmt.Sprintf("%s %x", info.Mode(), sha256.Sum256(data))
		return err
	})
	ts.Check(err)
	return found
}

// tools makes a folder that holds just the named tools of the machine's PATH: tools DIR NAME...
func tools(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	for _, name := range args[1:] {
		path, err := exec.LookPath(name)
		ts.Check(err)
		if target := filepath.Join(dir, strings.TrimSpace(name)); os.Symlink(path, target) != nil {
			ts.Fatalf("linking %s", name)
		}
	}
}

// sqlite makes a database that is none of ZenML's: sqlite FILE.
func sqlite(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = db.Exec("create table t (a integer)")
	ts.Check(errors.Join(err, db.Close()))
}
