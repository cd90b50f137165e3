package release

import (
	"bytes"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// unit is the smallest piece that notes are read in: one paragraph (with the code that follows
// it) or one list item (with what is nested in it).
type unit struct {
	from, to int   // lines, 1-based, inclusive
	heads    []int // enclosing headings, outermost first, as indices of document.heads
	item     bool
	intro    bool   // a paragraph that ends in a colon: what follows says the thing
	coded    bool   // holds a code block
	plain    string // the words, without markup and without code blocks
	fold     string // the summary of the <details> block around it
}

type head struct {
	level, from int
	plain       string
}

// document is one release body taken apart.
type document struct {
	lines []string // as written
	heads []head
	units []unit
}

// read takes a body apart. Code in fences is never a heading and never classified.
func read(body string) *document {
	// Lines are counted as GitHub and editors do: by line feeds.
	body = strings.NewReplacer("\r\n", "\n", "\r", " ").Replace(body)
	src := []byte(body)
	clean, root := parseClosed(src)
	d := &document{lines: strings.Split(body, "\n")}
	starts := lineStarts(clean)
	r := &reader{doc: d, src: clean, starts: starts}
	r.folds = findFolds(src, starts)
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		r.block(n)
	}
	r.finish(strings.Split(string(clean), "\n"))
	return d
}

var parser = goldmark.DefaultParser()

// parseClosed parses a body after blanking what would hide the rest of it: folding tags (a list
// that follows them without a blank line would be read as HTML), a comment that never ends and a
// fence that never ends. Offsets and lines stay as they were.
func parseClosed(src []byte) ([]byte, ast.Node) {
	clean := bytes.Clone(src)
	clean = bytes.ReplaceAll(clean, []byte{0}, []byte(" "))
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
		start := fence.Pos()
		end := start + bytes.IndexByte(append(clean[start:len(clean):len(clean)], '\n'), '\n')
		blank(clean[start:end])
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
		for i := range html.Lines().Len() {
			seg := html.Lines().At(i)
			found = true
			end := html.Lines().At(html.Lines().Len() - 1).Stop
			for _, at := range foldTag.FindAllIndex(src[seg.Start:end], -1) {
				blank(src[seg.Start+at[0] : seg.Start+at[1]])
			}
			line := src[seg.Start:seg.Stop]
			// Words behind a tag must not become indented code: they move to the line's start.
			if words := bytes.TrimSpace(line); len(words) > 0 && bytes.HasPrefix(line, []byte("    ")) {
				words = bytes.Clone(words)
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
	summary  string
}

var (
	foldOpen    = regexp.MustCompile(`(?i)<details`)
	foldClose   = regexp.MustCompile(`(?i)</details`)
	foldSummary = regexp.MustCompile(`(?is)<summary[^<>]*>(.{0,200}?)</summary`)
)

// findFolds finds the <details> blocks, by line.
func findFolds(src []byte, starts []int) []fold {
	var out []fold
	for _, at := range foldOpen.FindAllIndex(src, -1) {
		f := fold{from: lineOf(starts, at[0]), to: len(starts)}
		if end := foldClose.FindIndex(src[at[1]:]); end != nil {
			f.to = lineOf(starts, at[1]+end[0])
		}
		if m := foldSummary.FindSubmatch(src[at[1]:min(len(src), at[1]+400)]); m != nil {
			f.summary = string(m[1])
		}
		out = append(out, f)
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

// reader walks the blocks of a body in order.
type reader struct {
	doc    *document
	src    []byte
	starts []int
	folds  []fold
	path   []int // headings that are open
	edges  []int // lines where a block begins: what ends the block before it
}

func (r *reader) block(n ast.Node) {
	line := lineOf(r.starts, max(0, n.Pos()))
	r.edges = append(r.edges, line)
	switch n := n.(type) {
	case *ast.Heading:
		r.heading(n.Level, line, r.words(n))
	case *ast.List:
		for item := n.FirstChild(); item != nil; item = item.NextSibling() {
			r.item(item)
		}
	case *ast.Blockquote:
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			r.block(c)
		}
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		r.code(line)
	case *ast.HTMLBlock:
		if n.HTMLBlockType != ast.HTMLBlockType2 { // comments say nothing
			r.add(unit{from: line, plain: stripTags(string(n.Lines().Value(r.src)))})
		}
	case *ast.ThematicBreak:
	default:
		r.paragraph(n, line)
	}
}

func (r *reader) paragraph(n ast.Node, line int) {
	words := r.words(n)
	// Bold words alone on a line stand for a heading when they name a section.
	if s := n.FirstChild(); s != nil && s.NextSibling() == nil && len(words) < 80 {
		if e, ok := s.(*ast.Emphasis); ok && e.Level == 2 && sectionOf(words) != sectionNone {
			r.heading(7, line, words)
			return
		}
	}
	r.add(unit{from: line, plain: words, intro: strings.HasSuffix(words, ":")})
}

func (r *reader) heading(level, line int, words string) {
	for len(r.path) > 0 && r.doc.heads[r.path[len(r.path)-1]].level >= level {
		r.path = r.path[:len(r.path)-1]
	}
	r.doc.heads = append(r.doc.heads, head{level: level, from: line, plain: words})
	r.path = append(slices.Clone(r.path), len(r.doc.heads)-1)
}

func (r *reader) item(n ast.Node) {
	line := lineOf(r.starts, max(0, n.Pos()))
	r.edges = append(r.edges, line)
	u := unit{from: line, item: true, plain: r.words(n)}
	_ = ast.Walk(n, func(c ast.Node, _ bool) (ast.WalkStatus, error) {
		u.coded = u.coded || c.Kind() == ast.KindFencedCodeBlock
		return ast.WalkContinue, nil
	})
	r.add(u)
}

// code belongs to the paragraph before it, under the same headings.
func (r *reader) code(line int) {
	if k := len(r.doc.units); k > 0 && !r.doc.units[k-1].item && slices.Equal(r.doc.units[k-1].heads, r.path) {
		r.doc.units[k-1].coded = true
		r.edges = r.edges[:len(r.edges)-1]
		return
	}
	r.add(unit{from: line, coded: true})
}

func (r *reader) add(u unit) {
	u.heads = r.path
	for _, f := range r.folds {
		if f.from <= u.from && u.from <= f.to {
			u.fold = f.summary
		}
	}
	r.doc.units = append(r.doc.units, u)
}

// finish gives every unit its last line: the last one with words before the next block.
func (r *reader) finish(clean []string) {
	slices.Sort(r.edges)
	for i := range r.doc.units {
		u := &r.doc.units[i]
		u.to = len(clean)
		if k := sort.SearchInts(r.edges, u.from+1); k < len(r.edges) {
			u.to = r.edges[k] - 1
		}
		for u.to > u.from && strings.TrimSpace(clean[u.to-1]) == "" {
			u.to--
		}
	}
}

// words returns the text of a node without markup and without code blocks.
func (r *reader) words(n ast.Node) string {
	var b strings.Builder
	_ = ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			if c.Type() == ast.TypeBlock {
				b.WriteByte(' ')
			}
			return ast.WalkContinue, nil
		}
		switch c := c.(type) {
		case *ast.FencedCodeBlock, *ast.CodeBlock, *ast.HTMLBlock, *ast.RawHTML:
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			b.Write(c.Segment.Value(r.src))
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(c.Value)
		case *ast.AutoLink:
			b.Write(c.Label(r.src))
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

var anyTag = regexp.MustCompile(`<[^<>]*>`)

func stripTags(s string) string {
	return strings.Join(strings.Fields(anyTag.ReplaceAllString(s, " ")), " ")
}
