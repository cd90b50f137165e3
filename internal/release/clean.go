package release

import (
	"bytes"
	"regexp"
	"sort"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

var parser = goldmark.DefaultParser()

// parseClosed parses a body after blanking what would hide the rest of it: folding tags (a list
// that follows them without a blank line would be read as HTML), a comment that never ends and a
// fence that never ends. Offsets and lines stay as they were.
func parseClosed(src []byte) ([]byte, ast.Node) {
	clean := bytes.Clone(src)
	clean = bytes.ReplaceAll(clean, []byte{0}, []byte(" "))
	tame(clean)
	if open := bytes.LastIndex(clean, []byte("<!--")); open >= 0 && !bytes.Contains(clean[open:], []byte("-->")) {
		blank(clean[open : open+4])
	}
	root := parser.Parse(text.NewReader(clean))
	if blankFolds(clean, root) {
		root = parser.Parse(text.NewReader(clean))
	}
	// Each turn opens one fence that swallowed the end of the body; eight are more than any note has.
	for range 8 {
		fence, ok := root.LastChild().(*ast.FencedCodeBlock)
		if !ok || closed(fence, clean) {
			break
		}
		line, _, _ := bytes.Cut(clean[fence.Pos():], []byte("\n"))
		blank(line)
		root = parser.Parse(text.NewReader(clean))
	}
	return clean, root
}

// closed says whether a fence that is the last block of a body has its closing line.
func closed(fence *ast.FencedCodeBlock, src []byte) bool {
	end := fence.Pos()
	if n := fence.Lines().Len(); n > 0 {
		end = fence.Lines().At(n - 1).Stop
	} else if i := bytes.IndexByte(src[end:], '\n'); i >= 0 {
		end += i + 1
	} else {
		return false
	}
	rest := bytes.TrimSpace(src[end:])
	return bytes.HasPrefix(rest, []byte("```")) || bytes.HasPrefix(rest, []byte("~~~"))
}

func blank(b []byte) {
	for i := range b {
		if b[i] != '\n' {
			b[i] = ' '
		}
	}
}

var foldTag = regexp.MustCompile(`(?is)</?details[^<>]*>|<summary[^<>]*>.{0,200}?</summary\s*>`)

// blankFolds blanks folding tags in HTML blocks and says whether there were any.
func blankFolds(src []byte, root ast.Node) bool {
	found := false
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		html, ok := n.(*ast.HTMLBlock)
		if !ok || !entering || html.HTMLBlockType == ast.HTMLBlockType2 {
			return ast.WalkContinue, nil
		}
		if html.Lines().Len() == 0 {
			return ast.WalkSkipChildren, nil
		}
		start, end := html.Lines().At(0).Start, html.Lines().At(html.Lines().Len()-1).Stop
		for _, at := range foldTag.FindAllIndex(src[start:end], -1) {
			blank(src[start+at[0] : start+at[1]])
			found = true
		}
		for i := range html.Lines().Len() {
			seg := html.Lines().At(i)
			line := src[seg.Start:seg.Stop]
			// Words behind a tag must not become indented code: they move to the line's start.
			if words := bytes.Clone(bytes.TrimSpace(line)); len(words) > 0 && bytes.HasPrefix(line, []byte("    ")) {
				blank(line)
				copy(line, words)
			}
		}
		return ast.WalkSkipChildren, nil
	})
	return found
}

type fold struct {
	from, to int
	is       section
}

var (
	foldEdge    = regexp.MustCompile(`(?i)</?details`)
	foldSummary = regexp.MustCompile(`(?is)<summary[^<>]*>(.{0,200}?)</summary`)
)

// findFolds finds the <details> blocks by line, in order. One inside another ends the outer one:
// the summary nearest above a line is what it stands under.
func findFolds(src []byte, starts []int) []fold {
	var out []fold
	open := false
	for _, at := range foldEdge.FindAllIndex(src, -1) {
		line := lineOf(starts, at[0])
		if open {
			out[len(out)-1].to = line
		}
		if open = src[at[0]+1] != '/'; open {
			f := fold{from: line, to: len(starts)}
			if m := foldSummary.FindSubmatch(src[at[1]:min(len(src), at[1]+400)]); m != nil {
				f.is = sectionOf(string(m[1]))
			}
			out = append(out, f)
		}
	}
	return out
}

func lineStarts(src []byte) []int {
	starts := []int{0}
	for i, c := range src {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

func lineOf(starts []int, offset int) int {
	return sort.SearchInts(starts, offset+1)
}
