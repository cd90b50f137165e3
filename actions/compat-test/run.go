// Package compattest is the action compat-test: it runs the same checks on the old and on the new
// ZenML and tells what the upgrade breaks from what was broken before.
package compattest

import (
	"context"
	"errors"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

type compatTest struct{ in Inputs }

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
  zenml-upgrade compat-test --from 0.85.0 --to 0.98.0 --dry-run true
      names what would be checked; starts nothing`
}

func (c *compatTest) Inputs() any { return &c.in }

// Run tests, or with dry-run says what would be tested.
func (c *compatTest) Run(ctx context.Context, rt *action.Runtime) (action.Result, error) {
	o, err := c.options(rt)
	dry, dryErr := action.Bool("dry-run", c.in.DryRun)
	if err := errors.Join(err, dryErr); err != nil {
		return nil, err
	}
	if dry {
		return planned(o), nil
	}
	m, err := pyenv.New(rt.Environ, rt.CacheDir)
	if err != nil {
		return nil, err
	}
	o.Pyenv = m
	res, err := compat.Run(ctx, o)
	if err != nil {
		return nil, err // not res: a nil *compat.Result in an interface is not nil
	}
	return res, nil
}

// planned is the result of a dry run: every check is named, none was run, so nothing is known.
func planned(o compat.Options) *compat.Result {
	r := &compat.Result{
		Common: report.Common{
			From: &o.From, To: &o.To,
			Reasons: []verdict.Reason{{
				Code: "dry_run", Text: "this was a dry run: nothing was started and nothing is known", Evidence: []string{}, Decision: verdict.Unknown,
			}},
		},
		Checks: compat.Planned(o), Artifacts: []compat.Artifact{}, Deprecated: []compat.Deprecated{},
		Pins: compat.Pins{Files: []string{}, Ignored: []string{}, Dropped: []string{}},
	}
	r.Decide("dry_run")
	return r
}

// Check tells the faults of the inputs without doing anything.
func (c *compatTest) Check(rt *action.Runtime) error {
	_, err := c.options(rt)
	return err
}

func (c *compatTest) options(rt *action.Runtime) (compat.Options, error) {
	cfg, cfgErr := action.LoadConfig(rt, c.in.Config)
	if cfg == nil {
		cfg = &config.Config{}
	}
	o, inErr := c.in.decode(cfg)
	if cfgErr != nil {
		// Without the configuration the pipelines' names cannot be judged.
		return o, cfgErr
	}
	o.Repo, o.Environ, o.Secrets, o.Progress = rt.Repo, rt.Environ, rt.Secrets, rt.Progress
	return o, inErr
}
