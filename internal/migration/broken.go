package migration

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Broken explains a migration that failed on a database.
type Broken struct {
	Revision string `json:"revision"`
	Version  string `json:"version"` // the release that brought it; "" when not known
	Title    string `json:"title"`   // the source's own, from outside
	// Statement, Table, Class and Message are what the database refused: text from outside, for
	// result.json. Masked makes of it what other places may show.
	Statement string `json:"statement"`
	Table     string `json:"table"`
	Class     string `json:"class"`
	Message   string `json:"message"`
	// RepairedBy is the first release after the target whose script of this revision does something
	// else; null when none of Compared does.
	RepairedBy *string  `json:"repaired_by"`
	Compared   []string `json:"compared"` // later releases whose scripts were read, oldest first
	Repair     string   `json:"repair"`   // the same in words; says what is not known and why
}

// CutOff is the Message of a revision that nothing refused: its process ended, or was ended, in it.
const CutOff = "the migration was cut off in this revision"

// mostCompared bounds how many later releases are looked at.
const mostCompared = 8

// Later returns the releases after to that may hold a repair: the patches of its own line first, for
// those change least, then the others, oldest first, and the newest of all among them.
func Later(all []string, to string) []string {
	var patches, others []string
	for _, v := range all {
		switch {
		case version.Compare(v, to) <= 0 || version.Prerelease(v) || version.Yanked(v):
		case line(v) == line(to):
			patches = append(patches, v)
		default:
			others = append(others, v)
		}
	}
	slices.SortFunc(patches, version.Compare)
	slices.SortFunc(others, version.Compare)
	later := slices.Compact(append(patches, others...))
	if len(later) > mostCompared {
		later = append(later[:mostCompared-1:mostCompared-1], later[len(later)-1])
	}
	return later
}

func line(v string) string {
	parts := strings.SplitN(v, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// Look completes what is known of a broken revision: from the target's own scripts the release that
// brought it, and from those of later releases whether one repairs it. read returns the revisions of
// a release; a release that cannot be read is told and passed over.
func (b *Broken) Look(ctx context.Context, to string, later []string, read func(ctx context.Context, v string) ([]Revision, error)) {
	b.Compared = []string{}
	if b.Message == CutOff {
		b.Repair = "nothing refused it: there is nothing to repair"
		return
	}
	own, err := read(ctx, to)
	if err != nil {
		b.Repair = fmt.Sprintf("whether a later release repairs it is not known: the scripts of %s could not be read: %v", to, err)
		return
	}
	was, after := find(own, b.Revision)
	if was == nil {
		b.Repair = fmt.Sprintf("whether a later release repairs it is not known: %s has no script of this revision", to)
		return
	}
	b.Title, b.Version = was.Title, broughtBy(after)
	var unread []string
	for _, v := range later {
		revisions, err := read(ctx, v)
		if err != nil {
			unread = append(unread, v)
			continue
		}
		b.Compared = append(b.Compared, v)
		if now, _ := find(revisions, b.Revision); now == nil || now.Source != was.Source {
			b.RepairedBy = &v
			break
		}
	}
	b.Repair = b.sayRepair(to, unread)
}

func (b *Broken) sayRepair(to string, unread []string) string {
	var says string
	switch {
	case b.RepairedBy != nil:
		says = fmt.Sprintf("ZenML %s does something else in this revision than %s: rehearse with it", *b.RepairedBy, to)
	case len(b.Compared) > 0:
		says = "the script of this revision is the same in " + strings.Join(b.Compared, ", ")
	case len(unread) == 0:
		return fmt.Sprintf("there is no later release than %s: report the failure to ZenML", to)
	default:
		says = "whether a later release repairs it is not known"
	}
	if len(unread) > 0 {
		says += "; not read: " + strings.Join(unread, ", ")
	}
	return says
}

// find returns a revision and the chain from it on.
func find(revisions []Revision, id string) (*Revision, []Revision) {
	ordered, err := chain(revisions)
	if err != nil {
		ordered = revisions // a script is compared all the same; which release brought it is not known
	}
	i := slices.IndexFunc(ordered, func(r Revision) bool { return r.ID == id })
	if i < 0 {
		return nil, nil
	}
	if err != nil {
		return &ordered[i], nil
	}
	return &ordered[i], ordered[i:]
}

const identifier = "[`\"\\[]?(?:[A-Za-z0-9_$]+[`\"\\]]?\\.[`\"\\[]?)?([A-Za-z0-9_$]+)"

var (
	// named finds the table that a statement works on.
	named = regexp.MustCompile(`(?i)^\s*(?:CREATE\s+TABLE(?:\s+IF\s+NOT\s+EXISTS)?|ALTER\s+TABLE|DROP\s+TABLE(?:\s+IF\s+EXISTS)?|TRUNCATE(?:\s+TABLE)?|(?:INSERT|REPLACE)(?:\s+IGNORE)?\s+INTO|UPDATE|DELETE\s+FROM|(?:CREATE|DROP)\s+(?:UNIQUE\s+)?INDEX\s+\S+\s+ON|SELECT\b.*?\bFROM)\s+` + identifier)
	// said finds the table that the database names when it refuses.
	said = regexp.MustCompile(`(?i)\btable:?\s+'?` + identifier)
	// batch is what alembic calls the new form of a table while it copies rows into it.
	batch  = "_alembic_tmp_"
	quoted = regexp.MustCompile(`'(?:[^'\\]|\\.|'')*'`)
)

// TableOf names the table that a failure is about, from the statement, else from the database's
// words; "" when neither says.
func TableOf(statement, message string) string {
	for _, m := range [][]string{named.FindStringSubmatch(strings.Join(strings.Fields(statement), " ")), said.FindStringSubmatch(message)} {
		if m != nil {
			return strings.TrimPrefix(m[1], batch)
		}
	}
	return ""
}

// Masked returns statement and message without what may be a value of a row: every literal, but for
// names that the statement itself holds outside of literals.
func (b *Broken) Masked() (statement, message string) {
	statement = strings.Join(strings.Fields(quoted.ReplaceAllString(b.Statement, "'?'")), " ")
	names := map[string]bool{b.Table: b.Table != ""}
	for _, n := range regexp.MustCompile(`[A-Za-z0-9_$]+`).FindAllString(statement, -1) {
		names[n] = true
	}
	message = quoted.ReplaceAllStringFunc(b.Message, func(q string) string {
		inside := strings.Trim(q, "'")
		if _, table, ok := strings.Cut(inside, "."); ok { // DATABASE.TABLE
			inside = table
		}
		if names[inside] {
			return q
		}
		return "'?'"
	})
	return cut(statement, longestShown), cut(strings.Join(strings.Fields(message), " "), longestShown)
}

const longestShown = 400

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
