package releasecheck

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/tracking"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
	"github.com/zenml-upgrade/zenml-upgrade/internal/which"
)

// Inputs are the action's inputs as text.
type Inputs struct {
	action.Common
	action.Tracking
	Environment    string `help:"Environment of the configuration whose tracking issue is kept. Default: the only one there is." placeholder:"NAME"`
	From           string `help:"Version that is used now. Default: what the base of the pull request pins, else the server's version, else what the repository pins." placeholder:"VERSION"`
	To             string `help:"Version to upgrade to, such as 0.98.0. Default: what the pull request pins, else the newest release on the package index." placeholder:"VERSION"`
	Releases       string `help:"Where release notes come from: github, or a file or folder shaped like GitHub's list-releases answer." default:"github" placeholder:"SOURCE"`
	Publish        string `help:"Publish the result of another run instead of making one: its result.json, or artifact:NAME to download what it uploaded. Works in a workflow that workflow_run starts, with a token that may write." placeholder:"FILE"`
	PythonVersions string `help:"Python versions in use, such as 3.11,3.12. Default: the configuration's projects, else what the repository's files say." placeholder:"LIST"`
	PullRequest    string `name:"pull-request" help:"Number of the pull request to check. Default: the one of the workflow's event." placeholder:"NUMBER"`
	StartDate      string `help:"First day of the upgrade, such as 2026-11-30: the plan gets days and a chart. Default: durations only." placeholder:"DATE"`
	ServerURL      string `name:"server-url" help:"Address of the ZenML server. Its version is where the upgrade starts, on a pull request when it is older than what the base pins; with server-token, what it really uses answers whom a change hits." placeholder:"URL"`
	ServerToken    string `name:"server-token" help:"API key (ZENKEY_...) of a service account of that server; it is only read from." secret:"true" placeholder:"KEY"`
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
	uses     []repo.Python // the same by folder
	manager  *pyenv.Manager
	start    *time.Time // nil: no plan with days
	index    *pyenv.Index
	noIndex  error // why the versions on the index are not known

	upgrade   *Upgrade
	sides     *which.Sides // of a pull request or merge group, else nil
	settled   []verdict.Reason
	inputFrom string // from as it was given
	reader    *forge.Reader
	noReader  error
	track     *tracking.Wish // null: no tracking issue
	noServer  error          // why the server did not say its version
}

// decode reads all inputs and returns every fault at once. The package index is asked for the
// versions unless they are wrong without it. The caller calls settings.close.
func (in *Inputs) decode(ctx context.Context, rt *action.Runtime) (*settings, error) {
	s := &settings{from: strings.TrimSpace(in.From), to: strings.TrimSpace(in.To), inputFrom: strings.TrimSpace(in.From), cfg: &config.Config{}}
	s.reader, s.noReader = action.GitHub(rt, in.GithubToken)
	errUpgrade := s.findUpgrade(ctx, rt, in)
	if s.cfg == nil {
		s.cfg = &config.Config{}
	}
	errServer := in.decodeServer()
	faults := []error{errUpgrade, errServer, s.decodeReleases(in.Releases), s.decodeStart(in.StartDate)}
	if s.settled == nil {
		faults = append(faults, s.decodeRepository(rt.Repo))
	}
	faults = append(faults, s.decodePythons(in.PythonVersions))
	if errUpgrade == nil { // else the configuration is not known
		faults = append(faults, s.decodeTracking(in))
	}
	if s.settled == nil {
		faults = append(faults, s.decodeTools(rt))
		if errServer == nil {
			faults = append(faults, s.askServer(ctx, in.ServerURL))
		}
		versions := s.decodeVersions()
		if versions == nil && s.index != nil && (s.from != "" || s.tree != nil) {
			versions = s.askIndex(ctx)
		}
		faults = append(faults, versions)
	}
	err := errors.Join(faults...)
	if err != nil {
		err = errors.Join(err, s.close())
	}
	return s, err
}

