package report

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// CommentLimit is the longest text GitHub takes as a comment or an issue.
const CommentLimit = 65536

// evidenceShown is how many places a report names per reason; result.json has all.
const evidenceShown = 8

// Markdown writes d in GitHub's dialect. Text from outside can ping nobody, link nothing by
// accident, and open no markup.
//
// limit is the longest result in bytes, which is never less than GitHub's count of characters;
// 0 means none. Above it whole sections are left out, folded ones first, the last first; then
// evidence and reasons. What is left out is named, with a link to the run that has it. The notes and
// sections with a checklist, whose boxes hold state, are never left out: it is an error when these
// and the verdict do not fit.
func Markdown(w io.Writer, d Document, limit int) error {
	text, err := fit(d, limit)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("writing Markdown: %w", err)
	}
	return nil
}

// fit renders d, leaving out as little as the limit allows.
func fit(d Document, limit int) (string, error) {
	sections := make([]string, len(d.Sections))
	for i, s := range d.Sections {
		sections[i] = mdSection(s)
	}
	evidence, reasons := evidenceShown, len(d.Reasons)
	gone := make([]bool, len(d.Sections))
	drop := dropOrder(d.Sections)
	for {
		text := mdAssemble(d, sections, gone, reasons, evidence)
		if limit <= 0 || len(text) <= limit {
			return text, nil
		}
		switch {
		case len(drop) > 0:
			gone[drop[0]], drop = true, drop[1:]
		case evidence > 0:
			evidence = 0
		case reasons > 0:
			reasons /= 2
		default:
			return "", errors.New("writing Markdown: not even the verdict and what must stand beside it fit into the limit")
		}
	}
}

// dropOrder returns the indexes of the sections in the order in which they are left out.
func dropOrder(sections []Section) []int {
	rank := func(i int) int {
		if sections[i].Folded {
			return 0
		}
		return 1
	}
	var order []int
	for i, s := range sections {
		if !slices.ContainsFunc(s.Blocks, func(b Block) bool { _, boxes := b.(Checklist); return boxes }) {
			order = append(order, i)
		}
	}
	slices.Reverse(order)
	slices.SortStableFunc(order, func(a, b int) int { return rank(a) - rank(b) })
	return order
}

func mdAssemble(d Document, sections []string, gone []bool, reasons, evidence int) string {
	parts := mdHead(d, reasons, evidence)
	var left []string
	for i, s := range sections {
		if gone[i] {
			left = append(left, "“"+mdPlain(shorten(oneLine(d.Sections[i].Title), 60))+"”")
			continue
		}
		parts = append(parts, s)
	}
	if n := len(left); n > 8 {
		left = append(left[:8], fmt.Sprintf("%d more", n-8))
	}
	if reasons < len(d.Reasons) {
		left = append(left, fmt.Sprintf("%d of %d reasons", len(d.Reasons)-reasons, len(d.Reasons)))
	}
	if evidence < evidenceShown {
		left = append(left, "the reasons' evidence")
	}
	if len(left) > 0 {
		whole := "The whole report is in report.html, all data in result.json."
		if href := webURL(d.RunURL); href != "" {
			whole = "The summary of " + mdSpan(Span{Plain: "the run", URL: href}, false) + " has it."
		}
		parts = append(parts, "> [!NOTE]\n> Left out here, because the text would be too long: "+strings.Join(left, ", ")+". "+whole)
	}
	if f := mdFooter(d); f != "" {
		parts = append(parts, "<sub>"+f+"</sub>")
	}
	return defuse(strings.Join(parts, "\n\n")) + "\n"
}

func mdFooter(d Document) string {
	f := mdPlain(shorten(d.Footer, 600))
	if d.Commit != "" {
		f += " · commit " + mdCode(first(oneLine(d.Commit), 10), false)
	}
	if href := webURL(d.RunURL); href != "" {
		f = strings.TrimPrefix(f+" · "+mdSpan(Span{Plain: "Summary of the run", URL: href}, false), " · ")
	}
	return f
}

// mdAlerts are GitHub's coloured quotations, one for each decision.
var mdAlerts = map[verdict.Decision]string{
	verdict.Pass: "TIP", verdict.Review: "WARNING", verdict.Unknown: "IMPORTANT", verdict.Block: "CAUTION",
}

