package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// event is a line of "go test -json" (go doc test2json, go help buildjson).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output
	Test       string
	Output     string
	Elapsed    float64 // seconds
}

type key struct{ pkg, test string }

type timing struct {
	key
	seconds float64
}

type report struct {
	out                     io.Writer
	output                  map[key][]string // of tests that have not ended, and of packages
	parents                 map[key]bool
	times                   []timing
	passed, failed, skipped int
	closing                 []string // the runner's last line for each package that has tests
	sizes                   []string // what tests that draw a sample say of it
	github                  github
	act                     act
}

func newReport(out io.Writer) *report {
	return &report{out: out, output: map[key][]string{}, parents: map[key]bool{}}
}

// read handles events until the stream ends.
func (r *report) read(events io.Reader) error {
	in := bufio.NewReader(events)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil && e.Action != "" {
				r.handle(e)
			} else {
				fmt.Fprintf(r.out, "%s", line) // not an event: a message of go itself
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the events of go test: %w", err)
		}
	}
}

func (r *report) handle(e event) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "run":
		for p := e.Test; strings.Contains(p, "/"); {
			p = p[:strings.LastIndexByte(p, '/')]
			r.parents[key{e.Package, p}] = true
		}
	case "output":
		r.github.note(e.Output)
		r.act.note(e.Output)
		if m := size.FindStringSubmatch(e.Output); m != nil {
			r.sizes = append(r.sizes, m[1])
		}
		r.output[k] = append(r.output[k], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e, k)
		} else {
			r.endTest(e, k)
		}
		delete(r.output, k)
	}
}

func (r *report) endTest(e event, k key) {
	lines := r.output[k]
	switch e.Action {
	case "fail":
		r.failed++
		fmt.Fprintf(r.out, "\n--- FAIL: %s %s (%.2fs)\n%s\n", short(e.Package), e.Test, e.Elapsed, strings.Join(drop(lines), ""))
	case "skip":
		r.skipped++
		fmt.Fprintf(r.out, "skip  %s %s: %s\n", short(e.Package), e.Test, reason(lines))
		return
	default:
		if !r.parents[k] {
			r.passed++
		}
	}
	if !r.parents[k] {
		r.times = append(r.times, timing{k, e.Elapsed})
	}
}

var closing = regexp.MustCompile(`^(ok|FAIL|---|\?)\s+\S`)

// endPackage prints the package's closing line, and everything else it wrote when it failed:
// a panic or a time-out is told outside every test.
func (r *report) endPackage(e event, k key) {
	last := ""
	var rest []string
	for _, l := range r.output[k] {
		if closing.MatchString(l) && !strings.HasPrefix(l, "---") {
			last = strings.TrimRight(l, "\n")
		} else if l != "PASS\n" && l != "FAIL\n" {
			rest = append(rest, l)
		}
	}
	if e.Action == "fail" {
		for _, open := range r.unfinished(e.Package) {
			fmt.Fprintf(r.out, "\n--- not finished: %s %s\n%s", short(e.Package), open.test, strings.Join(drop(r.output[open]), ""))
			r.failed++
		}
		fmt.Fprint(r.out, strings.Join(rest, ""))
		if last == "" {
			last = "FAIL\t" + e.Package
		}
	}
	if last != "" {
		fmt.Fprintln(r.out, last)
	}
	if last != "" && e.Action != "skip" {
		r.closing = append(r.closing, last)
	}
}

// unfinished returns the tests of a package that never ended, in order of their names.
func (r *report) unfinished(pkg string) []key {
	var open []key
	for k := range r.output {
		if k.pkg == pkg && k.test != "" {
			open = append(open, k)
		}
	}
	slices.SortFunc(open, func(a, b key) int { return cmp.Compare(a.test, b.test) })
	return open
}

// close prints the ten slowest tests, the sum, the sizes of samples and all closing lines together.
func (r *report) close(took time.Duration) {
	slices.SortStableFunc(r.times, func(a, b timing) int { return cmp.Compare(b.seconds, a.seconds) })
	fmt.Fprintln(r.out, "\nslowest tests:")
	for _, t := range r.times[:min(10, len(r.times))] {
		fmt.Fprintf(r.out, "%8.2fs  %s %s\n", t.seconds, short(t.pkg), t.test)
	}
	fmt.Fprintf(r.out, "\n%d passed, %d failed, %d skipped; tests: %.0f s\n", r.passed, r.failed, r.skipped, took.Seconds())
	slices.Sort(r.sizes)
	for _, l := range r.sizes {
		fmt.Fprintln(r.out, l)
	}
	r.github.tell(r.out)
	r.act.tell(r.out)
	for _, l := range r.closing {
		fmt.Fprintln(r.out, l)
	}
}

var frame = regexp.MustCompile(`^\s*(===|---) `)

// drop removes the runner's marks from a test's output.
func drop(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return frame.MatchString(l) })
}

// size is a test's line about how much of how much it tries: t.Logf("size: ...").
var size = regexp.MustCompile(`^\s*[\w.-]+\.go:\d+: size: (.+)`)

var position = regexp.MustCompile(`^\s*[\w.-]+\.go:\d+:\s*`)

// reason is what a test said when it skipped.
func reason(lines []string) string {
	var words []string
	for _, l := range drop(lines) {
		words = append(words, strings.TrimSpace(position.ReplaceAllString(l, "")))
	}
	if text := strings.TrimSpace(strings.Join(words, " ")); text != "" {
		return text
	}
	return "no reason given"
}

// short is a package's path inside the module.
func short(pkg string) string {
	_, rest, ok := strings.Cut(pkg, "zenml-upgrade/zenml-upgrade/")
	if !ok {
		return pkg
	}
	return rest
}
