package gha

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// Event is what started the workflow run. Branches and names of repositories come from outside.
type Event struct {
	Name        string // pull_request, merge_group, workflow_run ...
	Repository  string // owner/name of the repository that the workflow runs in
	RunURL      string // of this run
	PullRequest *PullRequest
	WorkflowRun *WorkflowRun
}

// PullRequest is the pull request of an event.
type PullRequest struct {
	Number  int
	HeadSHA string
}

// WorkflowRun is the run that ended, of the event workflow_run.
type WorkflowRun struct {
	ID             int64
	Event          string // what had started it
	Conclusion     string // success, failure, cancelled ...
	HeadSHA        string
	HeadBranch     string
	HeadRepository string // owner/name; another one than Event's for a fork
	HeadOwner      string
}

var (
	repositoryName = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
	fullSHA        = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)
	digits         = regexp.MustCompile(`^[0-9]{1,19}$`)
)

// payload is what of the event's file is read.
type payload struct {
	PullRequest *struct {
		Number int `json:"number"`
		Head   struct {
			SHA string `json:"sha"`
		} `json:"head"`
	} `json:"pull_request"`
	WorkflowRun *struct {
		ID             int64  `json:"id"`
		Event          string `json:"event"`
		Conclusion     string `json:"conclusion"`
		HeadSHA        string `json:"head_sha"`
		HeadBranch     string `json:"head_branch"`
		HeadRepository struct {
			FullName string `json:"full_name"`
			Owner    struct {
				Login string `json:"login"`
			} `json:"owner"`
		} `json:"head_repository"`
	} `json:"workflow_run"`
}

// RunURL is the address of this run and attempt; empty outside of a runner.
func RunURL(getenv func(string) string) string {
	run := getenv("GITHUB_RUN_ID")
	if !digits.MatchString(run) {
		return ""
	}
	address := strings.TrimSuffix(getenv("GITHUB_SERVER_URL"), "/") + "/" + getenv("GITHUB_REPOSITORY") + "/actions/runs/" + run
	if attempt := getenv("GITHUB_RUN_ATTEMPT"); digits.MatchString(attempt) && attempt != "1" {
		address += "/attempts/" + attempt
	}
	return address
}

// Event reads what the runner says of the event; outside of a runner there is none.
func (r *Runner) Event() (Event, error) {
	if r == nil {
		return Event{}, nil
	}
	e := Event{Name: r.getenv("GITHUB_EVENT_NAME"), Repository: r.getenv("GITHUB_REPOSITORY")}
	e.RunURL = RunURL(r.getenv)
	var p payload
	var err error
	if path := r.getenv("GITHUB_EVENT_PATH"); path != "" {
		var data []byte
		if data, err = readPayload(path); err == nil {
			err = json.Unmarshal(data, &p)
		}
	}
	if err != nil {
		return Event{}, fault.BadInput(fmt.Sprintf("the event of this run cannot be read: %v", err), "run it as a step of a workflow")
	}
	if pr := p.PullRequest; pr != nil && pr.Number > 0 && fullSHA.MatchString(pr.Head.SHA) {
		e.PullRequest = &PullRequest{Number: pr.Number, HeadSHA: pr.Head.SHA}
	}
	if w := p.WorkflowRun; w != nil && fullSHA.MatchString(w.HeadSHA) {
		e.WorkflowRun = &WorkflowRun{
			ID: w.ID, Event: w.Event, Conclusion: w.Conclusion, HeadSHA: w.HeadSHA, HeadBranch: w.HeadBranch,
			HeadRepository: w.HeadRepository.FullName, HeadOwner: w.HeadRepository.Owner.Login,
		}
	}
	if (e.PullRequest != nil || e.WorkflowRun != nil) && !repositoryName.MatchString(e.Repository) {
		return Event{}, fault.BadInput(fmt.Sprintf("GITHUB_REPOSITORY %q is no owner/name", e.Repository), "run it as a step of a workflow")
	}
	return e, nil
}
