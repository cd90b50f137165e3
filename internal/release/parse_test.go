package release

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// said tells findings in short: category, lines.
func said(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%s %d-%d", f.Category, f.Lines[0], f.Lines[1]))
	}
	return out
}

func body(lines ...string) string { return strings.Join(lines, "\n") }

// The forms in which notes tell of changes (facts 1.2), each in words of our own.
func TestParseForms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       []string
	}{
		{"list under a heading with an emoji",
			body("## ⚠️ Breaking Changes", "", "* The `fetch_all` call takes a filter.", "* Widgets are stored elsewhere,", "  see the guide.", "", "## What's Changed", "* Tidy up by @a in https://github.com/o/r/pull/1"),
			[]string{"breaking 3-3", "breaking 4-5"}},
		{"a heading in a fence is no heading",
			body("## Breaking change", "Widgets became gadgets.", "```python", "# Before", "## What's Changed", "w = Widget()", "```", "They are stored elsewhere."),
			[]string{"breaking 2-7", "breaking 8-8"}},
		{"subsections that belong to it, with code",
			body("## Breaking Change", "Widgets became gadgets.", "", "### Making one", "**Old syntax:**", "```python", "Widget()", "```", "**New syntax:**", "```python", "Gadget()", "```", "### Taking one", "Use `take`.", "## Fixes", "- Fixed a leak"),
			[]string{"breaking 2-2", "breaking 4-12", "breaking 13-14"}},
		{"from 0.93: list under ### and features after it as ####",
			body("### Breaking Changes", "* The widget endpoint takes a filter.", "", "#### Gadgets in colour", "Gadgets now come in colour.", "", "#### Old gadgets", "The `grey` option has been removed.", "", "## What's Changed", "* Colours by @a in https://github.com/o/r/pull/1"),
			[]string{"breaking 2-2", "feature 5-5", "breaking 7-8"}},
		{"last in the section",
			body("#### Gadgets", "* Gadgets in colour", "", "<details>", "<summary>Fixed</summary>", "", "* Fixed a leak", "", "</details>", "", "### Breaking Changes", "", "* Clients and server go together", "", "[View full release on GitHub](https://example.com)"),
			[]string{"feature 2-2", "breaking 13-13"}},
		{"upcoming is not breaking now",
			body("## 📢 Upcoming Breaking Change", "In the next release widgets will be removed.", "## Features", "- Gadgets"),
			[]string{"deprecation 2-2", "feature 4-4"}},
		{"no breaking changes",
			body("## No breaking changes", "This release contains no breaking changes."), []string{"feature 2-2"}},
		{"removed under deprecations",
			body("### Method Deprecations", "The following methods have been removed:", "- `a()`", "- `b()`"),
			[]string{"breaking 2-2", "deprecation 3-3", "breaking 3-3", "deprecation 4-4", "breaking 4-4"}},
		{"mixed list",
			body("## Breaking Changes and Deprecations", "* `old` is deprecated, use `new`.", "* `older` has been removed.", "* Widgets take two colours."),
			[]string{"deprecation 2-2", "breaking 3-3", "breaking 4-4"}},
		{"caution: back up",
			body("## Caution: Make sure to back up your data before upgrading!", "Tables change a lot."), []string{"migration 2-2"}},
		{"deprecation notice of a chart key",
			body("#### ⚠️ Deprecation Notice", "The Helm values key `old:` is deprecated, use `new:`."), []string{"deprecation 2-2", "helm 2-2"}},
		{"bold words for a heading",
			body("**Breaking Changes**", "", "- Widgets take two colours."), []string{"breaking 3-3"}},
		{"advice in prose",
			body("**We suggest to go directly to 1.2.1, bypassing 1.2.0.**"), []string{"breaking 1-1"}},
		{"titles of pull requests say something, or not",
			body("## What's Changed", "* Remove Python 3.8 support by @a in https://github.com/o/r/pull/1", "* Fix CVE-2026-12345 by @a in https://github.com/o/r/pull/2", "* Remove Widget integration by @a in https://github.com/o/r/pull/3",
				"* Fix 1.2.0 database migration by @a in https://github.com/o/r/pull/4", "* Bump widgetlib to 2.1.0 by @a in https://github.com/o/r/pull/5", "* Bump actions/checkout from 3 to 4 by @dependabot in https://github.com/o/r/pull/6",
				"* Remove unused tests by @a in https://github.com/o/r/pull/7", "* Fix typo by @a in https://github.com/o/r/pull/8", "## New Contributors", "* @b made their first contribution"),
			[]string{"python_support 2-2", "security 3-3", "breaking 4-4", "migration 5-5", "dependency 6-6"}},
		{"folds right before a list, one-line and many-line",
			body("<details><summary>Improved</summary>", "- The `grey` option has been removed", "</details>", "<details>", "<summary>🐛 Fixed</summary>", "- Fixed a leak", "</details>", "## Breaking Changes", "- Widgets take two colours"),
			[]string{"breaking 2-2", "breaking 9-9"}},
		{"generated list with categories",
			body("## What's Changed", "### Breaking Changes 🛠", "* Two colours by @a in https://github.com/o/r/pull/1", "### Other Changes", "* Tidy by @a in https://github.com/o/r/pull/2"),
			[]string{"breaking 3-3"}},
		{"known issues before the managed block",
			body("## Known Issues", "- Uploads of empty files fail.", "<!-- START -->", "### Breaking Changes", "* Two colours", "<!-- END -->", "## What's Changed"),
			[]string{"known_issue 2-2", "breaking 5-5"}},
		{"an unclosed comment or fence hides nothing",
			body("<!-- oops", "", "```", "## Breaking Changes", "- Two colours"), []string{"breaking 5-5"}},
		{"CRLF, a title of its own, a quote",
			"# 0.99.0\r\n\r\n> ## Breaking Changes\r\n> - Two colours\r\n", []string{"breaking 4-4"}},
		{"nothing", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, said(Parse("0.99.0", tt.body, ""))); diff != "" {
				t.Errorf("%s\n%s", diff, tt.body)
			}
		})
	}
}