func mdHead(d Document, reasons, evidence int) []string {
	alert := mdAlerts[d.Decision]
	if alert == "" {
		alert = mdAlerts[verdict.Unknown]
	}
	head := []string{
		"## " + mdPlain(shorten(oneLine(d.Title), 200)),
		"> [!" + alert + "]\n> **" + decisionWord(d.Decision) + ".** " + mdPlain(shorten(oneLine(d.Headline), 500)),
	}
	for _, n := range d.Notes {
		head = append(head, "> [!NOTE]\n> "+mdStart(mdPlain(shorten(oneLine(n), 1000))))
	}
	if reasons == 0 {
		return head
	}
	var lines []string
	for _, r := range d.Reasons[:reasons] {
		lines = append(lines, fmt.Sprintf("- **%s:** %s %s", decisionWord(r.Decision), mdPlain(oneLine(r.Text)), mdCode(r.Code, false)))
	}
	return append(head, strings.Join(lines, "\n")+mdEvidence(d.Reasons[:reasons], evidence))
}

// mdEvidence is what the reasons rest on, folded: the reasons themselves are read first.
func mdEvidence(reasons []verdict.Reason, shown int) string {
	var lines []string
	count := 0
	for _, r := range reasons {
		if len(r.Evidence) == 0 || shown == 0 {
			continue
		}
		lines = append(lines, "- "+mdStart(cmp.Or(mdCode(r.Code, false), "evidence")))
		for _, e := range r.Evidence[:min(shown, len(r.Evidence))] {
			if c := mdCode(shorten(oneLine(e), 300), false); c != "" {
				lines = append(lines, "  - "+c)
			}
		}
		if more := len(r.Evidence) - shown; more > 0 {
			lines = append(lines, fmt.Sprintf("  - %d more in result.json", more))
		}
		count += len(r.Evidence)
	}
	if count == 0 {
		return ""
	}
	return fmt.Sprintf("\n\n<details>\n<summary>Evidence (%d)</summary>\n\n%s\n\n</details>", count, strings.Join(lines, "\n"))
}

func mdSection(s Section) string {
	var parts []string
	if s.Folded {
		parts = append(parts, "<details>\n<summary>"+mdSummary(s.Title)+"</summary>")
	} else {
		parts = append(parts, "### "+mdPlain(oneLine(s.Title)))
	}
	for _, b := range s.Blocks {
		if text := mdBlock(b); text != "" {
			parts = append(parts, text)
		}
	}
	if s.Folded {
		parts = append(parts, "</details>")
	}
	return strings.Join(parts, "\n\n")
}

func mdBlock(b Block) string {
	switch b := b.(type) {
	case Para:
		return mdLine(b.Text)
	case List:
		return mdItems(b)
	case Checklist:
		return mdBoxes(b)
	case Table:
		return mdTable(b)
	case Code:
		return mdFence(mdBlockLanguage(b.Language), b.Text)
	case Mermaid:
		return mdFence("mermaid", b.Source)
	case Gantt:
		return mdGantt(b)
	}
	return ""
}

func mdItems(l List) string {
	var lines []string
	for _, t := range l.Items {
		lines = append(lines, "- "+mdLine(t))
	}
	return strings.Join(lines, "\n")
}

// boxID is what may stand in a comment of HTML, which nothing but its end can end.
var boxID = regexp.MustCompile(`^[A-Za-z0-9._~]+(-[A-Za-z0-9._~]+)*$`)

// BoxID is the mark by which Markdown holds the box of a name: the name itself where it can stand there.
func BoxID(name string) string {
	if boxID.MatchString(name) {
		return name
	}
	return fmt.Sprintf("~%x", sha256.Sum256([]byte(name)))[:17]
}

func mdBoxes(c Checklist) string {
	var lines []string
	for _, item := range c.Items {
		line := "- [ ] "
		if item.Done {
			line = "- [x] "
		}
		line += mdLine(item.Text)
		if item.ID != "" {
			line += " <!-- box:" + BoxID(item.ID) + " -->"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func mdTable(t Table) string {
	if len(t.Header) == 0 {
		return ""
	}
	var lines []string
	head := make([]string, len(t.Header))
	rule := make([]string, len(t.Header))
	for i, h := range t.Header {
		head[i], rule[i] = mdPlain(oneLine(h)), "---"
	}
	lines = append(lines, row(head), row(rule))
	for _, r := range t.Rows {
		cells := make([]string, len(t.Header))
		for i := range cells {
			if i < len(r) {
				cells[i] = mdText(r[i], true)
			}
		}
		lines = append(lines, row(cells))
	}
	return strings.Join(lines, "\n")
}

func row(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" }
