package compat

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/progress"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// Options say what to test.
type Options struct {
	From, To  string   // ZenML versions
	Suite     []string // of Groups; empty: none of the built-in checks
	Pipelines []config.Pipeline
	Artifacts Selection

	Integrations []string // to test; empty: those that a package of the requirements belongs to
	Projects     []string // folders below Repo whose requirements the clients get; empty: the root
	Repo         string   // absolute
	Python       string   // as in pyenv.Spec
	Pyenv        *pyenv.Manager
	Environ      []string // our process's environment; see proc.BaseEnv
	Secrets      []string // kept out of everything that processes say
	Named        bool     // Pipelines were asked for by name: those marked long run too
	Untrusted    bool     // the code comes from a fork or a bot: it gets no secrets
	Servers      OwnServers
	Withheld     bool   // servers were named that this run does not get, for its code is a fork's or a bot's
	Shard        *Shard // what of the test is run here; nil: all
	Logs         string // folder for the pipelines' logs; "" keeps none
	Progress     *progress.Display

	limits *matrixLimits // nil: the usual ones
	label  string        // tells several runs of one test apart in the names of logs
}

// test is one run under way.
type test struct {
	Options
	res       *Result
	pipelines []*pipeline
	needs     *repo.Set
	parts     []string // of stacks that the code names
	old, new  *world
	oldResult *attempts
	newResult *attempts
	chosen    []zenml.ArtifactVersion // loaded in both worlds
	oldLoads  map[string]loaded
	stored    treeState // before anything was loaded

	repository treeState // of the repository itself, before anything ran
	control    []Skew    // the old client on its own server
	early      []Skew    // the new client on the old server
	skewGap    string    // why the skew could not be measured
	newDown    string    // why the new server does not serve, "" when it does

	visited chan struct{} // closed when the new client has visited the old server

	theirOld *ownServer // the team's own servers; nil: none is tested
	theirNew *ownServer
	visits   atomic.Int64
	mu       sync.Mutex // guards what several visits to the team's servers find
}

// Run tests. Everything it starts and writes is gone when it returns, but for the environments,
// which are kept for the next run. The error is worded for the user; the result is nil beside it.
func Run(ctx context.Context, o Options) (*Result, error) {
	dir, err := os.MkdirTemp("", "zenml-upgrade-compat-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the test: %w", err)
	}
	defer os.RemoveAll(dir)
	t, err := newTest(o, dir)
	if err != nil {
		return nil, err
	}
	defer t.new.stop(ctx)
	defer t.old.stop(ctx)
	for _, step := range []func(context.Context) error{t.connect, t.prepare, t.baseline, t.both, t.theirs} {
		if err := step(ctx); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	t.conclude()
	return t.res, nil
}

// newTest reads what the repository says and describes both worlds, of which nothing is made yet.
func newTest(o Options, dir string) (*test, error) {
	t := &test{Options: o, oldResult: &attempts{}, newResult: &attempts{}, visited: make(chan struct{})}
	if t.limits == nil {
		t.limits = &usualLimits
	}
	t.res = emptyResult(o.From, o.To)
	t.res.Machine = machineFact("/")
	t.res.Shard, t.res.withheld = o.Shard, o.Withheld
	if err := t.read(); err != nil {
		return nil, err
	}
	password, stores := rand.Text(), filepath.Join(dir, "stores")
	fresh := func(name, version string) *world {
		return &world{
			name: name, version: version, dir: filepath.Join(dir, name), stores: stores, password: password,
			environ: o.Environ, secrets: append([]string{password}, o.Secrets...), logs: o.Logs, label: o.label,
		}
	}
	t.old, t.new = fresh(oldName, o.From), fresh("new", o.To)
	return t, nil
}

// read takes in what the repository says, before anything is started.
func (t *test) read() error {
	var faults []error
	for _, c := range t.Pipelines {
		p, err := newPipeline(c, &t.Options)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		t.pipelines = append(t.pipelines, p)
	}
	if err := t.readNeeds(); err != nil {
		return errors.Join(append(faults, unreadable(err))...)
	}
	var err error
	if t.repository, err = readTree(t.Repo, leftBehind); err != nil {
		faults = append(faults, err)
	}
	if len(t.needs.Files) == 0 && len(t.Pipelines) > 0 {
		faults = append(faults, noRequirements(t.Projects))
	}
	return errors.Join(faults...)
}

func (t *test) readNeeds() error {
	tree, err := repo.Scan(t.Repo)
	if err != nil {
		return err
	}
	defer tree.Close()
	if t.needs, err = repo.Needs(tree, t.Projects); err != nil {
		return err
	}
	t.res.Pins = Pins{Files: append([]string{}, t.needs.Files...), Ignored: []string{}, Resolved: true, Dropped: []string{}}
	for _, g := range t.needs.Gaps {
		t.res.Pins.Ignored = append(t.res.Pins.Ignored, g.String())
	}
	t.parts = stackParts(tree)
	return nil
}
