// Package compattest is the action compat-test: it runs the same checks on the old and on the new
// ZenML and tells what the upgrade breaks from what was broken before.
package compattest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/tracking"
)

type compatTest struct {
	in      Inputs
	options compat.Options // what Check made of them
	pythons []string
	cells   []compat.Cell // of the matrix whose results are joined
	dry     bool

	deployment checklist.Deployment
	track      *tracking.Wish // null: no tracking issue
}

// New returns the action.
func New() action.Action { return &compatTest{} }

func (c *compatTest) Name() string { return "compat-test" }

func (c *compatTest) Help() string {
	return `Run pipelines, artifacts, client and dashboard on the old and the new ZenML and compare.

Examples:
  zenml-upgrade compat-test --from 0.85.0 --to 0.98.0
      every built-in check and every pipeline of the configuration, on two throw-away servers
  zenml-upgrade compat-test --from 0.85.0 --to 0.98.0 --suite none --pipelines train,score
      two of the repository's own pipelines alone
  zenml-upgrade compat-test --from 0.85.0 --to 0.98.0 --python-versions 3.11 --format json
      on one Python; result.json on standard output
  zenml-upgrade compat-test --from 0.85.0 --to 0.98.0 --shard 2/4
      the second of four parts; --aggregate DIR joins their results
  zenml-upgrade compat-test --from 0.85.0 --to 0.98.0 --server-url https://zenml.example.com --new-server-url https://zenml-new.example.com
      your own servers too, which are not changed; keys in ZENML_UPGRADE_SERVER_TOKEN, ZENML_UPGRADE_NEW_SERVER_TOKEN
  zenml-upgrade compat-test --from 0.85.0 --to 0.98.0 --dry-run true
      names what would be checked; starts nothing`
}

func (c *compatTest) Inputs() any { return &c.in }

// Run tests, or with dry-run says what would be tested, on inputs that Check found good.
func (c *compatTest) Run(ctx context.Context, rt *action.Runtime) (action.Result, error) {
	o := c.options
	o.Progress = rt.Progress
	if c.in.Aggregate != "" {
		return c.shown(c.aggregate())
	}
	if c.dry {
		return &Result{Result: compat.Planned(o)}, nil
	}
	if err := os.RemoveAll(o.Logs); err != nil { // of an earlier run
		return nil, fmt.Errorf("removing the logs of an earlier run: %w", err)
	}
	test := func() (*compat.Result, error) { return compat.RunAll(ctx, o, c.pythons) }
	if len(c.pythons) == 1 {
		o.Python = c.pythons[0]
		test = func() (*compat.Result, error) { return compat.Run(ctx, o) }
	}
	return c.shown(test())
}

// shown is a result for the writers; beside an error there is none, and not one that holds nothing.
func (c *compatTest) shown(res *compat.Result, err error) (action.Result, error) {
	if err != nil {
		return nil, err
	}
	return &Result{res, c.tracked(res)}, nil
}

// aggregate joins the results of shards, or of the jobs of a matrix.
func (c *compatTest) aggregate() (*compat.Result, error) {
	if len(c.cells) > 0 {
		return compat.AggregateCells(c.in.Aggregate, c.options.From, c.options.To, c.cells)
	}
	return compat.Aggregate(c.in.Aggregate, c.options.From, c.options.To)
}

// Check tells the faults of the inputs. That the package index does not answer is told when
// nothing else is wrong: nothing could be installed.
func (c *compatTest) Check(ctx context.Context, rt *action.Runtime) error {
	untrusted, errEvent := event(rt)
	if errEvent != nil && c.in.Aggregate == "" {
		return errEvent // a run that must not be has no other faults
	}
	cfg, errCfg := action.ConfigFor(ctx, rt, c.in.Config)
	withheld := untrusted && c.in.withhold()
	o, pys, errIn := c.in.decode(cfg)
	o.Withheld = withheld
	o.Repo, o.Environ, o.Secrets = rt.Repo, rt.Environ, rt.Secrets
	var errDry, errTools error
	o.Untrusted = untrusted
	o.Logs = filepath.Join(rt.OutDir, "logs")
	c.dry, errDry = action.Bool("dry-run", c.in.DryRun)
	o.Pyenv, errTools = pyenv.New(rt.Environ, rt.CacheDir)
	c.options, c.pythons = o, pys
	var errMatrix error
	c.cells, errMatrix = c.in.cells()
	err := errors.Join(errCfg, errIn, errDry, errMatrix, c.decodeTracking(cfg))
	if c.in.Aggregate != "" { // nothing is run: neither tools nor versions are asked for
		return err
	}
	err = errors.Join(err, errTools)
	if o.Pyenv == nil {
		return err
	}
	index := pyenv.Index{Manager: o.Pyenv, Dir: rt.CacheDir, Now: rt.Now}
	all, errIndex := index.Versions(ctx, "zenml", o.From, o.To)
	switch {
	case errIndex == nil:
		return errors.Join(err, action.Released(all, o.From, o.To))
	case err == nil || fault.IsInput(errIndex):
		return errors.Join(err, errIndex)
	}
	return err
}
