package publish_test

import (
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/publish"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/gfm"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

var update = flag.Bool("update", false, "write the golden files anew")

// blocked is a result as release-check gives it.
func blocked() publish.Result {
	row := func(cells ...report.Text) []report.Text { return cells }
	return publish.Result{Action: "release-check", Version: "1.0.0", Failed: true, Document: report.Document{
		Title: "release-check: ZenML 0.85.0 to 0.98.0", Decision: verdict.Block, Headline: "This repository does not work with ZenML 0.98.0 as it stands.",
		Notes: []string{"This result was made by a run on a fork, with that fork's files: what it says is the fork's word."},
		Reasons: []verdict.Reason{
			verdict.Because(verdict.Block, "code_breaks", "The code breaks in 2 places with ZenML 0.98.0.", []string{"scripts/audit.py:11: Object of type `Client` has no attribute `list_event_sources`", "scripts/audit.py:13: no attribute"}),
			verdict.Because(verdict.Block, "pin_conflict", "The repository's pins (click) cannot be installed together with ZenML 0.98.0.", []string{"requirements.txt:3: click==8.1.7"}),
			verdict.Because(verdict.Review, "breaking_unjudged", "3 declared breaking changes could not be judged from the repository.", []string{"0.93.0-breaking-2802ab6779"}),
		},
		Sections: []report.Section{
			{Title: "Code that breaks", Blocks: []report.Block{report.Table{Header: []string{"Place", "What the type checker says of the new version only"}, Rows: [][]report.Text{
				row(report.C("scripts/audit.py:11"), report.T("Object of type `Client` has no attribute `list_event_sources`")), row(report.C("scripts/audit.py:13"), report.T("no attribute `list_triggers`")),
			}}}},
			{Title: "The resolver's words", Folded: true, Blocks: []report.Block{report.Code{Language: "text", Text: "Because zenml==0.98.0 depends on click>=8.3.3 ..."}}},
			{Title: "Breaking changes (1)", Folded: true, Blocks: []report.Block{report.Table{Header: []string{"Version", "Change", "Hits you"}, Rows: [][]report.Text{
				row(report.T("0.93.0"), report.Text{{Plain: "Thanks @octocat, see zenml-io/zenml#3916 (0123456789abcdef)", URL: "https://github.com/zenml-io/zenml/releases/tag/0.93.0"}}, report.T("unknown")),
			}}}},
			{Title: "Checklist of the upgrade guide", Folded: true, Blocks: []report.Block{report.Checklist{Items: []report.CheckItem{{Done: true, Text: report.T("Review the notes")}, {Text: report.T("Back up the database")}}}}},
		},
	}}
}

// The comment as GitHub gets it, and as a reviewer sees it: the picture is kept for people to look at.
func TestLook(t *testing.T) {
	t.Parallel()
	s := world(t, 0)
	if _, err := publish.Show(t.Context(), writer(t, s), target(), publish.Parts{Comment: true}, blocked(), false); err != nil {
		t.Fatal(err)
	}
	body := s.Comments(churn.String(), 7)[0].Body
	golden := filepath.Join("testdata", "comment.md")
	if *update {
		if err := os.WriteFile(golden, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), body); d != "" {
		t.Error(d)
	}
	page, err := gfm.Page(body)
	if err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join(machine.Cache(t), "screenshots", "comment.png")
	if err := os.MkdirAll(filepath.Dir(picture), 0o755); err != nil {
		t.Fatal(err)
	}
	gfm.Screenshot(t, page, picture, 800, 900)
	first, colours := inspect(t, picture)
	if first > 200 || colours < 20 {
		t.Errorf("the verdict's colour is first seen %d pixels down, %d colours: look at %s", first, colours, picture)
	}
}

// inspect returns how far down the red of a block is first seen, and how many colours a picture has.
func inspect(t *testing.T, path string) (first, colours int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[3]uint32]bool{}
	first = 1 << 20
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			c := [3]uint32{r >> 8, g >> 8, b >> 8}
			if seen[c] = true; c == [3]uint32{0xcf, 0x22, 0x2e} {
				first = min(first, y)
			}
		}
	}
	return first, len(seen)
}
