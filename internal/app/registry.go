package app

import (
	compattest "github.com/zenml-upgrade/zenml-upgrade/actions/compat-test"
	releasecheck "github.com/zenml-upgrade/zenml-upgrade/actions/release-check"
	stagingupgrade "github.com/zenml-upgrade/zenml-upgrade/actions/staging-upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
)

// actions returns the actions that the command line knows.
func actions() []action.Action {
	return []action.Action{releasecheck.New(), compattest.New(), stagingupgrade.New()}
}
