package app

import (
	"github.com/zenml-upgrade/zenml-upgrade/actions/comment"
	compattest "github.com/zenml-upgrade/zenml-upgrade/actions/compat-test"
	releasecheck "github.com/zenml-upgrade/zenml-upgrade/actions/release-check"
	stagingupgrade "github.com/zenml-upgrade/zenml-upgrade/actions/staging-upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
)

// Actions returns the actions that the command line knows, each new and without inputs.
func Actions() []action.Action {
	return []action.Action{releasecheck.New(), compattest.New(), stagingupgrade.New(), comment.New()}
}
