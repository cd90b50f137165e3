package forge

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-github/v62/github"
)

// Check is a check run of a commit. It always ends as a success or a failure: GitHub lets a merge
// pass on every other end.
type Check struct {
	Repository
	Name        string
	HeadSHA     string
	Failed      bool
	Title       string
	Summary     string // Markdown, 65,535 bytes at most
	DetailsURL  string
	Annotations []Annotation // the most important first
}

// Annotation marks a line of a file.
type Annotation struct {
	Path    string // relative to the repository's root
	Line    int    // 1-based
	Failure bool   // else a warning
	Title   string
	Message string
}

// Limits of GitHub's, and how many annotations a person still reads.
const (
	annotationsPerRequest = 50
	mostAnnotations       = 200
	longestTitle          = 255
	longestMessage        = 4000
)

// ours is what the external id of every check run of this program begins with.
const ours = "zenml-upgrade:"

// EnsureCheck makes the check run stand on the commit. One that says the same is left as it is; one
// that says something else gets a successor of the same name, because annotations cannot be taken
// back.
func (w *Writer) EnsureCheck(ctx context.Context, c Check) (Change, error) {
	id, err := c.digest()
	if err != nil {
		return Unchanged, err
	}
	_, there, err := w.findCheck(ctx, c, id)
	if err != nil || there {
		return Unchanged, err
	}
	if w.dry {
		return Created, nil
	}
	marks := c.marks()
	first := marks[:min(len(marks), annotationsPerRequest)]
	// Only the last request names the digest, so that a run with a part of its annotations is not
	// taken for a whole one.
	external := id
	if len(marks) > len(first) {
		external = ours + "part:" + strings.TrimPrefix(id, ours)
	}
	conclusion := "success"
	if c.Failed {
		conclusion = "failure"
	}
	made, err := create(ctx, func() (int64, error) {
		run, _, err := w.api.Checks.CreateCheckRun(ctx, c.Owner, c.Repository.Name, github.CreateCheckRunOptions{
			Name: c.Name, HeadSHA: c.HeadSHA, ExternalID: &external, DetailsURL: optional(c.DetailsURL),
			Status: github.String("completed"), Conclusion: &conclusion, Output: c.output(first),
		})
		return run.GetID(), err
	}, func() (int64, bool, error) { return w.findCheck(ctx, c, external) })
	if err != nil {
		return Unchanged, w.explain(fmt.Sprintf("making the check run %q", c.Name), err)
	}
	for rest := marks[len(first):]; len(rest) > 0; {
		part := rest[:min(len(rest), annotationsPerRequest)]
		if rest = rest[len(part):]; len(rest) == 0 {
			external = id
		}
		if _, _, err := w.api.Checks.UpdateCheckRun(ctx, c.Owner, c.Repository.Name, made, github.UpdateCheckRunOptions{
			Name: c.Name, ExternalID: &external, Output: c.output(part),
		}); err != nil {
			return Created, w.explain(fmt.Sprintf("adding annotations to the check run %q", c.Name), err)
		}
	}
	return Created, nil
}

// findCheck returns the newest check run of this name on the commit, and whether it has this
// external id.
func (w *Writer) findCheck(ctx context.Context, c Check, external string) (int64, bool, error) {
	list, _, err := w.api.Checks.ListCheckRunsForRef(ctx, c.Owner, c.Repository.Name, c.HeadSHA, &github.ListCheckRunsOptions{
		CheckName: &c.Name, Filter: github.String("latest"), ListOptions: github.ListOptions{PerPage: 100},
	})
	if err != nil {
		return 0, false, w.explain(fmt.Sprintf("listing the check runs %q", c.Name), err)
	}
	i := slices.IndexFunc(list.CheckRuns, func(r *github.CheckRun) bool { return strings.HasPrefix(r.GetExternalID(), ours) })
	if i < 0 || list.CheckRuns[i].GetExternalID() != external || list.CheckRuns[i].GetStatus() != "completed" {
		return 0, false, nil
	}
	return list.CheckRuns[i].GetID(), true, nil
}

// digest is an id of all that the check run says.
func (c Check) digest() (string, error) {
	c.DetailsURL, c.Summary = "", stable(c.Summary)
	text, err := json.Marshal(c)
	return fmt.Sprintf("%s%x", ours, sha256.Sum256(text)), err
}

func (c Check) output(marks []*github.CheckRunAnnotation) *github.CheckRunOutput {
	return &github.CheckRunOutput{Title: &c.Title, Summary: &c.Summary, Annotations: marks}
}

// marks are the annotations as GitHub takes them. An update adds to those that are there, so there
// must be no more of them than wanted.
func (c Check) marks() []*github.CheckRunAnnotation {
	out := []*github.CheckRunAnnotation{}
	for _, a := range c.Annotations[:min(len(c.Annotations), mostAnnotations)] {
		level, line := "warning", max(1, a.Line)
		if a.Failure {
			level = "failure"
		}
		out = append(out, &github.CheckRunAnnotation{
			Path: github.String(a.Path), StartLine: &line, EndLine: &line, AnnotationLevel: &level,
			Title: optional(cut(a.Title, longestTitle)), Message: github.String(cmp.Or(cut(a.Message, longestMessage), "no message")),
		})
	}
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// cut shortens text to n characters.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
