package usage

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// notebook returns the code cells of a notebook as one text, with the line of the file that each
// line stands on. Lines for the notebook's shell are taken out and kept beside.
func notebook(data []byte) (source, error) {
	var doc struct {
		Cells []struct {
			Type   string          `json:"cell_type"`
			Source json.RawMessage `json:"source"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return source{}, err
	}
	var out source
	var text strings.Builder
	from := 0
	for _, c := range doc.Cells {
		// A raw message is a copy: it is found again behind the one before.
		at := bytes.Index(data[from:], c.Source)
		if at < 0 {
			return source{}, errors.New("a cell was not found again")
		}
		begin := from + at
		from = begin + len(c.Source)
		if c.Type != "code" {
			continue
		}
		lines, err := cellLines(c.Source)
		if err != nil {
			return source{}, err
		}
		base := 1 + bytes.Count(data[:begin], []byte("\n"))
		for i := range lines {
			lines[i].line += base
		}
		out.cell(&text, lines)
	}
	out.text = text.String()
	if out.lines == nil {
		out.lines = []int{}
	}
	return out, nil
}

type cellLine struct {
	text string
	line int
}

// cellLines divides a cell's source, a list of texts or one text, into lines; line is how many
// lines of the file stand before it.
func cellLines(raw json.RawMessage) ([]cellLine, error) {
	var out []cellLine
	var one string
	if json.Unmarshal(raw, &one) == nil {
		for _, l := range strings.Split(strings.TrimSuffix(one, "\n"), "\n") {
			out = append(out, cellLine{l, 0})
		}
		return out, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	for dec.More() {
		var s string
		if err := dec.Decode(&s); err != nil {
			return nil, err
		}
		line := bytes.Count(raw[:dec.InputOffset()], []byte("\n"))
		for _, l := range strings.Split(strings.TrimSuffix(s, "\n"), "\n") {
			out = append(out, cellLine{l, line})
		}
	}
	return out, nil
}

func (s *source) cell(text *strings.Builder, lines []cellLine) {
	whole := ""
	if len(lines) > 0 && strings.HasPrefix(strings.TrimSpace(lines[0].text), "%%") {
		whole = strings.Fields(strings.TrimSpace(lines[0].text) + " .")[0]
	}
	for i, l := range lines {
		trimmed := strings.TrimSpace(l.text)
		indent := l.text[:len(l.text)-len(strings.TrimLeft(l.text, " \t"))]
		_, after, assigned := strings.Cut(trimmed, "= !")
		switch {
		case whole == "%%bash" || whole == "%%sh" || whole == "%%script":
			if i > 0 {
				s.shell = append(s.shell, shellText{text: l.text, line: l.line, fixed: true})
			}
			text.WriteString("\n")
		case whole != "" && whole != "%%time" && whole != "%%timeit" && whole != "%%capture":
			text.WriteString("\n")
		case strings.HasPrefix(trimmed, "!") || strings.HasPrefix(trimmed, "%") || strings.HasPrefix(trimmed, "?"):
			if strings.HasPrefix(trimmed, "!") {
				s.shell = append(s.shell, shellText{text: strings.TrimLeft(trimmed, "!"), line: l.line, fixed: true})
			}
			text.WriteString(indent + "pass\n")
		case assigned:
			s.shell = append(s.shell, shellText{text: after, line: l.line, fixed: true})
			name, _, _ := strings.Cut(l.text, "=")
			text.WriteString(name + "= None\n")
		default:
			text.WriteString(l.text + "\n")
		}
		s.lines = append(s.lines, l.line)
	}
}
