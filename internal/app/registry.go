package app

import "github.com/zenml-upgrade/zenml-upgrade/internal/action"

// actions returns the actions that the command line knows.
func actions() []action.Action {
	return []action.Action{}
}
