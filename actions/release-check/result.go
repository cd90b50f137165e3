package releasecheck

import (
	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
	"github.com/zenml-upgrade/zenml-upgrade/internal/impact"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/serveruse"
)

// Result is result.json of release-check.
type Result struct {
	report.Common
	Upgrade    *Upgrade          `json:"upgrade"`
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
	// Server is what the server really uses; null when it was not asked or did not answer.
	Server    *serveruse.Use      `json:"server"`
	Waivers   []Waiver            `json:"waivers"`
	Checklist []checklist.Phase   `json:"checklist"`
	Schedule  *checklist.Schedule `json:"schedule"` // null without start-date
	Matrix    Matrix              `json:"matrix"`
	// MatrixNotes say what the matrix folds or leaves out; they may not stand in it, for the
	// workflow engine would take them as an axis.
	MatrixNotes []string `json:"matrix_notes"`

	api   *changed      // the differences themselves, for Files
	track *action.Track // null: no tracking issue
}
