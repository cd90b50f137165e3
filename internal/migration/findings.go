package migration

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
)

// Source is the source of the findings made here.
const Source = "migrations"

// Findings gives a finding for every migration that takes something away, cannot be undone or could
// not be read whole. Declared is true when that release's notes speak of the migration or of one of
// its tables. Whom it hits is open: that depends on what the server's database holds.
func Findings(migrations []Migration, notes []release.Finding) []release.Finding {
	out := []release.Finding{}
	for i := range migrations {
		m := &migrations[i]
		destructive := m.Destructive == nil || *m.Destructive
		if !destructive && !m.Irreversible {
			continue
		}
		var says []string
		if m.Destructive == nil {
			says = append(says, "holds statements that could not be read")
		}
		if lost := m.Loses(); lost != "" {
			says = append(says, lost)
		}
		if m.Irreversible {
			says = append(says, "cannot be undone")
		}
		title := fmt.Sprintf("Migration %s %s", m.Revision, strings.Join(says, ", "))
		decide := "which rows the server's database holds in these tables"
		out = append(out, release.Finding{
			ID: m.FindingID(), Version: m.Version, Category: release.Migration, Title: title,
			Text: fmt.Sprintf("%s: %s. Tables: %s. Whether it hits this server depends on the rows of these tables, which were not looked at.",
				title, strings.TrimSuffix(m.Title, "."), orNone(m.Tables)),
			Reason: "It is about what the server's database holds.", WouldDecide: &decide,
			Source: Source, Declared: declared(m, notes), Affects: release.Unknown, Searched: []string{}, Evidence: []release.Evidence{}, CVEs: []string{},
		})
	}
	return out
}

// FindingID is the id of the finding that tells of this migration.
func (m *Migration) FindingID() string { return release.ID(m.Version, release.Migration, m.Revision) }

func orNone(tables []string) string {
	if len(tables) == 0 {
		return "not named in the source"
	}
	return strings.Join(tables, ", ")
}

// titleID is the revision's own id at the end of its title.
var titleID = regexp.MustCompile(`\s*\[[^\]]*\]\.?\s*$`)

// declared asks the notes of the same release: a finding that can speak of a database names the
// revision, its title or one of its tables ("resource pools" for resource_pool).
func declared(m *Migration, notes []release.Finding) bool {
	names := append([]string{m.Revision, strings.TrimSuffix(titleID.ReplaceAllString(m.Title, ""), ".")}, m.Tables...)
	for _, n := range names {
		if len(n) < 5 || n == "pipeline" { // met in all notes; proves nothing
			continue
		}
		form := regexp.MustCompile(`(?i)(^|[^\w])` + strings.ReplaceAll(regexp.QuoteMeta(n), "_", "[-_ ]") + `s?($|[^\w])`)
		if slices.ContainsFunc(notes, func(f release.Finding) bool {
			speaks := f.Category == release.Migration || f.Category == release.Breaking || f.Category == release.Deprecation
			return f.Version == m.Version && f.Source == "notes" && speaks && form.MatchString(f.Text)
		}) {
			return true
		}
	}
	return false
}
