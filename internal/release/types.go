// Package release finds out what changed between two versions of ZenML: from release notes and
// from what the two packages say of themselves.
package release

import "time"

// Category says what kind of change a finding is (contract).
type Category string

// The categories.
const (
	Breaking      Category = "breaking"
	Security      Category = "security"
	Migration     Category = "migration"
	Deprecation   Category = "deprecation"
	PythonSupport Category = "python_support"
	Dependency    Category = "dependency"
	Helm          Category = "helm"
	Feature       Category = "feature"
	KnownIssue    Category = "known_issue"
)

// NotesState says how far a release's notes can be trusted.
type NotesState string

// Complete notes can be read; Pending ones hold nothing but "What's Changed" of a young release,
// whose prose is written days later; Missing ones were not found.
const (
	Complete NotesState = "complete"
	Pending  NotesState = "pending"
	Missing  NotesState = "missing"
)

// Release is one version that the upgrade crosses.
type Release struct {
	Version     string     `json:"version"`
	PublishedAt *time.Time `json:"published_at"`
	URL         *string    `json:"url"`
	Notes       NotesState `json:"notes"`
}

// Affects says whether a finding hits this repository.
type Affects string

// The answers; No is given only when everything in Finding.Searched was looked at.
const (
	Yes     Affects = "yes"
	No      Affects = "no"
	Unknown Affects = "unknown"
)

// Finding is one change. Title and Text come from outside and are hostile until encoded.
type Finding struct {
	ID       string   `json:"id"` // stable over re-runs
	Version  string   `json:"version"`
	Category Category `json:"category"`
	Title    string   `json:"title"`
	Text     string   `json:"text"`
	Lines    *[2]int  `json:"lines"`    // 1-based, inclusive, inside the release's body; null when not from a body
	Source   string   `json:"source"`   // notes, metadata, migrations, integrations, python_api or rest_api
	Declared bool     `json:"declared"` // the notes say it
	URL      *string  `json:"url"`
	Affects  Affects  `json:"affects"`
	Searched []string `json:"searched"` // what was looked at to answer Affects
	Reason   string   `json:"reason"`   // why Affects is what it is, in a sentence
	// WouldDecide is the fact that would turn Unknown into an answer; null for the other answers.
	WouldDecide *string    `json:"would_decide"`
	Evidence    []Evidence `json:"evidence"`
	Waiver      *string    `json:"waiver"`
	CVEs        []string   `json:"cves"`    // ids that the text names
	Exposed     *string    `json:"exposed"` // of a security fix: why the version in use is exposed; null else
	Guide       *string    `json:"guide"`   // ZenML's migration guide that covers the version
}

// Evidence is a place in the user's repository.
type Evidence struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Message string `json:"message"`
}
