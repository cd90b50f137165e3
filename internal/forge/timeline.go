package forge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/go-github/v62/github"

	tree "github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// Push is a change of where a branch points.
type Push struct {
	ID            int64
	Before, After string // commits; zeros for none
	Kind          string // push, force_push, branch_creation, branch_deletion, pr_merge, merge_queue_merge
	At            time.Time
}

// Pushes returns the newest changes of a branch, the newest first, and whether these are all. The
// record is GitHub's own: unlike the times in commits, nobody who pushes can write it.
func (r *Reader) Pushes(ctx context.Context, repo Repository, branch string) (pushes []Push, all bool, err error) {
	doing := fmt.Sprintf("asking for the pushes to a branch of %q", repo)
	var answer []struct {
		ID        int64     `json:"id"`
		Before    string    `json:"before"`
		After     string    `json:"after"`
		Ref       string    `json:"ref"`
		Timestamp time.Time `json:"timestamp"`
		Kind      string    `json:"activity_type"`
	}
	ref := "refs/heads/" + branch
	query := url.Values{"ref": {ref}, "per_page": {fmt.Sprint(mostListed)}}
	if err := r.get(ctx, fmt.Sprintf("repos/%s/%s/activity?%s", repo.Owner, repo.Name, query.Encode()), &answer); err != nil {
		return nil, false, r.explain(doing, err)
	}
	for _, a := range answer {
		if a.Ref != ref || !tree.IsCommitID(a.After) || a.Timestamp.IsZero() {
			return nil, false, r.explain(doing, errors.New("the answer is about something else"))
		}
		pushes = append(pushes, Push{ID: a.ID, Before: a.Before, After: a.After, Kind: a.Kind, At: a.Timestamp})
	}
	slices.SortStableFunc(pushes, func(a, b Push) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) })
	return pushes, len(answer) < mostListed, nil
}

// Happening is an entry in the history of an issue or pull request that somebody made: a comment
// (commented), or a label put on (labeled) or taken off (unlabeled).
type Happening struct {
	Kind      string
	Who       Account
	At        time.Time
	Label     string // of labeled and unlabeled
	Body      string // of commented; from outside
	URL       string // of commented
	UpdatedAt time.Time
}

// Timeline returns the comments and labels of an issue or pull request, the oldest first.
func (r *Reader) Timeline(ctx context.Context, repo Repository, number int) ([]Happening, error) {
	var out []Happening
	err := r.eachPage(fmt.Sprintf("reading the history of %d", number), func(opts *github.ListOptions) (*github.Response, error) {
		req, err := r.api.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/issues/%d/timeline?per_page=%d&page=%d", repo.Owner, repo.Name, number, opts.PerPage, opts.Page), nil)
		if err != nil {
			return nil, err
		}
		var page []entry
		resp, err := r.api.Do(ctx, req, &page)
		for _, e := range page {
			if h, ok := e.happening(); ok {
				out = append(out, h)
			}
		}
		return resp, err
	})
	return out, err
}

// entry is what of a history's entry is read; the library's type leaves out when a comment changed.
type entry struct {
	Event     string       `json:"event"`
	Actor     *github.User `json:"actor"`
	User      *github.User `json:"user"` // of a comment
	CreatedAt time.Time    `json:"created_at"`
	UpdatedAt time.Time    `json:"updated_at"`
	Body      string       `json:"body"`
	URL       string       `json:"html_url"`
	Label     struct {
		Name string `json:"name"`
	} `json:"label"`
}

func (e entry) happening() (Happening, bool) {
	h := Happening{Kind: e.Event, Who: account(e.Actor), At: e.CreatedAt, Label: e.Label.Name}
	switch e.Event {
	case "commented":
		h.Who, h.Body, h.URL, h.UpdatedAt = account(e.User), e.Body, e.URL, e.UpdatedAt
	case "labeled", "unlabeled":
	default:
		return Happening{}, false
	}
	return h, true
}

// Thread is where comments stand: an issue, or the issue half of a pull request.
type Thread struct {
	Number int
	Pull   bool
	Labels []string
}

func thread(i *github.Issue) Thread {
	out := Thread{Number: i.GetNumber(), Pull: i.IsPullRequest()}
	for _, l := range i.Labels {
		out.Labels = append(out.Labels, l.GetName())
	}
	return out
}

// Thread reads an issue or the issue half of a pull request.
func (r *Reader) Thread(ctx context.Context, repo Repository, number int) (Thread, error) {
	i, _, err := r.api.Issues.Get(ctx, repo.Owner, repo.Name, number)
	if err != nil {
		return Thread{}, r.explain(fmt.Sprintf("reading %d", number), err)
	}
	return thread(i), nil
}

// Labelled returns the open issues and pull requests that bear a label.
func (r *Reader) Labelled(ctx context.Context, repo Repository, label string) ([]Thread, error) {
	var out []Thread
	err := r.eachPage(fmt.Sprintf("looking for the label %q", label), func(opts *github.ListOptions) (*github.Response, error) {
		page, resp, err := r.api.Issues.ListByRepo(ctx, repo.Owner, repo.Name, &github.IssueListByRepoOptions{State: "open", Labels: []string{label}, ListOptions: *opts})
		for _, i := range page {
			out = append(out, thread(i))
		}
		return resp, err
	})
	return out, err
}
