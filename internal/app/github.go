package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
	"github.com/zenml-upgrade/zenml-upgrade/internal/publish"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// longestShow bounds what a slow GitHub may add to a run.
const longestShow = 3 * time.Minute

// show puts the result on the pull request that the run is for and notes what could not be put
// there. The verdict is told by the exit status and the summary whatever happens here, so a failure
// is an error only when showing is all that the run is for.
func (o *outcome) show(ctx context.Context, runner *gha.Runner, code int) error {
	if runner == nil || !o.set.parts.Any() || o.interrupted {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, longestShow)
	defer cancel()
	_, isForeign := o.result.(action.Shown)
	target, failed, err := o.target(runner, code)
	switch {
	case err != nil:
		o.notes = append(o.notes, fmt.Sprintf("Nothing is shown on a pull request: %v", err))
		return onlyIf(isForeign, err)
	case target == nil:
		return nil
	case o.set.token == "":
		o.notes = append(o.notes, "Nothing is shown on the pull request: the input github-token is not given.")
		return onlyIf(isForeign, errors.New("publishing the result: github-token is missing; give it as an input"))
	}
	rest, graphQL := o.rt.GitHubURLs()
	w, err := forge.NewWriter(forge.Access{APIURL: rest, GraphQLURL: graphQL, Token: o.set.token, DryRun: o.set.dryRun})
	if err != nil {
		o.notes = append(o.notes, fmt.Sprintf("Nothing is shown on the pull request: %v", err))
		return onlyIf(isForeign, err)
	}
	prefix := o.result.Head().RepositoryPath
	shown, err := publish.Show(ctx, w, *target, o.set.parts, publish.Result{
		Action: o.action, Scope: scope(prefix), Version: version.Tool, Document: o.document(), Failed: failed, Annotations: o.marks(prefix),
	}, o.set.dryRun)
	o.notes, o.checked = append(o.notes, shown.Notes...), shown.Checked
	use := &o.result.Head().GitHub
	use.Requests, use.Writes = use.Requests+w.Requests(), use.Writes+w.Writes()
	if shown.ReadOnly && err == nil {
		err = errors.New("publishing the result: the token may only read; give the job pull-requests: write and checks: write")
	}
	return onlyIf(isForeign, err)
}

// folder is repo as paths in the result are relative to it.
func folder(runner *gha.Runner, repo string) string {
	if path := runner.Path(repo); runner != nil && filepath.IsLocal(path) {
		return path
	}
	return "."
}

func onlyIf(matters bool, err error) error {
	if !matters {
		return nil
	}
	return err
}

// target is the pull request that the event is about; of another run's result the one that it knows.
func (o *outcome) target(runner *gha.Runner, code int) (*publish.Target, bool, error) {
	if foreign, ok := o.result.(action.Shown); ok {
		t, failed := foreign.ShownOn()
		return t, failed, nil
	}
	event, err := runner.Event()
	if err != nil || event.PullRequest == nil {
		return nil, false, err
	}
	owner, name, _ := strings.Cut(event.Repository, "/")
	return &publish.Target{
		Repository: forge.Repository{Owner: owner, Name: name}, Number: event.PullRequest.Number, HeadSHA: event.PullRequest.HeadSHA, RunURL: event.RunURL,
	}, code != exitDone, nil
}

// scope tells the comments on two folders of one repository apart.
func scope(prefix string) string {
	if prefix == "." {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(prefix)))[:10]
}

// document is the result's document without secrets, the notes in it.
func (o *outcome) document() report.Document {
	d := o.result.Document()
	d.Notes = append(d.Notes, o.notes...)
	return o.secrets.copy(reflect.ValueOf(d)).Interface().(report.Document)
}

// marks are the lines at fault, relative to the root of the repository.
func (o *outcome) marks(prefix string) []forge.Annotation {
	a, ok := o.result.(action.Annotator)
	if !ok {
		return nil
	}
	var out []forge.Annotation
	for _, m := range a.Annotations() {
		if !filepath.IsLocal(filepath.FromSlash(m.File)) {
			continue // of a file that somebody made up; GitHub would refuse the others with it
		}
		out = append(out, forge.Annotation{
			Path: filepath.ToSlash(filepath.Join(cmp.Or(prefix, "."), filepath.FromSlash(m.File))), Line: m.Line, Failure: m.Failure,
			Title: "zenml-upgrade: " + o.secrets.text(report.Line(m.Title, 200)), Message: o.secrets.text(report.Clean(m.Message)),
		})
	}
	return out
}

// annotate is the other way to mark lines, when there is no check run: commands to the runner, which
// takes ten of a kind.
func (o *outcome) annotate(runner *gha.Runner) {
	if _, isForeign := o.result.(action.Shown); o.checked || isForeign {
		return // another run's lines are none of this run's
	}
	var out []gha.Annotation
	for _, m := range publish.Rank(o.marks(""), nil) {
		out = append(out, gha.Annotation{Error: m.Failure, File: m.Path, Line: m.Line, Title: m.Title, Message: m.Message})
	}
	runner.Annotate(o.set.repo, out)
}
