package compattest

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// maxEvent bounds the event's file; GitHub's own limit for a payload is 25 MB.
const maxEvent = 25 << 20

// event judges what started the workflow run. Code of a pull request is refused where it would run
// with the repository's own rights, and gets no secrets when it comes from a fork or a bot.
func event(rt *action.Runtime) (untrusted bool, err error) {
	switch rt.Getenv("GITHUB_EVENT_NAME") {
	case "pull_request_target":
		return true, fault.BadInput("compat-test runs a pull request's code, which must not be on the event pull_request_target: it holds the repository's secrets",
			"start the workflow on pull_request")
	case "pull_request":
	default:
		return false, nil
	}
	path := rt.Getenv("GITHUB_EVENT_PATH")
	f, err := os.Open(path)
	if err != nil {
		return true, unreadable(path)
	}
	defer f.Close()
	type repository struct {
		FullName string `json:"full_name"`
	}
	var payload struct {
		PullRequest *struct {
			User struct {
				Type string `json:"type"`
			} `json:"user"`
			Head struct {
				Repo *repository `json:"repo"` // null when the fork is gone
			} `json:"head"`
			Base struct {
				Repo repository `json:"repo"`
			} `json:"base"`
		} `json:"pull_request"`
	}
	if err := json.NewDecoder(io.LimitReader(f, maxEvent)).Decode(&payload); err != nil || payload.PullRequest == nil {
		return true, unreadable(path)
	}
	pr := payload.PullRequest
	own := pr.Head.Repo != nil && pr.Head.Repo.FullName != "" && pr.Head.Repo.FullName == pr.Base.Repo.FullName
	return !own || pr.User.Type != "User", nil
}

func unreadable(path string) error {
	return fault.BadInput(fmt.Sprintf("the event of the workflow run cannot be read from GITHUB_EVENT_PATH %q", path), "run compat-test as a step of a workflow, or on a command line without GITHUB_EVENT_NAME")
}
