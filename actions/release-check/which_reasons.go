package releasecheck

import (
	"fmt"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pin"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
	"github.com/zenml-upgrade/zenml-upgrade/internal/which"
)

// reasons are what the upgrade's places say beside the check.
func (u *Upgrade) reasons(s *settings) []verdict.Reason {
	var out []verdict.Reason
	if s.sides != nil || s.inputFrom == "" && u.Server == nil { // else no place says where the upgrade starts
		out = s.unread()
	}
	if len(u.disagree) > 0 {
		out = append(out, verdict.Because(verdict.Review, "pins_disagree", fmt.Sprintf("The versions of ZenML in this repository do not agree: %d places stand against the others.", len(u.disagree)), places(u.disagree)))
	}
	return out
}

func (s *settings) unread() []verdict.Reason {
	if len(s.upgrade.Unread) == 0 {
		return nil
	}
	return []verdict.Reason{verdict.Because(verdict.Unknown, "upgrade_unread", "Files in which a version of ZenML can stand could not be read, so which upgrade this is is not sure.", gaps(s.upgrade.Unread))}
}

func places(pins []pin.Pin) []string {
	var out []string
	for _, p := range pins {
		out = append(out, fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text))
	}
	return out
}

func changes(list []pin.Change) []string {
	var out []string
	for _, c := range list {
		before, after := "nothing", "nothing"
		if c.Base != nil {
			before = c.Base.Text
		}
		if c.Head != nil {
			after = c.Head.Text
		}
		out = append(out, fmt.Sprintf("%s:%d: %s, before: %s", c.At().File, c.At().Line, after, before))
	}
	return out
}

// longestDiff bounds what is shown of a changed configuration.
const longestDiff = 20 << 10

func configChange(sides *which.Sides, rel string) *ConfigChange {
	out := &ConfigChange{Path: rel, ReadAt: sides.BaseID}
	if rel == "" || sides.Trusted.ID(rel) == sides.Head.ID(rel) {
		return out
	}
	before, _ := sides.Trusted.Read(rel) // a file that is not there is empty
	after, err := sides.Head.Read(rel)
	text := string(diff.Diff("base/"+rel, before, "head/"+rel, after))
	if err != nil && sides.Head.ID(rel) != "" {
		text = "the head's file could not be read: " + oneLine(err)
	}
	if len(text) > longestDiff {
		text = text[:longestDiff] + "\n(cut)"
	}
	out.Diff = &text
	return out
}
