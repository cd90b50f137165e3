package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// plainWidth is where lines for a terminal are broken.
const plainWidth = 100

// Plain writes d for a terminal: no control character, no line that the workflow runner would
// take for a command. Folded sections are named, not shown: report.html has them.
func Plain(w io.Writer, d Document) error {
	var b strings.Builder
	b.WriteString(oneLine(d.Title) + "\n\n")
	wrap(&b, strings.ToUpper(decisionWord(d.Decision))+": ", oneLine(d.Headline))
	for _, n := range d.Notes {
		wrap(&b, "Note: ", oneLine(n))
	}
	for _, r := range d.Reasons {
		wrap(&b, "  - ", fmt.Sprintf("%s %s: %s", strings.ToLower(decisionWord(r.Decision)), oneLine(r.Code), oneLine(r.Text)))
		for _, e := range r.Evidence[:min(len(r.Evidence), evidenceShown)] {
			b.WriteString("      " + oneLine(e) + "\n")
		}
		if more := len(r.Evidence) - evidenceShown; more > 0 {
			fmt.Fprintf(&b, "      %d more in result.json\n", more)
		}
	}
	var folded []string
	for _, s := range d.Sections {
		if s.Folded {
			folded = append(folded, oneLine(s.Title))
			continue
		}
		b.WriteString("\n" + oneLine(s.Title) + "\n" + strings.Repeat("-", min(plainWidth, utf8.RuneCountInString(oneLine(s.Title)))) + "\n")
		for _, block := range s.Blocks {
			plainBlock(&b, block)
		}
	}
	if len(folded) > 0 {
		b.WriteString("\n")
		wrap(&b, "More in report.html: ", strings.Join(folded, "; "))
	}
	if f := oneLine(d.Footer); f != "" {
		b.WriteString("\n")
		wrap(&b, "", f)
	}
	if _, err := io.WriteString(w, defuse(b.String())); err != nil {
		return fmt.Errorf("writing the report as text: %w", err)
	}
	return nil
}

func plainBlock(b *strings.Builder, block Block) {
	switch block := block.(type) {
	case Para:
		wrap(b, "", plainText(block.Text))
	case List:
		for _, t := range block.Items {
			wrap(b, "- ", plainText(t))
		}
	case Checklist:
		for _, item := range block.Items {
			mark := "[ ] "
			if item.Done {
				mark = "[x] "
			}
			wrap(b, mark, plainText(item.Text))
		}
	case Table:
		plainTable(b, block)
	case Code:
		indent(b, block.Text)
	case Mermaid:
		indent(b, block.Source)
	case Gantt: // the table beside it says the same
	}
}

func indent(b *strings.Builder, text string) {
	for l := range strings.SplitSeq(verbatim(text), "\n") {
		b.WriteString(strings.TrimRight("    "+l, " ") + "\n")
	}
}

// plainText joins spans; a link shows its address after the label.
func plainText(t Text) string {
	var b strings.Builder
	for _, s := range t {
		label := inline(s.Plain)
		if s.Code != "" {
			label = inline(s.Code)
		}
		b.WriteString(label)
		if href := webURL(s.URL); href != "" && href != label {
			b.WriteString(" (" + href + ")")
		}
	}
	return strings.TrimSpace(b.String())
}

// plainTable aligns columns when the table fits the width, else it writes each row as a list of
// "header: value", which stays readable when a cell is long.
func plainTable(b *strings.Builder, t Table) {
	if len(t.Header) == 0 {
		return
	}
	rows, width, total := plainRows(t)
	if total > plainWidth {
		for _, r := range rows[1:] {
			for i, c := range r {
				mark := "  "
				if i == 0 {
					mark = "- "
				}
				wrap(b, mark, rows[0][i]+": "+c)
			}
		}
		return
	}
	for i, r := range rows {
		var line strings.Builder
		for j, c := range r {
			line.WriteString(c + strings.Repeat(" ", width[j]-utf8.RuneCountInString(c)+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
		if i == 0 {
			b.WriteString(strings.Repeat("-", total) + "\n")
		}
	}
}

// plainRows returns the header and the rows as text, the width of each column and of the table.
func plainRows(t Table) (rows [][]string, width []int, total int) {
	header := make([]string, len(t.Header))
	for i, h := range t.Header {
		header[i] = oneLine(h)
	}
	rows = [][]string{header}
	for _, r := range t.Rows {
		line := make([]string, len(t.Header))
		for i, c := range cells(t, r) {
			line[i] = plainText(c)
		}
		rows = append(rows, line)
	}
	width = make([]int, len(t.Header))
	for _, r := range rows {
		for i, c := range r {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	for _, n := range width {
		total += n + 2
	}
	return rows, width, total - 2
}

// wrap writes text after a mark, broken between words; further lines stand under the text.
func wrap(b *strings.Builder, mark, text string) {
	under := strings.Repeat(" ", min(utf8.RuneCountInString(mark), 8))
	line := mark
	length, empty := utf8.RuneCountInString(mark), true
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		if !empty && length+1+n > plainWidth {
			b.WriteString(line + "\n")
			line, length, empty = under, len(under), true
		}
		if !empty {
			line, length = line+" ", length+1
		}
		line, length, empty = line+word, length+n, false
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
