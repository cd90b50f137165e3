package upgrade

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// What is kept of Terraform folders at most: descriptions of a server are some hundred kilobytes.
const (
	mostTerraform      = 16 << 20
	mostTerraformFiles = 2000
)

// terraformEnds are the files that describe: states and variables' values hold secrets, and what
// .terraform holds is fetched again.
var terraformEnds = []string{".tf", ".tf.json", ".tofu", ".tftpl", ".terraform.lock.hcl"}

// terraform reads what describes a server in folders of the repository, by name below terraform/.
// Nothing is followed out of the repository, and symbolic links are left out.
func terraform(repository string, folders []string) (map[string][]byte, error) {
	out, size := map[string][]byte{}, 0
	if len(folders) == 0 {
		return out, nil
	}
	root, err := os.OpenRoot(repository)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	for _, folder := range folders {
		err := fs.WalkDir(root.FS(), path.Clean(folder), func(name string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case e.IsDir() && (e.Name() == ".terraform" || e.Name() == ".git"):
				return fs.SkipDir
			case !e.Type().IsRegular() || !slices.ContainsFunc(terraformEnds, func(end string) bool { return strings.HasSuffix(name, end) }):
				return nil
			}
			f, err := root.Open(name)
			if err != nil {
				return err
			}
			b, err := io.ReadAll(io.LimitReader(f, int64(mostTerraform-size)+1))
			if err := errors.Join(err, f.Close()); err != nil {
				return err
			}
			out["terraform/"+name] = b
			if size += len(b); size > mostTerraform || len(out) > mostTerraformFiles {
				return fmt.Errorf("it holds more than %d MiB or %d files", mostTerraform>>20, mostTerraformFiles)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("reading the Terraform folder %q: %w", folder, err)
		}
	}
	return out, nil
}
