package compattest

import (
	"errors"
	"fmt"
	"regexp"
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
	action.Tracking
	Environment    string `help:"Environment of the configuration whose tracking issue is kept. Default: the only one there is." placeholder:"NAME"`
	From           string `help:"ZenML version that runs now." required:"true" placeholder:"VERSION"`
	To             string `help:"ZenML version to upgrade to." required:"true" placeholder:"VERSION"`
	Suite          string `help:"Built-in checks to run, of basic, complex, artifact, integration, stack, connector, tracking, snapshot, client and dashboard; none for none." default:"basic,complex,artifact,integration,stack,connector,tracking,snapshot,client,dashboard" placeholder:"LIST"`
	Integrations   string `help:"ZenML integrations that the group integration tests; auto for those that need a package of your requirements." default:"auto" placeholder:"LIST"`
	Pipelines      string `help:"Names of the configured pipelines to run; all, or none." default:"all" placeholder:"LIST"`
	Shard          string `help:"Which part of the test this run does, as k/n: of n runs that share it the k-th. All get the same inputs otherwise." placeholder:"K/N"`
	Timings        string `help:"A result.json of an earlier run: shards are divided by how long each check took there." placeholder:"FILE"`
	Aggregate      string `help:"Folder with the results of all shards, each in a folder of its own. They are joined; nothing is run." placeholder:"DIR"`
	Matrix         string `help:"The output matrix of release-check, for aggregate: the folder then holds the results of its jobs, each in a folder whose name ends in - and its index." placeholder:"JSON"`
	Artifacts      string `help:"Artifact versions of the old server that both versions load: sample (200, of each type and materializer the newest in turn), all, none or a number." default:"sample" placeholder:"SELECTION"`
	ServerURL      string `name:"server-url" help:"Address of your own server of the old version. It is tested beside the throw-away ones: read, and one pipeline of the tool's own run on a stack that is made for it; both are deleted." placeholder:"URL"`
	ServerToken    string `help:"API key (ZENKEY_...) of a service account of that server. No code that is tested gets it." secret:"true" placeholder:"KEY"`
	NewServerURL   string `name:"new-server-url" help:"Address of your own server of the new version, such as an upgraded copy. Needs server-url." placeholder:"URL"`
	NewServerToken string `help:"API key (ZENKEY_...) of a service account of that server." secret:"true" placeholder:"KEY"`
	AllowWrites    string `help:"Run your pipelines on your own servers too, with what they write there. Without it nothing of yours is run, changed or deleted." default:"false" placeholder:"BOOL"`
	ArtifactRoot   string `help:"Folder below which the local artifact stores of your own servers lie (ZENML_LOCAL_STORES_PATH), to load their artifacts." placeholder:"DIR"`
	PythonVersions string `help:"Python versions to test with, such as 3.11,3.12. For each the requirements are resolved; checks run where it is installed. Default: the first of the configuration's projects, else one that ZenML supports." placeholder:"LIST"`
}

// anyPython is what ZenML versions since 0.55 have in common.
const anyPython = ">=3.10,<3.12"

// decode checks every input and returns all faults at once.
func (in *Inputs) decode(cfg *config.Config) (o compat.Options, pys []string, err error) {
	o = compat.Options{From: strings.TrimSpace(in.From), To: strings.TrimSpace(in.To)}
	faults := []error{action.Versions(o.From, o.To)}
	if cfg == nil { // told by the caller; what it holds cannot be judged
		cfg, in.Pipelines = &config.Config{}, "none"
	}
	o.Suite = choose(&faults, "suite", action.List(in.Suite), compat.Groups)
	if names := action.List(in.Integrations); len(names) > 0 && !(len(names) == 1 && names[0] == "auto") {
		o.Integrations = integrations(&faults, names, o.Suite)
	}
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
	if o.Artifacts, err = compat.ParseSelection(in.Artifacts); err != nil {
		faults = append(faults, fault.BadInput("artifacts "+err.Error(), "give one of these"))
	}
	pys = pythons(&faults, action.List(in.PythonVersions), cfg)
	if len(o.Suite) == 0 && len(o.Pipelines) == 0 {
		faults = append(faults, fault.BadInput("suite and pipelines leave nothing to run", "name at least one built-in check or one configured pipeline"))
	}
	faults = append(faults, in.servers(&o, cfg), in.share(&o))
	return o, pys, errors.Join(faults...)
}

var integrationForm = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// integrations checks the form of names; which there are only ZenML itself knows.
func integrations(faults *[]error, names, suite []string) []string {
	for _, name := range names {
		if !integrationForm.MatchString(name) {
			*faults = append(*faults, fault.BadInput(fmt.Sprintf("integrations %q is no name of an integration", name), "write it like sklearn"))
		}
	}
	if !slices.Contains(suite, "integration") {
		*faults = append(*faults, fault.BadInput("integrations are named, but suite leaves their checks out", "add integration to suite"))
	}
	return names
}

// share leaves in the options what this shard runs.
func (in *Inputs) share(o *compat.Options) error {
	shard, err := compat.ParseShard(in.Shard)
	if err != nil {
		return fault.BadInput("shard "+err.Error(), "write it as 2/4")
	}
	if shard == nil {
		if in.Timings != "" {
			return fault.BadInput("timings is given without shard", "give both or none")
		}
		return nil
	}
	if in.Aggregate != "" {
		return fault.BadInput("shard and aggregate are both given", "run the shards first, then aggregate their results")
	}
	var seconds map[string]float64
	if in.Timings != "" {
		if seconds, err = compat.Timings(in.Timings); err != nil {
			return err
		}
	}
	o.Shard = shard
	return shard.Take(o, seconds)
}

// cells are the jobs of the matrix that is joined.
func (in *Inputs) cells() ([]compat.Cell, error) {
	text := strings.TrimSpace(in.Matrix)
	switch {
	case text == "":
		return nil, nil
	case in.Aggregate == "":
		return nil, fault.BadInput("matrix is given without aggregate", "give both; a job of the matrix gets its own inputs")
	}
	cells, err := compat.ParseMatrix(text)
	if err != nil {
		return nil, fault.BadInput("matrix "+err.Error(), "give the output matrix of release-check as it is")
	}
	return cells, nil
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

// pythons returns the Python versions to test with; the one of a single element may be a range.
func pythons(faults *[]error, asked []string, cfg *config.Config) []string {
	for i, v := range asked {
		switch {
		case version.Valid(v) != nil || !strings.HasPrefix(v, "3."):
			*faults = append(*faults, fault.BadInput(fmt.Sprintf("python-versions %q is not a version of Python", v), "write it as 3.11"))
		case slices.Contains(asked[:i], v):
			*faults = append(*faults, fault.BadInput(fmt.Sprintf("python-versions names %q twice", v), "keep one"))
		}
	}
	if len(asked) > 0 {
		return asked
	}
	for _, p := range cfg.Projects {
		if len(p.PythonVersions) > 0 {
			return p.PythonVersions[:1]
		}
	}
	return []string{anyPython}
}
