package release

import (
	"strings"
	"testing"
)

// What a person writes stays; what is beyond it is blanked in place.
func TestTame(t *testing.T) {
	t.Parallel()
	links := strings.Repeat("[a](b) ", mostLinks)
	for text, want := range map[string]string{
		"> - 1. a\n* [x](y)\n- **a**\n-a\n2024 was\n": "> - 1. a\n* [x](y)\n- **a**\n-a\n2024 was\n",
		strings.Repeat(">", deepest) + "a":            strings.Repeat(">", deepest) + "a",
		strings.Repeat(">", deepest+1) + "a":          strings.Repeat(" ", deepest+1) + "a",
		strings.Repeat("1. ", deepest+1) + "a":        strings.Repeat("   ", deepest) + "   a",
		links + "[c](d)":                              links + " c](d)",
		links + "\n\n[c](d)":                          links + "\n\n[c](d)",
		links + "\n- [c](d)":                          links + "\n- [c](d)",
	} {
		src := []byte(text)
		if tame(src); string(src) != want {
			t.Errorf("%q became %q", text, src)
		}
	}
}
