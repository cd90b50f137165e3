package app

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/tracking"
)

// track tells the tracking issue of the result. Whatever happens there is a note: the verdict stands
// without it.
func (o *outcome) track(ctx context.Context, runner *gha.Runner) {
	tracker, ok := o.result.(action.Tracker)
	if !ok || o.interrupted {
		return
	}
	t := tracker.Tracked()
	if t == nil {
		return
	}
	said, err := o.update(ctx, runner, t)
	switch {
	case errors.Is(err, forge.ErrNotAllowed):
		said = "Not in the tracking issue: the token may only read, as for pull requests from forks and by Dependabot, or lacks issues: write."
	case err != nil:
		said = fmt.Sprintf("The tracking issue is not up to date: %v", err)
	}
	o.notes = append(o.notes, report.Line(said, 500))
}

func (o *outcome) update(ctx context.Context, runner *gha.Runner, t *action.Track) (string, error) {
	owner, name, _ := strings.Cut(o.rt.Getenv("GITHUB_REPOSITORY"), "/")
	switch {
	case owner == "" || name == "" || strings.Contains(name, "/"):
		return "", errors.New("GITHUB_REPOSITORY names no owner/name; run it as a step of a workflow, or set it")
	case o.set.token == "":
		return "", errors.New("the input github-token is not given")
	}
	event, err := runner.Event()
	if err != nil {
		return "", err
	}
	rest, graphQL := o.rt.GitHubURLs()
	w, err := forge.NewWriter(forge.Access{APIURL: rest, GraphQLURL: graphQL, Token: o.set.token, DryRun: o.set.dryRun})
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, longestShow)
	defer cancel()
	_, run, _ := strings.Cut(event.RunURL, "/actions/runs/")
	place := tracking.Place{Repository: forge.Repository{Owner: owner, Name: name}, ServerURL: o.rt.ServerURL(), RunID: run}
	clean, _ := o.secrets.copy(reflect.ValueOf(t.Run)).Interface().(tracking.Run)
	said, err := tracking.Update(ctx, w, place, t.Wish, clean)
	use := &o.result.Head().GitHub
	use.Requests, use.Writes = use.Requests+w.Requests(), use.Writes+w.Writes()
	return said, err
}
