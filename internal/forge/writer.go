package forge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Writer changes things on GitHub, so that they end as asked whatever was there before. A dry one
// reads all the same and leaves the writing out.
type Writer struct {
	*Reader
	dry     bool
	graphQL string
	viewer  func(context.Context) (string, error)
}

// Access is where and as whom to write.
type Access struct {
	APIURL     string // what GITHUB_API_URL holds
	GraphQLURL string // what GITHUB_GRAPHQL_URL holds
	Token      string
	DryRun     bool
}

// Change is what became of a thing.
type Change string

// What can become of a thing.
const (
	Unchanged Change = "unchanged"
	Created   Change = "created"
	Updated   Change = "updated"
	Removed   Change = "removed"
)

// lookAgain is how long a list may take to show what was just written.
const lookAgain = time.Second

// NewWriter returns a writer. Its requests and those of its reader are counted together.
func NewWriter(a Access) (*Writer, error) {
	r, errRead := NewReader(a.APIURL, a.Token)
	ql, errQL := address("GITHUB_GRAPHQL_URL", a.GraphQLURL, a.Token)
	if err := errors.Join(errRead, errQL); err != nil {
		return nil, err
	}
	r.wire.graphQL = ql.Host
	w := &Writer{Reader: r, dry: a.DryRun, graphQL: strings.TrimSuffix(ql.String(), "/")}
	w.viewer = once(w.askViewer)
	return w, nil
}

// Writes returns how many requests that change something went out so far, repeated ones included.
func (w *Writer) Writes() int { return int(w.wire.writes.Load()) }

// once remembers an answer, but no failure.
func once(ask func(context.Context) (string, error)) func(context.Context) (string, error) {
	var mu sync.Mutex
	known := ""
	return func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if known != "" {
			return known, nil
		}
		answer, err := ask(ctx)
		if err == nil {
			known = answer
		}
		return answer, err
	}
}

// askViewer asks whose the token is. REST tells that for people only: a job's token and an app's
// have no user there.
func (w *Writer) askViewer(ctx context.Context) (string, error) {
	const doing = "asking whose the token is"
	var answer struct {
		Viewer struct {
			Login string `json:"login"`
		} `json:"viewer"`
	}
	if err := w.ask(ctx, "query{viewer{login}}", nil, &answer); err != nil {
		return "", w.explain(doing, err)
	}
	if answer.Viewer.Login == "" {
		return "", w.explain(doing, errors.New("the answer names nobody"))
	}
	return answer.Viewer.Login, nil
}

// create makes a thing that must not come to be twice. When the answer fails, look says whether
// the request took effect all the same, as often as a list may be behind; only then it is sent once
// more.
func create[T any](ctx context.Context, post func() (T, error), look func() (T, bool, error)) (T, error) {
	made, err := post()
	if err == nil || !ambiguous(err) {
		return made, err
	}
	for again := range 2 {
		if again > 0 {
			if errWait := wait(ctx, lookAgain); errWait != nil {
				return made, errWait
			}
		}
		found, ok, errLook := look()
		if errLook != nil {
			return made, fmt.Errorf("%w; whether it took effect could not be seen: %w", err, errLook)
		}
		if ok {
			return found, nil
		}
	}
	return post()
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
