package releasecheck

import (
	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
	"github.com/zenml-upgrade/zenml-upgrade/internal/impact"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
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
	Pins       *impact.Pins      `json:"pins"` // null when no Python version is known
	// Migrations that the server will run, in order; null when they could not be read.
	Migrations []migration.Migration `json:"migrations"`
	API        API                   `json:"api"` // differences of the APIs, counted; all of them are in api-changes.json
	Path       []hops.Hop            `json:"path"`
	Waivers    []Waiver              `json:"waivers"`
	Checklist  []checklist.Phase     `json:"checklist"`
	Matrix     Matrix                `json:"matrix"`
	api        *changed              // the differences themselves, for Files
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
