package stagingupgrade

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// The runner mounts its own folders below this one into the container of an action (docs.github.com,
// "Dockerfile support for GitHub Actions").
const runnerFolders = "/github"

// place says what is wrong with where the backups go: what only the container of an action holds is
// gone when the step ends. That /.dockerenv is there proves nothing, whole runners are containers; that
// the workspace lies where only container actions have it does.
func (s *settings) place(rt *action.Runtime) []upgrade.Problem {
	if s.backupDir == "" || rt.Getenv("GITHUB_WORKSPACE") != runnerFolders+"/workspace" || !server.InContainer() {
		return nil
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err == nil && outlives(mounts, s.backupDir) {
		return nil
	}
	return []upgrade.Problem{{
		Code: "backup_dir_in_container", Blocks: s.mode != upgrade.Rehearse, // a rehearsal needs its backup only until it ends
		What:   fmt.Sprintf("backup-dir %q is held by this action's container, or by the job's own folders below %s: the backup is lost when the job ends", s.backupDir, runnerFolders),
		Remedy: "run the program itself instead of the container action, on a self-hosted runner that keeps the folder; or mount a folder there that outlives the container",
	}}
}

// outlives says whether a folder lies on a mount that is neither the container's own file system, nor
// memory, nor one of the runner's folders, which later jobs empty. mountinfo is as proc(5) describes.
func outlives(mountinfo []byte, dir string) bool {
	dir = resolved(dir)
	best, kind := "", ""
	for line := range strings.Lines(string(mountinfo)) {
		before, after, _ := strings.Cut(line, " - ")
		fields, types := strings.Fields(before), strings.Fields(after)
		if len(fields) < 5 || len(types) == 0 {
			continue
		}
		point := unescape.Replace(fields[4])
		if len(point) >= len(best) && inside(dir, point) { // of two on one point the later hides the other
			best, kind = point, types[0]
		}
	}
	return best != "" && best != "/" && kind != "tmpfs" && !inside(best, runnerFolders)
}

// unescape undoes how the kernel writes paths in mountinfo.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

func inside(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// resolved returns dir without symbolic links, as far as it exists.
func resolved(dir string) string {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real
	}
	up := filepath.Dir(dir)
	if up == dir {
		return dir
	}
	return filepath.Join(resolved(up), filepath.Base(dir))
}
