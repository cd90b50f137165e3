package release

import (
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBranches(t *testing.T) {
	t.Parallel()
	for e, want := range map[string][]string{
		`a|b`: {`a`, `b`}, `(a|b)|c`: {`(a|b)`, `c`}, `[|)]x|\|y`: {`[|)]x`, `\|y`}, `^(\[[^\]|]*\]\s*)?a|b$`: {`^(\[[^\]|]*\]\s*)?a`, `b$`},
	} {
		if d := cmp.Diff(want, branches(e)); d != "" {
			t.Errorf("%s (-want +got):\n%s", e, d)
		}
	}
}

func TestRequired(t *testing.T) {
	t.Parallel()
	for e, want := range map[string][][]string{
		`\bhelm\b.*(values?|keys?)`: {{"helm"}, {"value", "key"}}, `(no )?breaking`: {{"breaking"}}, `a*`: nil, `(ab|c*)d`: {{"d"}},
		`[<>=]=\d`: {{"<", "=", ">"}, {"="}, {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}}, `\w+ (to|into)`: {{" "}, {"to", "into"}},
	} {
		r, err := syntax.Parse(e, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, required(r)); d != "" {
			t.Errorf("%s (-want +got):\n%s", e, d)
		}
	}
}

// A phrase answers as its expressions do without the literals that they are chosen by.
func TestPhrasesMissNothing(t *testing.T) {
	t.Parallel()
	bodies, err := FromPath(filepath.Join(labelled(t), "data", "releases"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bodies {
		for _, u := range read(b.Text).units {
			unmissed(t, u.plain)
		}
	}
}

// phrases are all that read prose and titles.
var phrases = []phrase{
	breakingWords, harmless, directUpgrade, upcomingWords, deprecationWords, advisory, securityWords, migrationWords, migrationNot,
	pythonWords, helmWords, dependencyWords, dependencyNot, titleChanges, titleRemoves, titleQuiet, pointer, following,
}

func unmissed(t *testing.T, text string) {
	t.Helper()
	s := hear(text)
	for _, p := range phrases {
		for i := range p {
			if !p[i].possible(s) && p[i].MatchString(s.low) {
				t.Errorf("%q was not tried on %q", p[i].Regexp, text)
			}
		}
	}
	for n, l := range known.literals {
		var one literals
		one.add(uint16(n))
		if got := one.meets(&s.holds); got != strings.Contains(s.low, l) {
			t.Errorf("%q is heard: %v, in %q", l, got, text)
		}
	}
}

// Phrases are for text in lower case: a capital in one would never match.
func TestPhrasesAreInLowerCase(t *testing.T) {
	t.Parallel()
	capital := regexp.MustCompile(`(^|[^\\])[A-Z]`)
	all := phrases
	for _, w := range sectionWords {
		all = append(all[:len(all):len(all)], w.says)
	}
	for _, p := range all {
		for i := range p {
			if capital.MatchString(p[i].String()) {
				t.Errorf("%q holds a capital", p[i].Regexp)
			}
		}
	}
}
