package tracking

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

// mark is a tick by a person.
type mark struct {
	Login string // empty: nobody knows
	At    time.Time
}

// ticks are the marks of people by box. Those of people who may not tick, or are not known, are refused.
type ticks struct{ counted, refused map[string]mark }

// notesMarker parts what is written anew from what people write.
const notesMarker = "<!-- zenml-upgrade:notes -->"

// boxForm is a box as report writes it; people's editors may use other bullets.
var boxForm = regexp.MustCompile(`^[ \t]*[-*+] \[([ xX])\] .*<!-- box:([A-Za-z0-9._~-]+) -->[ \t]*$`)

// boxes reads which boxes a text holds and which of them are ticked. Of a box that stands twice the first counts.
func boxes(body string) map[string]bool {
	body = normal(body)
	if at := strings.LastIndex(body, notesMarker); at >= 0 {
		body = body[:at]
	}
	out := map[string]bool{}
	for line := range strings.Lines(body) {
		if !strings.Contains(line, "<!-- box:") { // most lines, in hundreds of texts
			continue
		}
		m := boxForm.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		if _, twice := out[m[2]]; !twice {
			out[m[2]] = m[1] != " "
		}
	}
	return out
}

// ticks reads out of the history who ticked what. Every text is compared with the one before: what its editor
// changed in the boxes is that person's doing. What this program wrote says nothing of people, so it cannot
// take a tick away, even when it overwrites one that it had not seen. A box that is missing from a text was not
// unticked; the text was mangled.
func (k *keeper) ticks(h forge.History) ticks {
	t := ticks{map[string]mark{}, map[string]mark{}}
	texts := h.Revisions
	switch n := len(texts); {
	case n == 0 && !h.Edited:
		return t
	case n == 0: // edited, and no history tells by whom
		texts = []forge.Revision{{}, {Body: h.Body}}
	case normal(texts[n-1].Body) != normal(h.Body): // the newest text was deleted from the history, or is missing yet
		texts = append(slices.Clone(texts), forge.Revision{At: h.UpdatedAt, Body: h.Body})
	}
	before := boxes(texts[0].Body)
	for _, r := range texts[1:] {
		for box, ticked := range boxes(r.Body) {
			if was := before[box]; ticked != was && r.Editor != k.viewer {
				t.turn(box, ticked, mark{r.Editor, r.At}, k.may(box, r.Editor))
			}
			before[box] = ticked
		}
	}
	return t
}

// turn notes that somebody ticked or unticked a box. Who may not tick cannot untick for others either.
func (t ticks) turn(box string, ticked bool, by mark, may bool) {
	switch {
	case ticked && may:
		t.counted[box] = by
		delete(t.refused, box)
	case ticked:
		t.refused[box] = by
	case may:
		delete(t.counted, box)
		delete(t.refused, box)
	case t.refused[box].Login == by.Login:
		delete(t.refused, box)
	}
}

// perTeam are the steps with a box for each team.
var perTeam = []string{checklist.TeamsTest, checklist.TeamStacks}

// teamBox is the name of a team's box.
func teamBox(step, team string) string { return report.BoxID(step + "~" + report.BoxID("team "+team)) }

// may says whether a person's tick of a box counts: an operator's does everywhere, a team member's in the boxes
// of the team.
func (k *keeper) may(box, login string) bool {
	if login == "" {
		return false
	}
	same := func(l string) bool { return strings.EqualFold(l, login) }
	if slices.ContainsFunc(k.wish.Operators, same) {
		return true
	}
	for _, team := range k.wish.Teams {
		for _, step := range perTeam {
			if box == teamBox(step, team.Name) && slices.ContainsFunc(team.Members, same) {
				return true
			}
		}
	}
	return false
}

// notes is what people wrote below the boxes; of a text that has no place for it any more, what stood there last.
func notes(h forge.History) string {
	texts := []string{h.Body}
	for _, r := range slices.Backward(h.Revisions) {
		texts = append(texts, r.Body)
	}
	for _, text := range texts {
		if at := strings.LastIndex(text, notesMarker); at >= 0 {
			below := hiddenForm.ReplaceAllString(text[at+len(notesMarker):], "")
			return normal(markerForm.ReplaceAllString(below, "")) // of a text that stands there twice
		}
	}
	return ""
}
