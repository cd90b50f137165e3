package compattest

import (
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
)

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
	e, err := gha.ReadChange(rt.Getenv)
	if err != nil {
		return true, unreadable(rt.Getenv("GITHUB_EVENT_PATH"))
	}
	return e.Change.Foreign || e.Change.Bot, nil
}

func unreadable(path string) error {
	return fault.BadInput(fmt.Sprintf("the event of the workflow run cannot be read from GITHUB_EVENT_PATH %q", path), "run compat-test as a step of a workflow, or on a command line without GITHUB_EVENT_NAME")
}
