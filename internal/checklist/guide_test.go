package checklist

import (
	"crypto/sha256"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// entry is a heading or a point of the guide, a line of testdata/guide.tsv.
type entry struct {
	Digest string // of the guide's words
	Kind   string // h2 to h4, group (words in bold that head a list), box (with points of its own) or item
	Tag    Audience
	ID     string // of the step or chapter that is made of it; - for a heading whose points are steps
	Title  string // ours
}

func (e entry) String() string {
	return strings.Join([]string{e.Digest, e.Kind, string(e.Tag), e.ID, e.Title}, "\t")
}

func list(t *testing.T) []entry {
	t.Helper()
	data, err := os.ReadFile("testdata/guide.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var out []entry
	for l := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimRight(l, "\n"), "\t")
		if len(f) != 5 {
			t.Fatalf("line %q has %d fields", l, len(f))
		}
		out = append(out, entry{f[0], f[1], Audience(f[2]), f[3], f[4]})
	}
	return out
}

// Every point of the guide is a step, in the guide's order, with its tag; every step is a point of the
// guide or marked as our own.
func TestTheDataHoldsTheWholeGuide(t *testing.T) {
	t.Parallel()
	var want, got []string
	parts := map[string]bool{}
	for _, e := range list(t) {
		switch {
		case strings.HasPrefix(e.ID, "phase-"):
			parts[e.ID] = true
		case e.ID != "-":
			want = append(want, fmt.Sprintf("%s [%s] %s", e.ID, e.Tag, e.Title))
		case e.Kind == "item":
			t.Errorf("the point %q has no step", e.Title)
		}
	}
	for _, p := range guide {
		if parts[p.id] != (p.phase > 0) || (p.phase > 0) != (p.duration != "") {
			t.Errorf("chapter %s: phase %d, duration %q", p.id, p.phase, p.duration)
		}
		for _, g := range p.groups {
			for _, s := range g.steps {
				if step := (Conditions{From: "0.63.0", To: "0.64.0"}).step(g, s); !s.own {
					got = append(got, fmt.Sprintf("%s [%s] %s", s.id, step.Audience, s.text))
				}
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("steps of the guide (-list +data):\n%s", d)
	}
	if len(want) < 145 {
		t.Errorf("the list has only %d steps", len(want))
	}
}

// The list is the guide's, point for point, when the guide is at hand.
func TestTheListIsTheGuide(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../../shared/guide/upgrade-guide.md")
	if err != nil {
		t.Skip("skipped: ../shared/guide/upgrade-guide.md is not there")
	}
	got := outline(source)
	want := list(t)
	for i, e := range want {
		want[i].ID, want[i].Title = "", ""
		if i < len(got) && e.ID == "-" && e.Kind == "item" {
			t.Errorf("%q is no step", got[i].Title)
		}
		if i < len(got) && strings.HasPrefix(e.ID, "phase-") {
			checkDuration(t, e.ID, got[i].Title)
		}
	}
	for i := range got {
		if i >= len(want) || got[i].Digest != want[i].Digest || got[i].Tag != want[i].Tag || got[i].Kind != want[i].Kind {
			t.Fatalf("entry %d of the guide is %q, not what the list has:\n%s", i, got[i].Title, got[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("the guide has %d headings and points, the list %d", len(got), len(want))
	}
}

var numbers = regexp.MustCompile(`\d+-\d+ (hours|days)`)

func checkDuration(t *testing.T, id, words string) {
	t.Helper()
	i := slices.IndexFunc(guide, func(p part) bool { return p.id == id })
	if i < 0 || numbers.FindString(words) != guide[i].duration {
		t.Errorf("the guide says %q of %s", words, id)
	}
}

var (
	tagged = regexp.MustCompile(`\((Self-hosted|Pro|All users)( only)?\)`)
	tags   = map[string]Audience{"Self-hosted": SelfHosted, "Pro": Pro, "All users": Everyone}
)

// outline lists the guide's headings, bold lines that head a list, and points, in order. A point has
// the tag of its own words, else that of the box or heading above it.
func outline(source []byte) []entry {
	source = withoutFront(source)
	root := goldmark.DefaultParser().Parse(text.NewReader(source))
	var out []entry
	above := Everyone // the tag of the last heading
	var add func(n ast.Node, inherited Audience)
	add = func(n ast.Node, inherited Audience) {
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			switch c := c.(type) {
			case *ast.Heading:
				above = tagOf(words(c, source), Everyone)
				out = append(out, made(fmt.Sprintf("h%d", c.Level), words(c, source), above))
			case *ast.Paragraph:
				if strong, ok := c.FirstChild().(*ast.Emphasis); ok && strong.Level == 2 && n == root {
					out = append(out, made("group", words(strong, source), above))
				}
			case *ast.List:
				add(c, inherited)
			case *ast.ListItem:
				kind, own := "item", ""
				for b := c.FirstChild(); b != nil; b = b.NextSibling() {
					if _, nested := b.(*ast.List); nested {
						kind = "box"
					} else {
						own += words(b, source)
					}
				}
				up := inherited
				if up == "" {
					up = above
				}
				tag := tagOf(own, up)
				out = append(out, made(kind, own, tag))
				add(c, tag)
			}
		}
	}
	add(root, "")
	return out
}

// withoutFront cuts the front matter off, which is no Markdown.
func withoutFront(source []byte) []byte {
	if parts := strings.SplitN(string(source), "---\n", 3); len(parts) == 3 {
		return []byte(parts[2])
	}
	return source
}

func tagOf(own string, inherited Audience) Audience {
	if m := tagged.FindStringSubmatch(own); m != nil {
		return tags[m[1]]
	}
	if strings.HasPrefix(own, "For Pro users") {
		return Pro
	}
	return inherited
}

func made(kind, words string, tag Audience) entry {
	sum := sha256.Sum256([]byte(words))
	return entry{Digest: fmt.Sprintf("%x", sum[:4]), Kind: kind, Tag: tag, Title: words}
}

// words is the text of a block on one line, without markup.
func words(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := c.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(source))
			if t.SoftLineBreak() {
				b.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(strings.TrimPrefix(b.String(), "[ ] ")), " ")
}
