package checklist

import (
	"fmt"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

// Sections renders the guide: what is done in turn as boxes, the rest of its advice as points.
func Sections(phases []Phase) []report.Section {
	steps := report.Section{Title: "Checklist of the upgrade guide", Folded: true}
	advice := report.Section{Title: "Further advice of the upgrade guide", Folded: true}
	for _, p := range phases {
		if len(p.Steps) == 0 && p.Note == "" {
			continue
		}
		blocks := []report.Block{report.Para{Text: report.Text{{Plain: p.Heading(), Bold: true}}}}
		if p.Note != "" {
			blocks = append(blocks, report.Para{Text: report.T("ZenML Pro, hosted: " + p.Note + ".")})
		}
		if p.Boxed() {
			steps.Blocks = append(steps.Blocks, append(blocks, boxes(p.Steps))...)
		} else {
			advice.Blocks = append(advice.Blocks, append(blocks, points(p.Steps))...)
		}
	}
	return []report.Section{steps, advice}
}

// Heading is a phase's title with its number and the guide's estimate.
func (p Phase) Heading() string {
	if p.Number == 0 {
		return p.Title
	}
	return fmt.Sprintf("Phase %d: %s (%s)", p.Number, p.Title, p.Duration)
}

// Boxed says whether the steps of a phase are done in turn; the others are advice.
func (p Phase) Boxed() bool {
	return p.Number > 0 || slices.Contains([]string{"planning", "changes", "rollback", "after"}, p.ID)
}

// Words are a step's text with the heading that it stands under.
func (s Step) Words() string {
	if s.Group == "" {
		return s.Text
	}
	return s.Group + ": " + s.Text
}

func boxes(steps []Step) report.Block {
	var list report.Checklist
	for _, s := range steps {
		list.Items = append(list.Items, report.CheckItem{Done: s.State == Done, Text: report.T(line(s))})
	}
	return list
}

func points(steps []Step) report.Block {
	var list report.List
	for _, s := range steps {
		list.Items = append(list.Items, report.T(line(s)))
	}
	return list
}

func line(s Step) string {
	text := s.Words()
	switch s.State {
	case Failed:
		text += " - failed"
	case Undecided:
		text += " - undecided: whether anything breaks is not known"
	case Done, Open:
	}
	if s.Evidence != "" {
		text += " (" + s.Evidence + ")"
	}
	if s.State != Done && s.ProvedBy != Person && s.ProvedBy != ReleaseCheck {
		text += " [" + string(s.ProvedBy) + "]"
	}
	if s.Moved != nil {
		text += ". Changed: " + *s.Moved
	}
	for _, n := range s.Notes {
		text += "; " + n
	}
	return text
}
