package report

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

var update = flag.Bool("update", false, "write the golden files anew")

// hostile are texts that do something when a writer lets them through.
var hostile = []string{
	"@octocat and @zenml-io/core, mail me@example.com",
	"fixes #12, zenml-io/zenml#4469, GH-7",
	"see https://evil.example/x?a=1&b=2 or www.evil.example or mailto:me@example.com",
	"[click](https://evil.example) ![track](https://evil.example/p.png) <https://evil.example>",
	"<img src=x onerror=alert(1)><!-- marker --><script>alert(1)</script></details>",
	"a | b \\| c `|` | # d",
	"::error::stop\n::set-output name=decision::pass\n##[error]stop",
	"# heading\n\n> quote\n- item\n1. item\n```\nfence\n---\n===",
	"**bold** _em_ __strong__ ~~gone~~ $x^2$ `code` snake_case_name",
	"\x1b[31mred\x1b[0m \x07bell \u202eesrever \U000E0041tag \u2028line",
	"javascript:alert(1)",
	"``` `` ` ````",
	"]( [x]: https://evil.example \"t\"\n[^1]: note",
	"\xff\xfe not UTF-8 &#64;octocat &lt;b&gt; &amp;",
	"1) one",
	"::warning file=x::y",
	"<!-- to the end",
	"<details open",
	"# heading [x](y)",
	"commit 0123456789abcdef0123456789abcdef01234567, zenml-io/zenml@abcdef0, deadbee and 1234567",
	"@all ${{ secrets.GITHUB_TOKEN }} _GitHubActionsFileCommandDelimeter_\nEOF",
}

// sample uses every kind of block, with text put into every place that takes text.
func sample(text string) Document {
	every := Text{{Plain: text}, {Plain: " "}, {Code: text}, {Plain: " "}, {Plain: text, URL: "https://docs.zenml.io/a_(b)?x=1&y=[2]"}, {Plain: text, URL: text}, {Plain: text, Bold: true}}
	return Document{
		Title: text, Decision: verdict.Block, Headline: text, Footer: text, Notes: []string{text}, Commit: text, RunURL: "https://github.com/acme/churn/actions/runs/1",
		Reasons: []verdict.Reason{{Code: text, Text: text, Decision: verdict.Review, Evidence: []string{text, "pipelines/train.py:12"}}},
		Sections: []Section{
			{Title: text, Blocks: []Block{Para{every}, List{[]Text{every, T(text)}}, Table{[]string{text, "B"}, [][]Text{{every, C(text)}, {T("short row")}}}}},
			{Title: text, Folded: true, Blocks: []Block{Code{"python", text}, Code{text, text}, Checklist{[]CheckItem{{Done: true, Text: every, ID: text}, {Text: T(text), ID: "1-backup"}}}}},
			{Title: text, Blocks: []Block{Gantt{[]Bar{{text, text, "2026-11-30", "2026-12-01"}, {text, text, text, text}}}}},
		},
	}
}

