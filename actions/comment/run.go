// Package comment is the action comment: it answers /zenml-upgrade commands in comments
// on issues and pull requests.
package comment

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/command"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
)

// Inputs are the action's inputs as text.
type Inputs struct {
	action.Common
	StagingWorkflow    string `help:"File of the workflow that commands start for environments of the kinds staging and development." default:"staging.yml" placeholder:"FILE"`
	ProductionWorkflow string `help:"File of the workflow that commands start for environments of the kind production." default:"production.yml" placeholder:"FILE"`
}

type comment struct {
	in    Inputs
	event gha.CommentEvent
	dry   bool
}

// New returns the action.
func New() action.Action { return &comment{} }

func (a *comment) Name() string { return "comment" }

func (a *comment) Inputs() any { return &a.in }

func (a *comment) Help() string {
	return `Answer a /zenml-upgrade command in a comment: start a workflow, hold upgrades, tell how things stand.

Examples:
  zenml-upgrade comment --staging-workflow upgrade-staging.yml
      in a workflow on issue_comment (ZENML_UPGRADE_GITHUB_TOKEN holds the token)`
}

var workflowFile = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\.ya?ml$`)

// Check decodes the inputs and tells every fault in them.
func (a *comment) Check(_ context.Context, rt *action.Runtime) error {
	var faults []error
	for _, in := range []struct{ name, file string }{{"staging-workflow", a.in.StagingWorkflow}, {"production-workflow", a.in.ProductionWorkflow}} {
		if !workflowFile.MatchString(in.file) {
			faults = append(faults, fault.BadInput(fmt.Sprintf("%s %q is no file of a workflow", in.name, in.file), "give the name of one in .github/workflows, such as staging.yml"))
		}
	}
	if a.in.GithubToken == "" {
		faults = append(faults, fault.BadInput("github-token is missing", "give ${{ github.token }}"))
	}
	var err error
	a.event, err = gha.ReadComment(rt.Getenv)
	faults = append(faults, err)
	a.dry, err = action.Bool("dry-run", a.in.DryRun)
	return errors.Join(append(faults, err)...)
}

// Run answers the comment.
func (a *comment) Run(ctx context.Context, rt *action.Runtime) (action.Result, error) {
	w, err := action.GitHubWriter(rt, a.in.GithubToken, a.dry)
	if err != nil {
		return nil, err
	}
	res := &Result{Comment: a.event.ID, Author: a.event.Author}
	defer func() { res.GitHub.Requests, res.GitHub.Writes = w.Requests(), w.Writes() }()
	answer := command.Read(a.event)
	if answer == nil {
		cfg, errConfig := action.ConfigAtRun(ctx, rt, w.Reader, a.in.Config)
		if errConfig != nil {
			return nil, errConfig
		}
		place, errPlace := action.Place(rt, w, cfg)
		if errPlace != nil {
			return nil, errPlace
		}
		if place.DefaultBranch == "" {
			return nil, fault.BadInput("the event of this run does not name the repository's default branch", "run it as a step of a workflow")
		}
		answer, err = place.Answer(ctx, a.event, command.Workflows{Staging: a.in.StagingWorkflow, Production: a.in.ProductionWorkflow})
	}
	if answer == nil {
		return nil, err
	}
	res.fill(answer)
	return res, err
}