func TestParseFinding(t *testing.T) {
	t.Parallel()
	url := "https://example.com/r/0.99.0"
	got := Parse("0.99.0", body("## Breaking Changes", "", "* The [`old`](https://x) call by @a is **gone**. Use `new`."), url)
	want := []Finding{{
		ID: got[0].ID, Version: "0.99.0", Category: Breaking, Title: "The old call by @a is gone.", Text: "* The [`old`](https://x) call by @a is **gone**. Use `new`.",
		Lines: &[2]int{3, 3}, Source: "notes", Declared: true, URL: &url, Affects: Unknown, Searched: []string{}, Evidence: []Evidence{}, CVEs: []string{},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// An id stays when lines move or wrap, and differs by version, category and words.
func TestIDs(t *testing.T) {
	t.Parallel()
	one := Parse("0.99.0", "## Breaking Changes\n* Widgets take two colours", "")[0].ID
	two := Parse("0.99.0", "Hello.\n\n## ⚠️ Breaking changes\n\n- Widgets take\n  two colours\n", "")[0].ID
	if one != two {
		t.Errorf("%q became %q", one, two)
	}
	for _, other := range []string{ID("0.99.1", Breaking, "Widgets take two colours"), ID("0.99.0", Security, "Widgets take two colours"), ID("0.99.0", Breaking, "Widgets take three colours")} {
		if other == one {
			t.Errorf("%q twice", one)
		}
	}
}

// A subsection of more than 40 lines is told in pieces that cover it.
func TestLongSubsection(t *testing.T) {
	t.Parallel()
	code := strings.Repeat("x = 1\n", 100)
	got := said(Parse("0.99.0", "## Breaking Changes\n### Making one\nWords.\n```python\n"+code+"```\n", ""))
	if diff := cmp.Diff([]string{"breaking 2-41", "breaking 42-81", "breaking 82-105"}, got); diff != "" {
		t.Error(diff)
	}
}

// Notes made to be slow or to break, of 5 MB: read as far as GitHub lets notes be, in bounded time,
// with valid lines. The bound is far above what is taken (0.6 s at most), for a busy machine.
func TestHostileNotes(t *testing.T) {
	t.Parallel()
	const size = 5 << 20
	for _, piece := range []string{
		"#", "# a\n", ">", "> ", "- ", "- a\n", "+ ", "1. ", "1) ", "[", "![", "[a](", "[a](\n", "[a]: b\n", "](", "*a", "**a** ", "_a ", "`", "`a", "<", "<a ", "<a@b.c>", "&",
		"<details>", "<details>\n<summary>a</summary>\n", "<details><summary>", "<summary>", "```\n", "```\na\n", "~~~\n", "<!--", "<?", "<![CDATA[",
		"### Breaking Changes\n#### a\nb\n", "\u202e\x00", "\x00", "a\r", "| a ", "|a|\n|-|\n", "    x\n", "\n\n- x\n  ", "* a by @b in https://example.com/1\n", "- `b` removed\n", "🎉",
	} {
		hostile(t, fmt.Sprintf("%.12q", piece), strings.Repeat(piece, size/len(piece)))
	}
	var deep, quoted strings.Builder
	for i := range 1000 {
		deep.WriteString(strings.Repeat("  ", i) + "- a\n")
		quoted.WriteString(strings.Repeat(">", i) + " a\n")
	}
	hostile(t, "deep lists", deep.String())
	hostile(t, "deep quotes", quoted.String())
	hostile(t, "a huge table", "|a|b|\n|-|-|\n"+strings.Repeat("|`x`|[y](z)|\n", size/12))
}

func hostile(t *testing.T, name, text string) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		bodies := []Body{listed{Tag: &name, Body: &text}.body()}
		begin := time.Now()
		releases, findings := Assess(bodies, []string{name}, begin)
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("took %s", took)
		}
		valid(t, text, findings)
		if cut := len([]rune(text)) > longestBody; bodies[0].Cut != cut || cut && releases[0].Notes != Missing {
			t.Errorf("cut: %v, notes %s", bodies[0].Cut, releases[0].Notes)
		}
		t.Log(time.Since(begin))
	})
}

// valid checks what holds for the findings of any notes.
func valid(t *testing.T, text string, findings []Finding) {
	t.Helper()
	ids := map[string]bool{}
	for _, f := range findings {
		if f.Lines == nil || f.Lines[0] < 1 || f.Lines[1] < f.Lines[0] || f.Lines[1] > strings.Count(text, "\n")+1 || f.Lines[1]-f.Lines[0] >= Longest {
			t.Errorf("finding %q has lines %v", f.ID, f.Lines)
		}
		if ids[f.ID] || len(f.Title) > longestTitle+4 || len(f.Text) > longestText+4 {
			t.Errorf("finding %q comes twice or is too long", f.ID)
		}
		ids[f.ID] = true
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "## Breaking Changes\n- a\n```\n# b", "<details><summary>Fixed</summary>\n- a\n</details>", "> - # a\n\n<!--\n***", "**Breaking**\n\n1. a\n\n   ~~~\n", "- \n\t- a\r\n\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		valid(t, text, Parse("0.99.0", text, ""))
		unmissed(t, text)
	})
}