// story is a report as release-check gives it.
func story() Document {
	return Document{
		Title: "release-check: ZenML 0.85.0 to 0.98.0", Decision: verdict.Block,
		Headline: "The upgrade breaks two calls in this repository and two pins cannot be resolved.",
		Footer:   "zenml-upgrade 0.1.0-dev, 1.8 s, evidence in .zenml-upgrade/result.json",
		Reasons: []verdict.Reason{
			{Code: "code_breaks", Text: "2 calls do not exist in 0.98.0.", Decision: verdict.Block, Evidence: []string{"scripts/report.py:14", "scripts/report.py:22"}},
			{Code: "notes_pending", Text: "The notes of 0.98.0 are not written yet.", Decision: verdict.Unknown, Evidence: []string{"https://github.com/zenml-io/zenml/releases/tag/0.98.0"}},
			{Code: "python_supported", Text: "Python 3.11 is supported by both versions.", Decision: verdict.Pass},
		},
		Sections: []Section{
			{Title: "Your code", Blocks: []Block{
				Para{Text{{Plain: "Checked against both installed versions; only what the new one reports is listed. Found by "}, {Code: "ty"}, {Plain: "."}}},
				Table{[]string{"Place", "What the checker says", "Rule"}, [][]Text{
					{C("scripts/report.py:14"), T("Attribute `list_runs` is unknown on `Client`"), C("unresolved-attribute")},
					{C("scripts/report.py:22"), T("Unknown argument `active_user`"), C("unknown-argument")},
				}},
			}},
			{Title: "Before the upgrade", Blocks: []Block{
				Checklist{[]CheckItem{{Done: true, Text: T("Read the notes of 0.86.0")}, {Text: Text{{Plain: "Back up the database, see "}, {Plain: "the guide", URL: "https://docs.zenml.io/upgrade"}}}}},
				List{[]Text{T("0.85.0 to 0.98.0 is one hop"), {{Plain: "Blocked", Bold: true}, {Plain: " by pins"}}}},
			}},
			{Title: "The resolver's proof", Folded: true, Blocks: []Block{Code{"text", "Because zenml==0.98.0 depends on pydantic>=2.8\nand you require pydantic<2.8, no versions can be used."}}},
			{Title: "The path", Folded: true, Blocks: []Block{Mermaid{"graph LR\n  a[\"0.85.0\"] --> b[\"0.98.0\"]"}}},
			{Title: "When", Folded: true, Blocks: []Block{Gantt{[]Bar{
				{"Phases", "Phase 1: Backup", "2026-11-27", "2026-11-27"}, {"Phases", "Phase 2: Tests", "2026-11-30", "2026-12-01"}, {"After", "First week", "2026-12-02", "2026-12-09"},
				{"After", "never", "soon", "later"}, {"After", "backwards", "2026-12-09", "2026-12-02"},
			}}}},
		},
	}
}

var writers = map[string]func(io.Writer, Document) error{
	"md":   func(w io.Writer, d Document) error { return Markdown(w, d, 0) },
	"html": HTML,
	"txt":  Plain,
}

