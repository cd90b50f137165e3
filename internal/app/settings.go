package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/atomicfile"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/publish"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// settings are the decoded common inputs.
type settings struct {
	format   string
	failOn   []verdict.Decision
	outDir   string // absolute; empty when nothing can be written there
	repo     string // absolute
	cacheDir string // absolute
	token    string // for GitHub; may be empty
	parts    publish.Parts
	dryRun   bool
}

// decode reads the common inputs and makes the output folder. Every fault is in the error; the
// settings hold what is usable.
func decode(c action.Common, p process) (settings, error) {
	s := settings{format: c.Format}
	var faults []error
	if !slices.Contains([]string{"text", "json", "markdown"}, c.Format) {
		s.format = "text"
		faults = append(faults, fault.BadInput(fmt.Sprintf("format %q is not known", c.Format), "use text, json or markdown"))
	}
	for _, word := range action.List(c.FailOn) {
		d := verdict.Decision(word)
		if !slices.Contains([]verdict.Decision{verdict.Review, verdict.Block, verdict.Unknown}, d) {
			faults = append(faults, fault.BadInput(fmt.Sprintf("fail-on %q is not known", word), "use review, block, unknown, divided by commas"))
			continue
		}
		s.failOn = append(s.failOn, d)
	}
	if len(s.failOn) == 0 && len(faults) == 0 {
		faults = append(faults, fault.BadInput("fail-on names no decision", "use review, block, unknown, divided by commas"))
	}
	for _, in := range []struct {
		name, text string
		to         *bool
	}{{"dry-run", c.DryRun, &s.dryRun}, {"comment", c.Comment, &s.parts.Comment}, {"check-run", c.CheckRun, &s.parts.Check}, {"labels", c.Labels, &s.parts.Label}} {
		yes, err := action.Bool(in.name, in.text)
		*in.to, faults = yes, append(faults, err)
	}
	s.token = c.GithubToken
	var err error
	s.repo, err = filepath.Abs(c.RepositoryPath)
	if st, errStat := os.Stat(s.repo); err != nil || errStat != nil || !st.IsDir() {
		faults = append(faults, fault.BadInput(fmt.Sprintf("repository-path %q is no folder", c.RepositoryPath), "give the root of the repository that uses ZenML"))
	}
	s.outDir, err = outputDir(c.OutputDir, s.repo)
	faults = append(faults, err)
	s.cacheDir, err = cacheDir(p)
	return s, errors.Join(append(faults, err)...)
}

// outputDir makes the output folder and proves that it can be written. Only a folder that is
// made here gets a .gitignore: one that exists may hold what belongs under version control.
func outputDir(path, repo string) (string, error) {
	bad := func(why, next string) (string, error) {
		return "", fault.BadInput(fmt.Sprintf("output-dir %q %s", path, why), next)
	}
	const otherwise = "give a folder of its own, such as .zenml-upgrade"
	dir, err := filepath.Abs(path)
	if err != nil || path == "" {
		return bad("is no path", otherwise)
	}
	if rel, err := filepath.Rel(dir, repo); err == nil && filepath.IsLocal(rel) {
		return bad("is the repository or holds it", otherwise)
	}
	if slices.Contains(strings.Split(filepath.ToSlash(dir), "/"), ".git") {
		return bad("lies inside .git", otherwise)
	}
	st, err := os.Lstat(dir)
	switch {
	case err == nil && st.Mode()&os.ModeSymlink != 0: // a pull request could have put it there
		return bad("is a symbolic link", otherwise)
	case err == nil && !st.IsDir():
		return bad("is a file", otherwise)
	case err != nil:
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return bad("cannot be made: "+cause(err), "give a folder that can be written")
		}
		if err := atomicfile.Write(filepath.Join(dir, ".gitignore"), []byte("*\n")); err != nil {
			return bad("cannot be written: "+cause(err), "give a folder that can be written")
		}
	}
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return bad("cannot be written: "+cause(err), "give a folder that can be written")
	}
	_ = f.Close()
	return dir, os.Remove(f.Name())
}

// cacheDir is ZENML_UPGRADE_CACHE, else the .cache of the checkout whose bin holds this program,
// else the user's cache folder.
func cacheDir(p process) (string, error) {
	dir := p.getenv("ZENML_UPGRADE_CACHE")
	if self, err := os.Executable(); dir == "" && err == nil {
		checkout := filepath.Join(filepath.Dir(filepath.Dir(self)), ".cache")
		if st, err := os.Stat(filepath.Join(checkout, "tools")); err == nil && st.IsDir() {
			dir = checkout
		}
	}
	if base := p.getenv("XDG_CACHE_HOME"); dir == "" && filepath.IsAbs(base) {
		dir = filepath.Join(base, "zenml-upgrade")
	}
	if home := p.getenv("HOME"); dir == "" && home != "" {
		dir = filepath.Join(home, ".cache", "zenml-upgrade")
	}
	if dir == "" {
		return "", fault.BadInput("there is no folder for cached environments", "set ZENML_UPGRADE_CACHE or HOME")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fault.BadInput(fmt.Sprintf("ZENML_UPGRADE_CACHE %q is no path", dir), "give an absolute path")
	}
	return abs, nil
}

// cause is the system's word without the operation and path that os puts around it.
func cause(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
