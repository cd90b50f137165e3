// Package gha is the boundary to GitHub's runner: outputs, step summary, annotations, masks and
// groups. Outside a runner everything in it does nothing.
package gha

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sethvargo/go-githubactions"
)

// Limits of the runner: above the summary's it drops the upload, above ten annotations of a kind
// per step it drops the rest (docs.github.com, workflow commands).
const (
	SummaryLimit    = 1 << 20
	annotationLimit = 10
)

// Runner speaks to the runner that started this process. Nil is no runner.
type Runner struct {
	action *githubactions.Action
	getenv func(string) string
}

// New returns the runner, nil when GITHUB_ACTIONS is not true. Commands go to w, which the
// runner reads; standard error will do, it reads both streams.
func New(getenv func(string) string, w io.Writer) *Runner {
	if getenv("GITHUB_ACTIONS") != "true" {
		return nil
	}
	return &Runner{action: githubactions.New(githubactions.WithWriter(w), githubactions.WithGetenv(getenv)), getenv: getenv}
}

// Mask keeps a secret out of the log. Every line is masked by itself: the log is matched by line.
func (r *Runner) Mask(secret string) {
	if r == nil {
		return
	}
	for _, line := range strings.Split(secret, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			r.action.AddMask(line)
		}
	}
}

// Group opens a fold in the log and returns what closes it.
func (r *Runner) Group(title string) func() {
	if r == nil {
		return func() {}
	}
	r.action.Group(title)
	return r.action.EndGroup
}

// Outputs sets the step's outputs. Values become one line.
func (r *Runner) Outputs(values map[string]string) error {
	if r == nil {
		return nil
	}
	if r.getenv("GITHUB_OUTPUT") == "" {
		return fmt.Errorf("setting outputs: GITHUB_OUTPUT is not set")
	}
	for name, value := range values {
		if err := guard(func() { r.action.SetOutput(name, outputValue(value)) }); err != nil {
			return fmt.Errorf("setting output %q: %w", name, err)
		}
	}
	return nil
}

// outputValue makes value safe in GITHUB_OUTPUT. The library's end mark is a constant, so a line
// of a value that equals it would end the value and let the next line set any other output.
func outputValue(value string) string {
	value = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, value)
	return strings.ReplaceAll(value, "_GitHubActionsFileCommandDelimeter_", "(end mark)")
}

// SummaryRoom returns how many bytes the step's summary can still take.
func (r *Runner) SummaryRoom() int {
	if r == nil {
		return 0
	}
	st, err := os.Stat(r.getenv("GITHUB_STEP_SUMMARY"))
	if err != nil {
		return 0
	}
	return max(0, SummaryLimit-int(min(st.Size(), SummaryLimit))-1) // the library adds a line end
}

// Summary appends Markdown to the step's summary. More than SummaryRoom is refused: GitHub would
// drop all of it.
func (r *Runner) Summary(markdown string) error {
	if r == nil {
		return nil
	}
	if room := r.SummaryRoom(); len(markdown) > room {
		return fmt.Errorf("writing the step summary: %d bytes do not fit in %d", len(markdown), room)
	}
	if err := guard(func() { r.action.AddStepSummary(markdown) }); err != nil {
		return fmt.Errorf("writing the step summary: %w", err)
	}
	return nil
}

// guard turns the library's panics into errors.
func guard(do func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	do()
	return nil
}

// Annotation marks a line of a file.
type Annotation struct {
	Error   bool   // an error, else a warning
	File    string // relative to the repository that was analysed
	Line    int    // 1-based
	Title   string
	Message string // may come from outside
}

// Annotate marks lines in the changed files' view: ten errors and ten warnings at most, which is
// what the runner keeps. repo is the folder that the files are relative to.
func (r *Runner) Annotate(repo string, annotations []Annotation) {
	if r == nil {
		return
	}
	left := map[bool]int{true: annotationLimit, false: annotationLimit}
	for _, a := range annotations {
		if left[a.Error]--; left[a.Error] < 0 {
			continue
		}
		name := "warning"
		if a.Error {
			name = "error"
		}
		// The library escapes message and properties for the command's syntax.
		r.action.IssueCommand(&githubactions.Command{
			Name: name, Message: a.Message,
			Properties: githubactions.CommandProperties{
				"file": r.Path(filepath.Join(repo, filepath.FromSlash(a.File))), "line": fmt.Sprint(a.Line), "title": a.Title,
			},
		})
	}
}

// Path returns path as later steps know it: in a container the workspace lies elsewhere than on
// the runner, so what is inside is told relative to it.
func (r *Runner) Path(path string) string {
	if r == nil {
		return path
	}
	if rel, err := filepath.Rel(r.getenv("GITHUB_WORKSPACE"), path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return path
}
