// Package report turns one result into what people and machines read: result.json,
// report.md (the pull request comment), report.html, text and JUnit.
//
// An action describes its result as a Document; the writers encode every text in it for where
// it goes. Nothing in a Document is markup: text from outside is safe in any field.
package report

import "github.com/zenml-upgrade/zenml-upgrade/internal/verdict"

// Document is a report before it is written in any format.
type Document struct {
	Title    string           // "release-check: ZenML 0.85.0 to 0.98.0"
	Decision verdict.Decision // shown first
	Headline string           // one sentence: the verdict in words
	Reasons  []verdict.Reason
	Notes    []string // what a reader must not miss beside the reasons; never left out
	Sections []Section
	Footer   string // tool version, seconds, where the evidence is
	Commit   string // that the result is about; may be empty
	RunURL   string // where the whole text can be read, when this is a part of it; may be empty
}

// WithoutBoxes returns d with lists in place of checklists, for a text that is written anew with
// every run: a box that a person ticks there would be lost.
func (d Document) WithoutBoxes() Document {
	sections := make([]Section, len(d.Sections))
	for i, s := range d.Sections {
		sections[i] = Section{Title: s.Title, Folded: s.Folded}
		for _, b := range s.Blocks {
			if boxes, ok := b.(Checklist); ok {
				b = boxes.list()
			}
			sections[i].Blocks = append(sections[i].Blocks, b)
		}
	}
	d.Sections = sections
	return d
}

func (c Checklist) list() List {
	var l List
	for _, item := range c.Items {
		mark := "☐ "
		if item.Done {
			mark = "☑ "
		}
		l.Items = append(l.Items, append(T(mark), item.Text...))
	}
	return l
}

// Section is a part under a heading. Folded sections are shown closed where the format can.
type Section struct {
	Title  string
	Folded bool
	Blocks []Block
}

// Block is one of Para, List, Table, Code, Checklist, Mermaid or Gantt.
type Block interface{ block() }

// Text is a run of spans; a plain string is Text{{Plain: s}}.
type Text []Span

// Span is one piece of inline text, exactly one way: plain, code, or a link whose label is Plain.
type Span struct {
	Plain string
	Code  string
	URL   string // http(s) only; anything else is dropped and the label kept
	Bold  bool
}

// T makes Text of a plain string.
func T(s string) Text { return Text{{Plain: s}} }

// C makes Text of a code span.
func C(s string) Text { return Text{{Code: s}} }

// Para is a paragraph.
type Para struct{ Text Text }

// List is a bullet list.
type List struct{ Items []Text }

// Table is a table; every row has as many cells as Header.
type Table struct {
	Header []string
	Rows   [][]Text
}

// Code is a block of verbatim text, such as a resolver's proof or a log excerpt.
type Code struct{ Language, Text string }

// Checklist is a list of boxes.
type Checklist struct{ Items []CheckItem }

// CheckItem is one box.
type CheckItem struct {
	Done bool
	Text Text
	// ID finds the box again in Markdown, where its BoxID stands and is not shown. A box that nobody has to
	// find has none.
	ID string
}

// Mermaid is a diagram, its source drawn where the format can and shown as code elsewhere.
type Mermaid struct{ Source string }

func (Para) block()      {}
func (List) block()      {}
func (Table) block()     {}
func (Code) block()      {}
func (Checklist) block() {}
func (Mermaid) block()   {}
