package action

import (
	"context"
	"errors"
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/command"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
	"github.com/zenml-upgrade/zenml-upgrade/internal/which"
)

// GitHubWriter writes to GitHub where the runner says it is.
func GitHubWriter(rt *Runtime, token string, dry bool) (*forge.Writer, error) {
	rest, graphQL := rt.GitHubURLs()
	return forge.NewWriter(forge.Access{APIURL: rest, GraphQLURL: graphQL, Token: token, DryRun: dry})
}

// ConfigAtRun reads the configuration at the commit that the workflow itself was read at. What a job
// checks out beside it, such as the head of a pull request, says nothing about who may do what.
func ConfigAtRun(ctx context.Context, rt *Runtime, github which.GitHub, path string) (*config.Config, error) {
	at := rt.Getenv("GITHUB_SHA")
	git, below := Checkout(rt)
	base, err := which.Base(ctx, which.Change{Repository: rt.Getenv("GITHUB_REPOSITORY"), Base: at, Head: at}, git, github, below)
	if err != nil {
		return nil, fault.Unreachable(fmt.Sprintf("the configuration is read at the commit of the workflow, %q, which could not be read", at), err, "let actions/checkout fetch it, or give github-token")
	}
	cfg, _, err := ConfigAt(rt, base, path)
	return cfg, errors.Join(err, base.Close())
}

// Place is where commands are given in the repository of this run.
func Place(rt *Runtime, w *forge.Writer, cfg *config.Config) (*command.Place, error) {
	repository := rt.Getenv("GITHUB_REPOSITORY")
	name, err := forge.ParseRepository(repository)
	if err != nil {
		return nil, err
	}
	branch, err := gha.DefaultBranch(rt.Getenv)
	if err != nil {
		return nil, err
	}
	var projects []string
	for _, p := range cfg.Projects {
		projects = append(projects, p.Path)
	}
	git, below := Checkout(rt)
	return &command.Place{
		GitHub: w, Repository: name, DefaultBranch: branch, Config: cfg, Pinned: command.Pinned(repository, git, w.Reader, below, projects),
	}, nil
}
