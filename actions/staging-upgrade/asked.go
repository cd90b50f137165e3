package stagingupgrade

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// configuration reads the configuration where whoever wants the upgrade cannot have written it. A job
// that was started for a commit may have it checked out.
func (in *Inputs) configuration(ctx context.Context, rt *action.Runtime) (*config.Config, error) {
	otherCommit := rt.Getenv("GITHUB_EVENT_NAME") == "workflow_dispatch" && in.Commit != "" && in.Commit != rt.Getenv("GITHUB_SHA")
	if in.FromComment == "" && !otherCommit {
		return action.ConfigFor(ctx, rt, in.Config)
	}
	github, err := action.GitHub(rt, in.GithubToken)
	if err != nil {
		return nil, err
	}
	return action.ConfigAtRun(ctx, rt, github, in.Config)
}

var commentAddress = regexp.MustCompile(`^https?://[^/?#]+/([^/?#]+/[^/?#]+)/(?:issues|pull)/[0-9]+#issuecomment-([0-9]{1,18})$`)

// decodeAsked reads what the upgrade belongs to, and who asked for it.
func (s *settings) decodeAsked(in *Inputs, rt *action.Runtime) error {
	if in.Commit != "" && !repo.IsCommitID(in.Commit) {
		return fault.BadInput(fmt.Sprintf("commit %q is no full name of a commit", in.Commit), "give all 40 digits, as git rev-parse prints them")
	}
	text := in.FromComment
	if text == "" {
		return nil
	}
	if m := commentAddress.FindStringSubmatch(text); m != nil {
		if here := rt.Getenv("GITHUB_REPOSITORY"); !strings.EqualFold(m[1], here) {
			return fault.BadInput(fmt.Sprintf("from-comment %q lies in another repository than %q", text, here), "give a comment of this one")
		}
		text = m[2]
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return fault.BadInput(fmt.Sprintf("from-comment %q is no comment", in.FromComment), "give its address, or the number at its end")
	}
	s.comment = id
	return nil
}
