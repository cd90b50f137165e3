package compattest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Inputs are the action's inputs, as text.
type Inputs struct {
	action.Common
	From           string `help:"ZenML version that runs now." required:"true" placeholder:"VERSION"`
	To             string `help:"ZenML version to upgrade to." required:"true" placeholder:"VERSION"`
	Suite          string `help:"Built-in checks to run, of basic, complex, artifact, integration, client and dashboard; none for none." default:"basic,complex,artifact,integration,client,dashboard" placeholder:"LIST"`
	Pipelines      string `help:"Names of the configured pipelines to run; all, or none." default:"all" placeholder:"LIST"`
	Artifacts      string `help:"Artifact versions of the old server that both versions load: sample (200, of each type and materializer the newest in turn), all, none or a number." default:"sample" placeholder:"SELECTION"`
	PythonVersions string `help:"Python to test with: one version, which must be installed. Default: the first of the configuration's projects, else one that ZenML supports." placeholder:"VERSION"`
}

// anyPython is what ZenML versions since 0.55 have in common.
const anyPython = ">=3.10,<3.12"

// decode checks every input and returns all faults at once.
func (in *Inputs) decode(cfg *config.Config) (compat.Options, error) {
	o := compat.Options{From: strings.TrimSpace(in.From), To: strings.TrimSpace(in.To)}
	faults := []error{action.Versions(o.From, o.To)}
	if cfg == nil { // told by the caller; what it holds cannot be judged
		cfg, in.Pipelines = &config.Config{}, "none"
	}
	o.Suite = choose(&faults, "suite", action.List(in.Suite), compat.Groups)
	asked := action.List(in.Pipelines)
	o.Named = len(asked) > 0 && asked[0] != "all"
	var names []string
	for _, p := range cfg.Pipelines {
		names = append(names, p.Name)
	}
	for _, name := range choose(&faults, "pipelines", asked, names) {
		i := slices.IndexFunc(cfg.Pipelines, func(p config.Pipeline) bool { return p.Name == name })
		o.Pipelines = append(o.Pipelines, cfg.Pipelines[i])
	}
	for _, p := range cfg.Projects {
		o.Projects = append(o.Projects, p.Path)
	}
	var err error
	if o.Artifacts, err = compat.ParseSelection(in.Artifacts); err != nil {
		faults = append(faults, fault.BadInput("artifacts "+err.Error(), "give one of these"))
	}
	o.Python = python(&faults, action.List(in.PythonVersions), cfg)
	if len(o.Suite) == 0 && len(o.Pipelines) == 0 {
		faults = append(faults, fault.BadInput("suite and pipelines leave nothing to run", "name at least one built-in check or one configured pipeline"))
	}
	return o, errors.Join(faults...)
}

// choose returns the named ones of what there is: all of them for "all", nothing for "none".
func choose(faults *[]error, input string, asked, known []string) []string {
	switch {
	case len(asked) == 1 && asked[0] == "none":
		return nil
	case len(asked) == 0, len(asked) == 1 && asked[0] == "all":
		return known
	}
	var out []string
	for _, name := range asked {
		switch {
		case !slices.Contains(known, name):
			*faults = append(*faults, fault.BadInput(fmt.Sprintf("%s %q is not known", input, name),
				fmt.Sprintf("give all, none or some of %q", known)))
		case !slices.Contains(out, name):
			out = append(out, name)
		}
	}
	return out
}

func python(faults *[]error, asked []string, cfg *config.Config) string {
	switch {
	case len(asked) > 1:
		*faults = append(*faults, fault.BadInput(fmt.Sprintf("python-versions %q names more than one", asked), "run once for each version, with one job of a matrix each"))
		return ""
	case len(asked) == 1 && (version.Valid(asked[0]) != nil || !strings.HasPrefix(asked[0], "3.")):
		*faults = append(*faults, fault.BadInput(fmt.Sprintf("python-versions %q is not a version of Python", asked[0]), "write it as 3.11"))
		return ""
	case len(asked) == 1:
		return asked[0]
	}
	for _, p := range cfg.Projects {
		if len(p.PythonVersions) > 0 {
			return p.PythonVersions[0]
		}
	}
	return anyPython
}
