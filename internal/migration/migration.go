// Package migration says what an upgrade does to a server's database, from the alembic revisions in
// ZenML's wheels. The revisions are read as source and never run.
package migration

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Revision is one alembic revision as its source describes it.
type Revision struct {
	ID         string         `json:"revision"`
	Down       *string        `json:"down_revision"` // the one before; null for the root
	Title      string         `json:"title"`         // the source's own, from outside
	Operations map[string]int `json:"operations"`    // of the upgrade
	Tables     []string       `json:"tables"`        // those that the source names
	Unread     int            `json:"unread"`        // statements that the source does not show
	Undone     bool           `json:"undone"`        // the downgrade does something and does not refuse
	Source     string         `json:"source"`        // digest of what the script does: comments, documentation and layout do not count
}

// Migration is one revision that an upgrade runs.
type Migration struct {
	Revision string `json:"revision"`
	Version  string `json:"version"` // the release that brought it
	Title    string `json:"title"`
	// Operations counts what the source holds by kind: create_table, drop_table, add_column,
	// drop_column, alter, create_index, drop_index, insert_rows, update_rows, delete_rows, unread.
	// One statement in a loop counts once.
	Operations   map[string]int `json:"operations"`
	Destructive  *bool          `json:"destructive"`  // drops a table or column or deletes rows; null when a statement could not be read
	Irreversible bool           `json:"irreversible"` // its downgrade is empty or refuses
	Tables       []string       `json:"tables"`
}

// marker is the id of a revision that stands for a release: the version itself (facts, 4.1).
var marker = regexp.MustCompile(`^\d+\.\d+\.\d+((a|b|rc)\d+)?$`)

// Marks says whether a revision stands for a release and does nothing else.
func Marks(revision string) bool { return marker.MatchString(revision) }

// chain puts revisions in the order in which they run. A chain that has several ends, a hole or a
// circle is an error: then nobody can say what an upgrade runs.
func chain(revisions []Revision) ([]Revision, error) {
	byID, followed := map[string]Revision{}, map[string]bool{}
	for _, r := range revisions {
		if _, twice := byID[r.ID]; twice {
			return nil, fmt.Errorf("ordering migrations: revision %q stands twice", r.ID)
		}
		byID[r.ID] = r
		if r.Down != nil {
			followed[*r.Down] = true
		}
	}
	var heads []string
	for id := range byID {
		if !followed[id] {
			heads = append(heads, id)
		}
	}
	if len(heads) != 1 {
		slices.Sort(heads)
		return nil, fmt.Errorf("ordering migrations: %d revisions have none after them: %q", len(heads), heads)
	}
	out := make([]Revision, 0, len(revisions))
	for next := &heads[0]; next != nil; {
		r, ok := byID[*next]
		if !ok {
			return nil, fmt.Errorf("ordering migrations: revision %q is missing", *next)
		}
		out = append(out, r)
		next = r.Down
	}
	if len(out) != len(revisions) {
		return nil, fmt.Errorf("ordering migrations: %d of %d revisions are not on the way to %q", len(revisions)-len(out), len(revisions), heads[0])
	}
	slices.Reverse(out)
	return out, nil
}

// Between returns what an upgrade runs, in order: the newer version's revisions after the older
// version's last one, without those that only mark a release.
func Between(older, newer []Revision) ([]Migration, error) {
	before, err := chain(older)
	if err != nil {
		return nil, err
	}
	after, err := chain(newer)
	if err != nil {
		return nil, err
	}
	head := before[len(before)-1].ID
	at := slices.IndexFunc(after, func(r Revision) bool { return r.ID == head })
	if at < 0 {
		return nil, fmt.Errorf("comparing migrations: the newer version does not know the older one's last revision %q", head)
	}
	out := []Migration{}
	for i, r := range after[at+1:] {
		if marker.MatchString(r.ID) && len(r.Operations) == 0 && r.Unread == 0 {
			continue
		}
		out = append(out, r.migration(broughtBy(after[at+1+i:])))
	}
	return out, nil
}

// broughtBy is the first release in a rest of the chain. Prereleases and withdrawn releases count
// only when no other comes after them: nobody upgrades to those.
func broughtBy(rest []Revision) string {
	last := ""
	for _, r := range rest {
		if marker.MatchString(r.ID) {
			if last = r.ID; !version.Prerelease(r.ID) && !version.Yanked(r.ID) {
				return r.ID
			}
		}
	}
	return last
}

// destroying are the kinds of operations that take something away.
var destroying = []string{"drop_table", "drop_column", "delete_rows"}

func (r *Revision) migration(brought string) Migration {
	m := Migration{
		Revision: r.ID, Version: brought, Title: r.Title, Operations: maps.Clone(r.Operations), Tables: append([]string{}, r.Tables...),
	}
	if m.Operations == nil {
		m.Operations = map[string]int{}
	}
	destructive := slices.ContainsFunc(destroying, func(kind string) bool { return r.Operations[kind] > 0 })
	if r.Unread > 0 {
		m.Operations["unread"] = r.Unread
	}
	if destructive || r.Unread == 0 {
		m.Destructive = &destructive
	}
	m.Irreversible = !r.Undone && len(m.Operations) > 0
	return m
}

// Loses says in words what a migration takes away, "" for nothing.
func (m *Migration) Loses() string {
	words := map[string]string{"drop_table": "table", "drop_column": "column"}
	var parts []string
	for _, kind := range destroying {
		n := m.Operations[kind]
		switch {
		case n == 0:
		case kind == "delete_rows":
			parts = append(parts, "deletes rows")
		case n == 1:
			parts = append(parts, "drops 1 "+words[kind])
		default:
			parts = append(parts, fmt.Sprintf("drops %d %ss", n, words[kind]))
		}
	}
	return strings.Join(parts, ", ")
}
