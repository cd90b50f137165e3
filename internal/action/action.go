// Package action is what the three actions and the command line agree on.
package action

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/progress"
	"github.com/zenml-upgrade/zenml-upgrade/internal/publish"
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
	GithubToken    string `name:"github-token" help:"Token for GitHub: raises the rate limit of reading, and writes what comment, check-run and labels ask for." secret:"true" placeholder:"TOKEN"`
	Comment        string `help:"In the workflow of a pull request: keep one comment there that tells the result. Needs pull-requests: write." default:"true" placeholder:"BOOL"`
	CheckRun       string `help:"In the workflow of a pull request: make a check run whose annotations stand on the lines at fault. It is named after the action with the word findings; what a ruleset requires is the job. Needs checks: write." default:"true" placeholder:"BOOL"`
	Labels         string `help:"In the workflow of a pull request: put the label ACTION-blocked on it while the result fails the run. Needs pull-requests: write." default:"false" placeholder:"BOOL"`
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

// GitHubURLs are the addresses of GitHub's two APIs. A runner names others than GitHub's own on an
// enterprise server.
func (r *Runtime) GitHubURLs() (rest, graphQL string) {
	rest = cmp.Or(r.Getenv("GITHUB_API_URL"), "https://api.github.com")
	return rest, cmp.Or(r.Getenv("GITHUB_GRAPHQL_URL"), strings.TrimSuffix(strings.TrimSuffix(rest, "/"), "/v3")+"/graphql")
}

// ServerURL is the address of GitHub's pages.
func (r *Runtime) ServerURL() string {
	return cmp.Or(r.Getenv("GITHUB_SERVER_URL"), "https://github.com")
}

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

// Annotation marks a line at fault. Texts may come from outside.
type Annotation struct {
	Failure bool   // else a warning
	File    string // relative to repository-path
	Line    int    // 1-based
	Title   string
	Message string
}

// Annotator is implemented by results that know lines at fault, the most important first.
type Annotator interface{ Annotations() []Annotation }

// Shown is implemented by results of another run, which are shown where that run was for. Its
// exit status is that of the showing.
type Shown interface {
	// ShownOn returns the place, nil when there is none any more, and whether the run had failed.
	ShownOn() (target *publish.Target, failed bool)
}

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