// close ends the use of what was opened.
func (s *settings) close() error {
	var errs []error
	if s.sides != nil {
		errs = append(errs, s.sides.Close())
	}
	if s.tree != nil {
		errs = append(errs, s.tree.Close())
	}
	return errors.Join(errs...)
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

func (s *settings) decodeStart(text string) error {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	day, err := checklist.ParseStart(text)
	if err != nil {
		return fault.BadInput(fmt.Sprintf("start-date %q is no date", text), "write it like 2026-11-30")
	}
	s.start = &day
	return nil
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
	if s.sides != nil && !s.sides.Checkout {
		s.tree = s.sides.Head // the work tree is something else
	} else if s.tree, err = repo.Scan(dir); err != nil {
		return err
	}
	if s.sides == nil {
		s.pinned()
	}
	var files []string
	s.sets, files, s.gaps = repo.Sets(s.tree)
	switch {
	case len(s.sets)+len(s.gaps)+len(s.upgrade.Pins) > 0:
		return nil
	case len(files) == 0:
		return fault.BadInput(fmt.Sprintf("the repository %q has no requirement file (requirements*.txt or pyproject.toml)", filepath.Base(dir)),
			"check repository-path, or write down what the code needs")
	}
	return fault.BadInput(fmt.Sprintf("no requirement file asks for zenml (looked at: %s)", strings.Join(files[:min(len(files), 5)], ", ")),
		"check repository-path, or add zenml with its version to one of them")
}

var pythonVersion = regexp.MustCompile(`^3\.\d{1,2}(\.\d{1,2})?$`)

// sourceInput is the source of a Python version that the input gives.
const sourceInput = "input python-versions"

// decodePythons takes the input, else the configuration's projects, else what the files say.
func (s *settings) decodePythons(text string) error {
	var faults []error
	add := func(v, source, folder string) {
		if !pythonVersion.MatchString(v) {
			faults = append(faults, fault.BadInput(fmt.Sprintf("python version %q (%s) is not one such as 3.11", v, source), "give minor versions of Python 3, divided by commas"))
			return
		}
		v = strings.Join(strings.Split(v, ".")[:2], ".")
		s.uses = append(s.uses, repo.Python{Version: v, Source: source, Folder: folder})
		if !slices.ContainsFunc(s.pythons, func(u repo.Python) bool { return u.Version == v }) {
			s.pythons = append(s.pythons, repo.Python{Version: v, Source: source})
		}
	}
	for _, v := range action.List(text) {
		add(v, sourceInput, ".")
	}
	if text == "" {
		for _, p := range s.cfg.Projects {
			for _, v := range p.PythonVersions {
				add(v, "configuration, project "+p.Path, path.Clean(p.Path))
			}
		}
	}
	if len(s.pythons) == 0 && len(faults) == 0 && s.tree != nil {
		s.pythons, s.uses = repo.Pythons(s.tree), repo.PythonUses(s.tree)
	}
	slices.SortFunc(s.pythons, func(a, b repo.Python) int { return version.Compare(a.Version, b.Version) })
	return errors.Join(faults...)
}

// decodeVersions checks what can be checked without the index.
func (s *settings) decodeVersions() error {
	switch {
	case s.from != "" || s.tree == nil:
	case len(s.sets)+len(s.gaps)+len(s.upgrade.Pins) == 0:
		return nil // told already
	default:
		return fault.BadInput("from is missing, and the repository pins zenml to no single version", "give from, the version that is used now, or server-url")
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
		if s.to = all[i]; version.Compare(s.from, s.to) >= 0 {
			s.settle(verdict.Because(verdict.Pass, "no_upgrade", fmt.Sprintf("ZenML %s is in use, and %s is the newest release.", s.from, s.to), nil))
			return nil
		}
	}
	s.crossed = version.Crossed(all, s.from, s.to)
	return errors.Join(action.Released(all, s.from, s.to), action.Versions(s.from, s.to)) // to may be new
}
