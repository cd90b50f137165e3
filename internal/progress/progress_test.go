package progress

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

var seconds = regexp.MustCompile(`\d+\.\ds`)

func TestPlainLinesTellBeginAndEnd(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := New(&out, false)
	d.Start("backup").Done("12 kB")
	s := d.Start("migrate")
	s.Fail("line one\nline two \x1b[31m")
	s.Done("too late")
	d.Start("smoke").Skip("not asked for")
	d.Close()
	want := "  ... backup\n  ok   N  backup  12 kB\n  ... migrate\n  FAIL N  migrate  line one line two  [31m\n  ... smoke\n  skip N  smoke  not asked for\n"
	got := seconds.ReplaceAllString(out.String(), "N")
	got = regexp.MustCompile(` +N`).ReplaceAllString(got, " N")
	want = regexp.MustCompile(` +N`).ReplaceAllString(want, " N")
	if got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestLiveLineIsTakenAwayAtTheEnd(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := New(&out, true)
	one, two := d.Start("one"), d.Start("two")
	one.Done("")
	two.Done("")
	d.Close()
	shown := out.String()
	if !strings.Contains(shown, "one 0s | two 0s") || !strings.HasSuffix(shown, "two\n") {
		t.Errorf("%q", shown)
	}
}

func TestNoDisplayShowsNothing(t *testing.T) {
	t.Parallel()
	var d *Display
	d.Start("x").Done("")
	d.Print("x")
	d.Close()
}
