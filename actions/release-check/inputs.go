package releasecheck

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/impact"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Inputs are the action's inputs as text.
type Inputs struct {
	action.Common
	From           string `help:"Version that is used now. Default: the version that the repository's requirements pin." placeholder:"VERSION"`
	To             string `help:"Version to upgrade to, such as 0.98.0. Default: the newest release on the package index." placeholder:"VERSION"`
	Releases       string `help:"Where release notes come from: github, or a file or folder shaped like GitHub's list-releases answer." default:"github" placeholder:"SOURCE"`
	Publish        string `help:"Publish the result of another run instead of making one: its result.json, or artifact:NAME to download what it uploaded. Works in a workflow that workflow_run starts, with a token that may write." placeholder:"FILE"`
	PythonVersions string `help:"Python versions in use, such as 3.11,3.12. Default: the configuration's projects, else what the repository's files say." placeholder:"LIST"`
}

// settings are the decoded inputs and what decoding them had to read.
type settings struct {
	cfg      *config.Config
	from, to string
	crossed  []string       // from < v <= to; nil when the index could not be asked
	bodies   []release.Body // of a file or folder; nil for GitHub
	github   bool
	tree     *repo.Tree
	sets     []repo.Set
	gaps     []repo.Gap // of the requirement files
	pythons  []repo.Python
	manager  *pyenv.Manager
	index    *pyenv.Index
	noIndex  error // why the versions on the index are not known
}

// decode reads all inputs and returns every fault at once. The package index is asked for the
// versions unless they are wrong without it. The caller closes settings.tree.
func (in *Inputs) decode(ctx context.Context, rt *action.Runtime) (*settings, error) {
	s := &settings{from: strings.TrimSpace(in.From), to: strings.TrimSpace(in.To)}
	cfg, err := action.LoadConfig(rt, in.Config)
	if s.cfg = cfg; cfg == nil {
		s.cfg = &config.Config{}
	}
	faults := []error{err, s.decodeReleases(in.Releases), s.decodeRepository(rt.Repo), s.decodePythons(in.PythonVersions), s.decodeTools(rt)}
	versions := s.decodeVersions()
	if versions == nil && s.index != nil && (s.from != "" || s.tree != nil) {
		versions = s.askIndex(ctx)
	}
	err = errors.Join(append(faults, versions)...)
	if err != nil && s.tree != nil {
		err = errors.Join(err, s.tree.Close())
	}
	return s, err
}

func (s *settings) decodeTools(rt *action.Runtime) error {
	m, err := pyenv.New(rt.Environ, rt.CacheDir)
	if err != nil {
		return err
	}
	s.manager = m
	s.index = &pyenv.Index{Manager: m, Dir: rt.CacheDir, Now: rt.Now}
	_, err = m.TyPath()
	return err
}

func (s *settings) decodeReleases(text string) error {
	if s.github = text == "" || text == "github"; s.github {
		return nil
	}
	bodies, err := release.FromPath(text)
	s.bodies = bodies
	return err
}

func (s *settings) decodeRepository(dir string) error {
	st, err := os.Stat(dir)
	if folder := err == nil && st.IsDir(); !folder {
		return nil // told with the common inputs
	}
	t, err := repo.Scan(dir)
	if err != nil {
		return err
	}
	s.tree = t
	var files []string
	s.sets, files, s.gaps = repo.Sets(t)
	switch {
	case len(s.sets)+len(s.gaps) > 0:
		return nil
	case len(files) == 0:
		return fault.BadInput(fmt.Sprintf("the repository %q has no requirement file (requirements*.txt or pyproject.toml)", filepath.Base(dir)),
			"check repository-path, or write down what the code needs")
	}
	return fault.BadInput(fmt.Sprintf("no requirement file asks for zenml (looked at: %s)", strings.Join(files[:min(len(files), 5)], ", ")),
		"check repository-path, or add zenml with its version to one of them")
}

var pythonVersion = regexp.MustCompile(`^3\.\d{1,2}(\.\d{1,2})?$`)

// decodePythons takes the input, else the configuration's projects, else what the files say.
func (s *settings) decodePythons(text string) error {
	var faults []error
	add := func(v, source string) {
		if !pythonVersion.MatchString(v) {
			faults = append(faults, fault.BadInput(fmt.Sprintf("python version %q (%s) is not one such as 3.11", v, source), "give minor versions of Python 3, divided by commas"))
			return
		}
		v = strings.Join(strings.Split(v, ".")[:2], ".")
		if !slices.ContainsFunc(s.pythons, func(u repo.Python) bool { return u.Version == v }) {
			s.pythons = append(s.pythons, repo.Python{Version: v, Source: source})
		}
	}
	for _, v := range action.List(text) {
		add(v, "input python-versions")
	}
	if text == "" {
		for _, p := range s.cfg.Projects {
			for _, v := range p.PythonVersions {
				add(v, "configuration, project "+p.Path)
			}
		}
	}
	if len(s.pythons) == 0 && len(faults) == 0 && s.tree != nil {
		s.pythons = repo.Pythons(s.tree)
	}
	slices.SortFunc(s.pythons, func(a, b repo.Python) int { return version.Compare(a.Version, b.Version) })
	return errors.Join(faults...)
}

// decodeVersions checks what can be checked without the index, and takes from from the pins.
func (s *settings) decodeVersions() error {
	if s.from == "" && s.tree != nil {
		var pinned []string
		for _, p := range impact.FindPins(s.sets) {
			if p.Version != nil && !slices.Contains(pinned, *p.Version) {
				pinned = append(pinned, *p.Version)
			}
		}
		switch {
		case len(pinned) == 1:
			s.from = pinned[0]
		case len(s.sets)+len(s.gaps) == 0:
			return nil // told already
		case len(pinned) == 0:
			return fault.BadInput("from is missing, and the repository pins zenml to no single version", "give from, the version that is used now")
		default:
			return fault.BadInput(fmt.Sprintf("the repository pins zenml to different versions (%s)", strings.Join(pinned, ", ")), "give from, the version that is used now")
		}
	}
	return action.Versions(s.from, s.to)
}

// askIndex checks both versions against the package index and lists what lies between. An index
// that does not answer is no fault of the input: the verdict will say what is not known.
func (s *settings) askIndex(ctx context.Context) error {
	all, err := s.index.Versions(ctx, "zenml")
	switch {
	case fault.IsInput(err): // pip is missing
		return err
	case err != nil:
		if s.to == "" {
			return fault.BadInput("to is missing, and the package index did not say which release is the newest", "give to")
		}
		s.noIndex = err
		return nil
	}
	if s.to == "" {
		i := slices.IndexFunc(all, func(v string) bool { return !version.Prerelease(v) && !version.Yanked(v) })
		if i < 0 {
			return fault.BadInput("the package index lists no release of zenml", "check the index configured for pip")
		}
		s.to = all[i]
	}
	s.crossed = version.Crossed(all, s.from, s.to)
	return errors.Join(action.Released(all, s.from, s.to), action.Versions(s.from, s.to)) // to may be new
}
