// Package action is what the three actions and the command line agree on.
package action

import (
	"context"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/progress"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

// Common are the inputs every action has (contract). Each action's Inputs embeds it.
// All fields are text: decoding them is the action's, so that all faults are told at once.
type Common struct {
	Config         string `help:"Path of the configuration file. Default: .github/zenml-upgrade.yml below repository-path, when present." placeholder:"FILE"`
	OutputDir      string `help:"Folder for result.json, report.html and report.md." default:".zenml-upgrade" placeholder:"DIR"`
	DryRun         string `help:"Say what would be done and do nothing outside the output folder." default:"false" placeholder:"BOOL"`
	Format         string `help:"What standard output holds: text, json or markdown." default:"text"`
	RepositoryPath string `help:"Root of the repository that uses ZenML." default:"." placeholder:"DIR"`
	FailOn         string `help:"Decisions that fail the run, of review, block and unknown." default:"block,unknown" placeholder:"LIST"`
}

// Runtime is all an action may use of the process it runs in.
type Runtime struct {
	Environ  []string // KEY=value, as the process got it
	Progress *progress.Display
	Now      func() time.Time
	OutDir   string   // absolute; exists
	CacheDir string   // absolute; environments and facts are kept here
	Repo     string   // absolute repository-path
	Secrets  []string // what must stand in no log, for proc.Command.Secrets
}

// Getenv looks a variable up in Environ.
func (r *Runtime) Getenv(key string) string { return proc.Getenv(r.Environ, key) }

// Result is what an action hands to the writers. Its JSON form is result.json.
type Result interface {
	Head() *report.Common
	Document() report.Document
}

// Outcome is implemented by results whose exit status depends on more than the decision
// (staging-upgrade: rolled_back, frozen, rollback_failed, interrupted, refused).
type Outcome interface{ OutcomeWord() string }

// Filer is implemented by results that put further files (junit.xml) beside result.json: texts by
// name. They are written for the action, so that no secret stands in them either.
type Filer interface {
	Files() (map[string][]byte, error)
}

// Outputter is implemented by results that have outputs of their own beside those of every action:
// texts by name, as in action.yml.
type Outputter interface{ Outputs() map[string]string }

// Checker is implemented by actions that can tell the faults of their inputs without doing
// anything but asking the package index. It is asked before Run, so that these are told together with
// the common inputs' faults; rt has no Progress yet.
type Checker interface {
	Check(ctx context.Context, rt *Runtime) error
}

// Action is one of the three. Inputs returns a pointer to a struct that kong can fill.
// Run returns a result whenever one can be formed, also beside an error.
type Action interface {
	Name() string
	Help() string
	Inputs() any
	Run(ctx context.Context, rt *Runtime) (Result, error)
}
