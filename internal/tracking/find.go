package tracking

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// identity is what there is one issue of.
type identity struct{ Environment, To string }

func (id identity) title() string {
	if id.Environment == "" {
		return "Upgrade ZenML to " + id.To
	}
	return "Upgrade ZenML on " + id.Environment + " to " + id.To
}

// marker begins the text of the issue. Names of environments and versions are letters, digits and single
// characters of which only - can end a comment, doubled.
func (id identity) marker() string {
	return fmt.Sprintf("<!-- zenml-upgrade:tracking env=%s to=%s -->", strings.ReplaceAll(id.Environment, "-", "~"), strings.ReplaceAll(id.To, "-", "~"))
}

var (
	markerForm = regexp.MustCompile(`(?m)^<!-- zenml-upgrade:tracking env=([A-Za-z0-9_~]*) to=([0-9A-Za-z.+!~]+) -->`)
	titleForm  = regexp.MustCompile(`^Upgrade ZenML(?: on ([A-Za-z0-9][A-Za-z0-9_-]{0,62}))? to (\S+)$`)
)

// identify reads which environment and target an issue is of: from its text, else from the texts it had, else
// from its title.
func identify(title string, bodies ...string) (identity, bool) {
	var id identity
	for _, body := range bodies {
		if m := markerForm.FindStringSubmatch(body); m != nil {
			id = identity{strings.ReplaceAll(m[1], "~", "-"), strings.ReplaceAll(m[2], "~", "-")}
			return id, version.Valid(id.To) == nil
		}
	}
	if m := titleForm.FindStringSubmatch(strings.TrimSpace(title)); m != nil {
		id = identity{m[1], m[2]}
	}
	return id, id.To != "" && version.Valid(id.To) == nil
}

// found is what there is on GitHub.
type found struct {
	issue *forge.History  // null when there is none
	over  []forge.History // open ones whose place this one takes
	stays string          // why nothing is to be written; empty when something is
}

// mostCandidates bounds how many issues' histories are read at once.
const mostCandidates = 50

// find looks the issue up. Only issues by the token's own author count: anybody could write a marker.
func (k *keeper) find(ctx context.Context) (found, error) {
	numbers := []int{k.wish.Number}
	if k.wish.Number == 0 {
		all, err := k.gh.IssuesLabelled(ctx, k.place.Repository, label)
		if err != nil {
			return found{}, err
		}
		if numbers = k.candidates(all); len(numbers) == 0 {
			return found{}, nil
		}
	}
	viewer, list, err := k.gh.Histories(ctx, k.place.Repository, numbers)
	if err != nil {
		return found{}, err
	}
	k.viewer = viewer
	list = slices.DeleteFunc(list, func(h forge.History) bool { return h.Author != viewer })
	if k.wish.Number != 0 {
		return k.named(list), nil
	}
	return k.choose(list), nil
}

// candidates are the issues of this environment that may matter, and open ones of which neither text nor title
// tells what they are of: their history may.
func (k *keeper) candidates(all []forge.Issue) []int {
	var out []int
	for _, i := range slices.Backward(all) {
		id, ok := identify(i.Title, i.Body)
		if ok && id == k.id || i.Open && (!ok || id.Environment == k.id.Environment) {
			out = append(out, i.Number)
		}
	}
	return out[:min(len(out), mostCandidates)]
}

// choose tells the issue of this environment and target from those of other targets. Of two open ones the older
// stays.
func (k *keeper) choose(own []forge.History) found {
	var at found
	var closed *forge.History
	for i := range own {
		h := &own[i]
		id, ok := k.identify(h)
		switch {
		case !ok || id.Environment != k.id.Environment:
		case id == k.id && h.Open && at.issue == nil:
			at.issue = h
		case id == k.id && !h.Open:
			closed = h
		case !h.Open:
		case version.Compare(id.To, k.id.To) > 0:
			at.stays = fmt.Sprintf("The tracking issue was left alone: issue %d tracks the newer target %s.", h.Number, id.To)
		default:
			at.over = append(at.over, *h)
		}
	}
	if at.issue == nil && closed != nil && at.stays == "" {
		at.issue = closed
		at.stays = left(closed)
	}
	return at
}

// left says why a closed issue is left alone, if it is: one that gave way to another target goes on when its
// target is the newest again, any other was closed because it was done, or by a person.
func left(h *forge.History) string {
	if h.Open || gone(h.Body) {
		return ""
	}
	return fmt.Sprintf("The tracking issue was left alone: issue %d is closed. Reopen it to go on.", h.Number)
}

// named judges the issue that was asked for by its number.
func (k *keeper) named(own []forge.History) found {
	if len(own) == 0 {
		return found{stays: fmt.Sprintf("The tracking issue was left alone: issue %d was not made by this token's user (%s). Give true to have one made.", k.wish.Number, k.viewer)}
	}
	h := &own[0]
	if id, ok := k.identify(h); ok {
		if k.id = id; id.To != k.run.To {
			return found{stays: fmt.Sprintf("The tracking issue was left alone: issue %d tracks ZenML %s, this run is about %s.", h.Number, id.To, k.run.To)}
		}
	}
	return found{issue: h, stays: left(h)}
}

func (k *keeper) identify(h *forge.History) (identity, bool) {
	bodies := []string{h.Body}
	for _, r := range slices.Backward(h.Revisions) {
		if r.Editor == k.viewer {
			bodies = append(bodies, r.Body)
		}
	}
	return identify(h.Title, bodies...)
}

// goneForm is what an issue's text begins with, after its marker, that gave way to another one.
var goneForm = regexp.MustCompile(`(?m)^<!-- zenml-upgrade:superseded -->`)

func gone(body string) bool { return goneForm.MatchString(body) }

// supersede closes the issues whose place this one takes, with a link to it. Their text stays.
func (k *keeper) supersede(ctx context.Context, at found) error {
	for _, h := range at.over {
		if h.Number == at.issue.Number {
			continue
		}
		id, _ := k.identify(&h)
		notice := fmt.Sprintf("%s\n<!-- zenml-upgrade:superseded -->\n> [!NOTE]\n> **Superseded by #%d.**", id.marker(), at.issue.Number)
		rest := strings.TrimPrefix(normal(h.Body), id.marker())
		if _, err := k.gh.EditIssue(ctx, k.place.Repository, h.Number, forge.IssueEdit{Body: notice + "\n\n" + strings.TrimLeft(rest, "\n"), Reason: "not_planned"}); err != nil {
			return err
		}
	}
	return nil
}

// normal is a text as it is compared: a browser ends lines with \r\n.
func normal(body string) string { return strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n")) }