func written(t *testing.T, kind string, d Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := writers[kind](&b, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	docs := map[string]Document{"story": story(), "hostile": sample(strings.Join(hostile, "\n")), "empty": {}}
	for name, doc := range docs {
		for kind := range writers {
			t.Run(name+"."+kind, func(t *testing.T) {
				t.Parallel()
				got, path := written(t, kind, doc), filepath.Join("testdata", name+"."+kind)
				if *update {
					if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("differs from %s (-want +got):\n%s", path, diff)
				}
			})
		}
	}
}

func TestNoCommandForTheRunner(t *testing.T) {
	t.Parallel()
	for _, text := range hostile {
		for _, kind := range []string{"md", "txt"} { // what is printed to standard output
			for l := range strings.Lines(written(t, kind, sample(text))) {
				if strings.HasPrefix(strings.TrimSpace(l), "::") || strings.Contains(l, "##[") {
					t.Errorf("%s: a workflow command passes from %q: %q", kind, text, l)
				}
			}
		}
	}
}

func TestNoControlCharacters(t *testing.T) {
	t.Parallel()
	for kind := range writers {
		got := written(t, kind, sample(strings.Join(hostile, "\n")))
		if i := strings.IndexFunc(got, func(r rune) bool {
			return r < ' ' && r != '\n' || r == 0x7f || r == '\u202e' || r == '\u2028' || r == '\U000E0041'
		}); i >= 0 {
			t.Errorf("%s: holds a control character: %q", kind, got[max(0, i-20):i+10])
		}
	}
}

// A document whose maker forgot the decision must not look like a pass.
func TestNoDecisionIsUnknown(t *testing.T) {
	t.Parallel()
	for kind := range writers {
		got := strings.ToLower(written(t, kind, Document{Title: "t"}))
		if !strings.Contains(got, "unknown") || strings.Contains(got, "> pass") {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	d := story()
	full := len(written(t, "md", d))
	d.Sections = append(d.Sections, Section{Title: "Long @everyone", Blocks: []Block{Para{T(strings.Repeat("word ", 20000))}}})
	for range 40 {
		d.Reasons = append(d.Reasons, verdict.Reason{Code: "more", Text: strings.Repeat("x", 200), Decision: verdict.Review, Evidence: []string{"a.py:1"}})
	}
	tests := []struct {
		limit      int
		has, hasNo []string
	}{
		{CommentLimit, []string{"### Your code", "- [ ] Back up", "“Long @&#8203;everyone”"}, []string{"word word", "proof</summary>"}},
		{full + 9500, []string{"- [ ] Back up", "“The path”", "“The resolver's proof”"}, []string{"```", "word word"}},
		{3000, []string{"> [!CAUTION]", "reasons", "evidence", "report.html", "<sub>zenml-upgrade", "- [ ] Back up"}, []string{"scripts/report.py:14`,"}},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		if err := Markdown(&b, d, tt.limit); err != nil {
			t.Fatal(err)
		}
		if b.Len() > tt.limit {
			t.Errorf("limit %d: wrote %d", tt.limit, b.Len())
		}
		for _, s := range tt.has {
			if !strings.Contains(b.String(), s) {
				t.Errorf("limit %d: no %q in:\n%s", tt.limit, s, b.String())
			}
		}
		for _, s := range tt.hasNo {
			if strings.Contains(b.String(), s) {
				t.Errorf("limit %d: %q should be gone:\n%s", tt.limit, s, b.String())
			}
		}
	}
	if err := Markdown(io.Discard, d, 100); err == nil {
		t.Error("limit 100: no error although the verdict does not fit")
	}
}

func TestWebURL(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"https://docs.zenml.io/a b":      "",
		"https://docs.zenml.io/a":        "https://docs.zenml.io/a",
		"http://127.0.0.1:8237/x?y=1#z":  "http://127.0.0.1:8237/x?y=1#z",
		"javascript:alert(1)":            "",
		"https://user:pw@host/":          "",
		"https://zenml.io\u202e/":        "",
		"//host/x":                       "",
		"https:///x":                     "",
		"data:text/html,x":               "",
		"https://host\n.evil/":           "",
		"HTTPS://Docs.example/%2e%2e/\"": "https://Docs.example/../%22",
	}
	for in, want := range tests {
		if got := webURL(in); got != want {
			t.Errorf("webURL(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWriteJSON(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := WriteJSON(&b, map[string]any{"a": "<b> & c", "l": []string{}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("{\n  \"a\": \"<b> & c\",\n  \"l\": []\n}\n", b.String()); diff != "" {
		t.Error(diff)
	}
	if err := WriteJSON(&b, make(chan int)); err == nil {
		t.Error("a value that is no JSON gave no error")
	}
}

// A text that was cut leads to the run that has all of it; a short one names the run below.
func TestRunURL(t *testing.T) {
	t.Parallel()
	d := story()
	d.RunURL, d.Notes = "https://github.com/acme/churn/actions/runs/1", []string{"No comment: read-only."}
	var b bytes.Buffer
	if err := Markdown(&b, d, len(written(t, "md", d))-20); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"The summary of [the run](https://github.com/acme/churn/actions/runs/1) has it.", "[Summary of the run](", "> [!NOTE]\n> No comment: read-only\\.", "- [ ] Back up"} {
		if !strings.Contains(b.String(), strings.ReplaceAll(want, `\.`, ".")) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
}

// A text that is written anew has nothing to tick.
func TestWithoutBoxes(t *testing.T) {
	t.Parallel()
	got := written(t, "md", story().WithoutBoxes())
	if strings.Contains(got, "[x]") || strings.Contains(got, "[ ]") || !strings.Contains(got, "- ☑ Read the notes") || !strings.Contains(got, "- ☐ Back up") {
		t.Error(got)
	}
	if !strings.Contains(written(t, "md", story()), "- [ ] Back up") {
		t.Error("the document itself has changed")
	}
}
