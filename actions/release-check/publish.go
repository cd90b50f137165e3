package releasecheck

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
	"github.com/zenml-upgrade/zenml-upgrade/internal/publish"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// published is a result that another run made, for the pull request that this run has proved it to
// belong to. Of the file only the form is proved.
type published struct {
	action.Result
	target *publish.Target // nil when there is no place any more
	failed bool
	notes  []string
}

// MarshalJSON writes what the other run wrote.
func (p *published) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	err := report.WriteJSON(&b, p.Result)
	return b.Bytes(), err
}

// Annotations are the other run's.
func (p *published) Annotations() []action.Annotation {
	if a, ok := p.Result.(action.Annotator); ok {
		return a.Annotations()
	}
	return nil
}

// OutcomeWord makes the exit status that of the publishing: the other run's tells the verdict.
func (*published) OutcomeWord() string { return "published" }

// ShownOn is the pull request that was proved.
func (p *published) ShownOn() (target *publish.Target, failed bool) { return p.target, p.failed }

// Document says whose word this is.
func (p *published) Document() report.Document {
	d := p.Result.Document()
	d.Notes = append(d.Notes, p.notes...)
	return d
}

// publishing is the privileged half: it runs with a token that may write, on the event workflow_run,
// and takes nothing from the other run on trust but what GitHub itself says of it.
type publishing struct {
	run  *gha.WorkflowRun
	url  string // of the run whose summary has the whole text
	repo forge.Repository
	file string // path, or artifact:NAME
}

var artifactName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)

// decodePublish checks what can be checked before anything is read.
func (in *Inputs) decodePublish(rt *action.Runtime) (*publishing, error) {
	event, err := gha.New(rt.Getenv, io.Discard).Event()
	switch {
	case err != nil:
		return nil, err
	case event.WorkflowRun == nil:
		return nil, fault.BadInput("publish works in a workflow that the event workflow_run starts", "write on: workflow_run, with the name of the workflow that makes the result")
	}
	if err := in.untracked(); err != nil {
		return nil, err
	}
	p := &publishing{run: event.WorkflowRun, file: in.Publish, url: strings.TrimSuffix(rt.Getenv("GITHUB_SERVER_URL"), "/") + fmt.Sprintf("/%s/actions/runs/%d", event.Repository, event.WorkflowRun.ID)}
	p.repo.Owner, p.repo.Name, _ = strings.Cut(event.Repository, "/")
	if name, ok := strings.CutPrefix(p.file, "artifact:"); ok && !artifactName.MatchString(name) {
		return nil, fault.BadInput(fmt.Sprintf("publish: %q is no name of an artifact", name), "use letters, digits, ., _ and -")
	}
	return p, nil
}

// publish reads the result and proves whose it is.
func (c *check) publish(ctx context.Context, rt *action.Runtime) (action.Result, error) {
	p := c.publishing
	rest, _ := rt.GitHubURLs()
	reader, err := forge.NewReader(rest, c.inputs.GithubToken)
	if err != nil {
		return nil, err
	}
	step := rt.Progress.Start("the result of the other run")
	r, err := p.read(ctx, reader)
	end(step, err, "")
	if err != nil {
		return nil, err
	}
	out := &published{Result: r, failed: p.run.Conclusion != "success"}
	if head := r.Head(); out.failed && head.Decision != verdict.Block && head.Decision != verdict.Unknown {
		why := fmt.Sprintf("The run that made this result ended as %s although its result says %s.", report.Line(p.run.Conclusion, 40), head.Decision)
		head.Reasons = append(head.Reasons, verdict.Because(verdict.Unknown, "run_failed", why, []string{p.url}))
		head.Decide("run_failed")
	}
	if p.run.HeadRepository != p.repo.String() {
		out.notes = append(out.notes, "This result was made by a run on a fork, with that fork's files: what it says is the fork's word. The status of the job on the pull request is what GitHub vouches for.")
	}
	step = rt.Progress.Start("the pull request of the other run")
	out.target, err = p.prove(ctx, reader)
	end(step, err, "")
	if err == nil && out.target == nil {
		out.notes = append(out.notes, fmt.Sprintf("No open pull request has commit %.10s as its head any more: nothing was written.", p.run.HeadSHA))
	}
	r.Head().GitHub = report.GitHubUse{Requests: reader.Requests()}
	return out, err
}

// read returns the result, or that no verdict could be formed, with nothing but its form proved.
func (p *publishing) read(ctx context.Context, reader *forge.Reader) (action.Result, error) {
	data, err := p.bytes(ctx, reader)
	if err != nil {
		return nil, err
	}
	var r action.Result = &Result{}
	if err := publish.Decode(data, r); err != nil {
		none := &report.Failure{}
		if publish.Decode(data, none) != nil || none.Decision != verdict.Unknown {
			return nil, err
		}
		r = none
	}
	head, refuse := r.Head(), func(why string) (action.Result, error) {
		return nil, fault.BadInput("the result "+why, "nothing was published; look at the run that made it")
	}
	verdictFormed, ok := r.(*Result)
	switch {
	case head.Schema != "zenml-upgrade/"+name+"/v1":
		return refuse("is not one of release-check")
	case ok && (verdictFormed.From == nil || verdictFormed.To == nil):
		return refuse("does not say which versions it is about")
	case !filepath.IsLocal(filepath.FromSlash(head.RepositoryPath)):
		return refuse("names a folder outside of the repository")
	}
	return r, nil
}

func (p *publishing) bytes(ctx context.Context, reader *forge.Reader) ([]byte, error) {
	if artifact, ok := strings.CutPrefix(p.file, "artifact:"); ok {
		archive, err := reader.Artifact(ctx, p.repo, p.run.ID, artifact, publish.LargestArchive)
		if err != nil {
			return nil, err
		}
		return publish.Unpack(archive, "result.json")
	}
	bad := func(why any) ([]byte, error) {
		return nil, fault.BadInput(fmt.Sprintf("publish: %q cannot be read: %v", p.file, why), "give result.json of the other run, or artifact:NAME")
	}
	st, err := os.Lstat(p.file)
	switch {
	case err != nil:
		return bad(err)
	case !st.Mode().IsRegular():
		return bad("it is not a regular file")
	case st.Size() > publish.LargestResult:
		return bad(fmt.Sprintf("it is larger than %d bytes", publish.LargestResult))
	}
	data, err := os.ReadFile(p.file)
	if err != nil {
		return bad(err)
	}
	return data, nil
}

// prove finds the pull request whose head is the run's: GitHub says of the run which commit of which
// repository and branch it ran on, and of the pull request where its head stands now.
func (p *publishing) prove(ctx context.Context, reader *forge.Reader) (*publish.Target, error) {
	if p.run.Event != "pull_request" {
		return nil, nil //nolint:nilnil // no place to show the result, and no error
	}
	open, err := reader.PullRequestsFrom(ctx, p.repo, p.run.HeadOwner, p.run.HeadBranch)
	if err != nil {
		return nil, err
	}
	var target *publish.Target
	for _, pull := range open {
		if !pull.Open || pull.HeadSHA != p.run.HeadSHA || pull.HeadRepository != p.run.HeadRepository {
			continue
		}
		if target != nil {
			return nil, fault.Unreachable("the result cannot be shown", fmt.Errorf("the pull requests %d and %d have the same head, and the run does not say which it was for", target.Number, pull.Number), "close one of them")
		}
		target = &publish.Target{Repository: p.repo, Number: pull.Number, HeadSHA: p.run.HeadSHA, RunURL: p.url}
	}
	return target, nil
}
