package forge

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"
)

// Sticky is a comment of which there is one on a pull request, however often it is written.
type Sticky struct {
	Repository
	Number int
	Marker string // an HTML comment that no other comment begins with
	Body   string // without the marker; together 65,536 characters at most
}

func (s Sticky) text() string { return s.Marker + "\n" + s.Body }

// EnsureComment makes the text of the sticky comment stand on the pull request. Of comments with the
// marker by the token's own author the oldest stays and the others go: two runs at once may each
// have made one. Text that differs by nothing but the run it names is not written again.
func (w *Writer) EnsureComment(ctx context.Context, s Sticky) (Change, error) {
	mine, err := w.stickies(ctx, s, time.Time{}, "")
	if err != nil {
		return Unchanged, err
	}
	if len(mine) > 0 {
		return w.settle(ctx, s, mine)
	}
	if w.dry {
		return Created, nil
	}
	return w.createSticky(ctx, s)
}

// createSticky makes the comment and looks whether another run has made one meanwhile.
func (w *Writer) createSticky(ctx context.Context, s Sticky) (Change, error) {
	made, err := create(ctx, func() (Comment, error) {
		c, _, err := w.api.Issues.CreateComment(ctx, s.Owner, s.Name, s.Number, &github.IssueComment{Body: github.String(s.text())})
		return comment(c), err
	}, func() (Comment, bool, error) {
		found, err := w.stickies(ctx, s, time.Time{}, "")
		if len(found) == 0 {
			return Comment{}, false, err
		}
		return found[0], true, err
	})
	if err != nil {
		return Unchanged, w.explain(fmt.Sprintf("commenting on %d", s.Number), err)
	}
	// Times are GitHub's own, so that no clock of this machine matters.
	mine, err := w.stickies(ctx, s, made.CreatedAt.Add(-5*time.Minute), made.Author)
	if err != nil {
		return Created, err
	}
	if !slices.ContainsFunc(mine, func(c Comment) bool { return c.ID == made.ID }) {
		mine = append(mine, made) // the list is behind
	}
	if _, err = w.settle(ctx, s, mine); err != nil {
		return Created, err
	}
	return Created, nil
}

// stickies returns the comments that begin with the marker and are by author, the oldest first. An
// empty author is the token's own, who is asked for only when there is a comment to judge.
func (w *Writer) stickies(ctx context.Context, s Sticky, since time.Time, author string) ([]Comment, error) {
	marked, err := w.Comments(ctx, s.Repository, s.Number, since, func(c Comment) bool { return strings.HasPrefix(lines(c.Body), s.Marker) })
	if err != nil || len(marked) == 0 {
		return nil, err
	}
	if author == "" {
		if author, err = w.viewer(ctx); err != nil {
			return nil, err
		}
	}
	mine := slices.DeleteFunc(marked, func(c Comment) bool { return c.Author != author })
	slices.SortFunc(mine, func(a, b Comment) int { return int(a.ID - b.ID) })
	return mine, nil
}

// settle leaves the oldest comment, with the text asked for, and removes the others.
func (w *Writer) settle(ctx context.Context, s Sticky, mine []Comment) (Change, error) {
	change := Unchanged
	if stable(mine[0].Body) != stable(s.text()) {
		change = Updated
		if !w.dry {
			_, _, err := w.api.Issues.EditComment(ctx, s.Owner, s.Name, mine[0].ID, &github.IssueComment{Body: github.String(s.text())})
			if status(err) == http.StatusNotFound { // somebody removed it a moment ago
				return w.createSticky(ctx, s)
			}
			if err != nil {
				return Unchanged, w.explain(fmt.Sprintf("updating the comment on %d", s.Number), err)
			}
		}
	}
	for _, extra := range mine[1:] {
		if change == Unchanged {
			change = Removed
		}
		if w.dry {
			continue
		}
		if _, err := w.api.Issues.DeleteComment(ctx, s.Owner, s.Name, extra.ID); err != nil && status(err) != http.StatusNotFound {
			return change, w.explain(fmt.Sprintf("removing a second comment on %d", s.Number), err)
		}
	}
	return change, nil
}

// runNumber stands in links to a run: the part of a text that differs each time.
var runNumber = regexp.MustCompile(`/actions/runs/\d+(/attempts/\d+)?`)

// stable is a text without what differs although nothing changed: the run's number, and the line
// ends that a browser sends.
func stable(text string) string {
	return strings.TrimSpace(runNumber.ReplaceAllString(lines(text), "/actions/runs/0"))
}

func lines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }
