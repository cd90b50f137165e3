package report

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// acted is what GitHub acts on in rendered text outside code.
var acted = regexp.MustCompile(`(?i)@[a-z0-9]|#\d|\bGH-\d|\b[0-9a-f]{7,40}\b|://|www\.|mailto:`)

// summary is the opening of a folded section, its title without any tag.
// boxMark is how a box is found again, whatever its name.
var boxMark = regexp.MustCompile(`^RawHTML <!-- box:(1-backup|~[0-9a-f]{16}) -->$`)

var summary = regexp.MustCompile(`^HTMLBlock <details>\n<summary>[^<>\n]*</summary>$`)

// shape is what a parser of GitHub's dialect finds in a Markdown text.
type shape struct {
	count map[string]int
	words strings.Builder
	loud  []string // text outside code on which GitHub would act
}

// parse reads Markdown the way GitHub does. Links that a document asked for itself are told
// from others by their address.
func parse(source string) *shape {
	s := &shape{count: map[string]int{}}
	src := []byte(source)
	doc := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote)).Parser().Parse(text.NewReader(src))
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if n.Kind() != ast.KindText {
			s.words.WriteString("\x00") // GitHub looks at each text by itself
		}
		if !entering {
			return ast.WalkContinue, nil
		}
		kind := n.Kind().String()
		if n.Type() == ast.TypeBlock {
			s.hear()
		}
		switch n := n.(type) {
		case *ast.CodeSpan, *ast.FencedCodeBlock:
			s.count[kind]++
			return ast.WalkSkipChildren, nil
		case *ast.Link:
			kind += " " + string(n.Destination)
		case *ast.RawHTML:
			kind += " " + string(n.Segments.Value(src))
		case *ast.HTMLBlock:
			kind += " " + strings.TrimSpace(string(n.Lines().Value(src)))
			s.words.WriteString(html.UnescapeString(kind))
		case *ast.Heading:
			kind += strings.Repeat("#", n.Level)
		case *east.TaskCheckBox:
			kind += map[bool]string{true: " done", false: " open"}[n.IsChecked]
		case *ast.Text:
			s.words.Write(util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(n.Value(src)))))
		}
		if n.Kind() != ast.KindText && n.Kind() != ast.KindString {
			s.count[kind]++
		}
		return ast.WalkContinue, nil
	})
	s.hear()
	return s
}

// hear judges the text of one block.
func (s *shape) hear() {
	if words := s.words.String(); acted.MatchString(words) {
		s.loud = append(s.loud, words)
	}
	s.words.Reset()
}

// inert checks that text in every place of a document adds nothing to what the same document
// shows with a harmless word there.
func inert(t *testing.T, words string) {
	t.Helper()
	source := written(t, "md", sample(words))
	got, want := parse(source), parse(written(t, "md", sample("word")))
	for _, l := range got.loud {
		t.Errorf("GitHub acts on %q", l)
	}
	for kind, n := range got.count {
		switch {
		case kind == "CodeSpan" || kind == "Paragraph" || kind == "TextBlock":
			continue // a word without letters leaves no span
		case summary.MatchString(kind), boxMark.MatchString(kind), kind == "RawHTML <code>", kind == "RawHTML </code>":
			continue // the folded title's own text; a code span with a bar in a table
		case kind == "Link "+webURL(words):
			continue // an address given as the span's own
		case n > want.count[kind]:
			t.Errorf("%d of %q, expected %d, in:\n%s", n, kind, want.count[kind], source)
		}
	}
	for kind, n := range want.count {
		structure := strings.HasPrefix(kind, "Table") || strings.HasPrefix(kind, "Heading") || strings.HasPrefix(kind, "List") || kind == "FencedCodeBlock"
		if structure && got.count[kind] != n {
			t.Errorf("%d of %q, expected %d, in:\n%s", got.count[kind], kind, n, source)
		}
	}
}

func TestInert(t *testing.T) {
	t.Parallel()
	for _, words := range hostile {
		inert(t, words)
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, words := range hostile {
		f.Add(words)
	}
	f.Fuzz(inert)
}

// A code block's lines and its language stay what they were.
func TestCodeBlocks(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		block Block
		want  string
	}{
		"fence inside":      {Code{"python", "a\n````\nb"}, "`````python\na\n````\nb\n`````"},
		"language is none":  {Code{"mermaid", "x"}, "```\nx\n```"},
		"language is wrong": {Code{"a b", "x"}, "```\nx\n```"},
		"mermaid":           {Mermaid{"graph LR"}, "```mermaid\ngraph LR\n```"},
		"blanks stay":       {Code{"", " ::error::x"}, "```\n ::error::x\n```"},
	}
	for name, tt := range tests {
		if diff := cmp.Diff(tt.want, mdBlock(tt.block)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestMarkdownLines(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text Text
		want string
	}{
		"version":       {T("0.85.0 to 0.98.0"), "0.85.0 to 0.98.0"},
		"ordinal":       {T("1. one"), `1\. one`},
		"heading":       {T(" # one"), `\# one`},
		"bullet":        {T("- one"), `\- one`},
		"neighbours":    {Text{{Plain: "#"}, {Plain: "1 http:"}, {Plain: "//x"}}, `\#&#8203;1 http:&#8203;//x`},
		"blanks remain": {Text{{Plain: "see "}, {Code: "a"}, {Plain: " now"}}, "see `a` now"},
	}
	for name, tt := range tests {
		if diff := cmp.Diff(tt.want, mdLine(tt.text)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestMarkdownSpans(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		span  Span
		table bool
		want  string
	}{
		"snake case stays":   {Span{Plain: "list_runs _x_"}, false, `list_runs \_x\_`},
		"code with ticks":    {Span{Code: "a``b`"}, false, "``` a``b` ```"},
		"code with bar":      {Span{Code: "a|b@c"}, true, "<code>a&#124;b@&#8203;c</code>"},
		"link":               {Span{Plain: "it", URL: "https://x.io/a_(b)"}, false, "[it](https://x.io/a%5F%28b%29)"},
		"link without label": {Span{URL: "https://x.io"}, false, "[https:&#8203;//x.io](https://x.io)"},
		"link to code":       {Span{Code: "a.py", URL: "https://x.io"}, false, "[`a.py`](https://x.io)"},
		"no note left":       {Span{Plain: "it", URL: "https://github.com/zenml-io/zenml/pull/1"}, false, "[it](https://redirect.github.com/zenml-io/zenml/pull/1)"},
		"release page":       {Span{Plain: "it", URL: "https://github.com/zenml-io/zenml/releases"}, false, "[it](https://github.com/zenml-io/zenml/releases)"},
		"bad scheme":         {Span{Plain: "it", URL: "javascript:x"}, false, "it"},
		"ordinal in text":    {Span{Plain: "1. one"}, false, "1. one"},
		"bold":               {Span{Plain: "a!", Bold: true}, false, `<strong>a\!</strong>`},
	}
	for name, tt := range tests {
		if diff := cmp.Diff(tt.want, mdSpan(tt.span, tt.table)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
