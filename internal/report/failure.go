package report

import "strings"

// Failure is the result of a run that formed none.
type Failure struct{ Common }

// Document tells the errors, so that a report exists whatever happened.
func (f *Failure) Document() Document {
	items := make([]Text, 0, len(f.Errors))
	for _, e := range f.Errors {
		items = append(items, T(e))
	}
	headline := "No verdict could be formed."
	switch f.ReasonCode {
	case "bad_input":
		headline = "The inputs are wrong; nothing was done."
	case "interrupted":
		headline = "The run was interrupted before a verdict."
	}
	title, _, _ := strings.Cut(strings.TrimPrefix(f.Schema, "zenml-upgrade/"), "/")
	d := Document{Title: title + ": no verdict", Decision: f.Decision, Headline: headline, Reasons: f.Reasons, Footer: "zenml-upgrade " + f.ToolVersion}
	if len(items) > 0 {
		d.Sections = []Section{{Title: "Errors", Blocks: []Block{List{Items: items}}}}
	}
	return d
}
