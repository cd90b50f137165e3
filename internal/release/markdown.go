package release

import (
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// unit is the smallest piece that notes are read in: one paragraph (with the code that follows
// it) or one list item (with what is nested in it).
type unit struct {
	from, to int   // lines, 1-based, inclusive
	heads    []int // enclosing headings, outermost first, as indices of document.heads
	item     bool
	intro    bool    // a paragraph that ends in a colon: what follows says the thing
	coded    bool    // holds a code block
	plain    string  // the words, without markup and without code blocks
	said     *saying // plain without a pull request's author and address
	folded   bool    // stands in a <details> block
	fold     section // what that block's summary announces
}

type head struct {
	level, from int
	plain       string
	is          section
	listed      bool // list items stand right under it
	speaks      bool // what stands right under it breaks something by its own words
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

var versionTitle = regexp.MustCompile(`(?i)^(zenml )?v?\d+\.\d+[\w.]*\b`)

func (r *reader) heading(level, line int, words string) {
	for len(r.path) > 0 && r.doc.heads[r.path[len(r.path)-1]].level >= level {
		r.path = r.path[:len(r.path)-1]
	}
	if level == 1 && versionTitle.MatchString(words) {
		return // the release's own title heads nothing but the whole
	}
	r.doc.heads = append(r.doc.heads, head{level: level, from: line, plain: words, is: sectionOf(words)})
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
	u.heads, u.said = r.path, hear(prTitle(u.plain))
	if k := sort.Search(len(r.folds), func(i int) bool { return r.folds[i].from > u.from }) - 1; k >= 0 && u.from <= r.folds[k].to {
		u.folded, u.fold = true, r.folds[k].is
	}
	if k := len(u.heads); k > 0 {
		h := &r.doc.heads[u.heads[k-1]]
		h.listed = h.listed || u.item
		h.speaks = h.speaks || breakingWords.in(u.said)
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
