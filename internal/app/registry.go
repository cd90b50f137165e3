package app

import (
	compattest "github.com/zenml-upgrade/zenml-upgrade/actions/compat-test"
	stagingupgrade "github.com/zenml-upgrade/zenml-upgrade/actions/staging-upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
)

// actions returns the actions that the command line knows.
func actions() []action.Action {
	return []action.Action{compattest.New(), stagingupgrade.New()}
}
