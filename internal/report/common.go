package report

import (
	"slices"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// Common are the result.json keys of every action. Each action's result embeds it.
type Common struct {
	Schema      string           `json:"schema"` // zenml-upgrade/<action>/v1
	From        *string          `json:"from"`
	To          *string          `json:"to"`
	Decision    verdict.Decision `json:"decision"`
	ReasonCode  string           `json:"reason_code"`
	Reasons     []verdict.Reason `json:"reasons"`
	StartedAt   time.Time        `json:"started_at"`
	Seconds     float64          `json:"seconds"`
	GitHub      GitHubUse        `json:"github"`
	ToolVersion string           `json:"tool_version"`
	// RepositoryPath is the folder that paths in the result are relative to, below the workflow's
	// workspace; "." for its root and outside of a workflow.
	RepositoryPath string   `json:"repository_path"`
	Errors         []string `json:"errors"`
}

// GitHubUse counts what a run asked of GitHub.
type GitHubUse struct {
	Requests int `json:"requests"`
	Writes   int `json:"writes"`
}

// Decide sets the decision from the reasons given so far.
func (c *Common) Decide(fallback string) {
	slices.SortStableFunc(c.Reasons, func(a, b verdict.Reason) int { return verdict.Compare(b.Decision, a.Decision) })
	c.Decision, c.ReasonCode = verdict.Sum(c.Reasons, fallback)
}

// Head returns c itself, so that every result that embeds Common can be handled alike.
func (c *Common) Head() *Common { return c }
