package releasecheck

import (
	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/impact"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

// Result is result.json of release-check.
type Result struct {
	report.Common
	Releases   []release.Release `json:"releases"`
	Findings   []release.Finding `json:"findings"`
	Code       []impact.Breakage `json:"code"`       // null when the code could not be checked
	Deprecated []impact.Breakage `json:"deprecated"` // likewise
	CodeGaps   []repo.Gap        `json:"code_gaps"`  // what of the code was not checked
	Python     impact.Python     `json:"python"`
	Pins       *impact.Pins      `json:"pins"`       // null when no Python version is known
	Migrations []any             `json:"migrations"` // null: not measured
	Path       []Hop             `json:"path"`
	Checklist  []checklist.Phase `json:"checklist"`
	Matrix     Matrix            `json:"matrix"`
}

// Hop is one server upgrade on the way.
type Hop struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Reason string `json:"reason"`
}

// Matrix is ready for fromJSON in a workflow.
type Matrix struct {
	Include []Cell `json:"include"`
}

// Cell is one job of a matrix.
type Cell struct {
	Python string `json:"python"`
	From   string `json:"from"`
	To     string `json:"to"`
}
