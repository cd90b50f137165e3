package forge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// History is an issue as it stands and the texts it had.
type History struct {
	Issue
	Edited    bool       // its text is not the one it was made with
	Revisions []Revision // the oldest first; the first is the text it was made with; none when it was never edited
}

// Revision is a text that an issue had. Deleted ones are missing.
type Revision struct {
	Editor string // login; that of a bot ends in [bot]; empty when not known
	At     time.Time
	Body   string
}

// Histories reads issues with who wrote which text when, in the order of their numbers, and whose the
// token is: one question for all, one more for every further hundred texts. REST does not tell the
// edits of an issue's text.
func (w *Writer) Histories(ctx context.Context, repo Repository, numbers []int) (viewer string, out []History, err error) {
	doing := fmt.Sprintf("reading the history of issues of %q", repo)
	after := map[int]string{}
	found := map[int]*History{}
	for left := slices.Sorted(slices.Values(numbers)); len(left) > 0; {
		page, err := w.askHistories(ctx, repo, left, after)
		if err != nil {
			return "", nil, w.explain(doing, err)
		}
		var next []int
		for _, number := range left {
			i := page.Repository[alias(number)]
			if i == nil || i.Number != number {
				return "", nil, w.explain(doing, fmt.Errorf("there is no issue %d", number))
			}
			if found[number] == nil {
				found[number] = i.history()
			}
			found[number].Revisions = append(found[number].Revisions, i.revisions()...)
			if info := i.Edits.PageInfo; info.HasNextPage {
				if info.EndCursor == "" || info.EndCursor == after[number] || len(found[number].Revisions) > mostPages*100 {
					return "", nil, w.explain(doing, fmt.Errorf("the history of issue %d does not end", number))
				}
				after[number], next = info.EndCursor, append(next, number)
			}
		}
		viewer, left = page.Viewer.Login, next
	}
	if viewer == "" && len(numbers) > 0 {
		return "", nil, w.explain(doing, errors.New("the answer names nobody"))
	}
	for _, number := range slices.Sorted(slices.Values(numbers)) {
		slices.Reverse(found[number].Revisions) // GitHub tells the newest first
		out = append(out, *found[number])
	}
	return viewer, out, nil
}

// graphActor is who did something. GraphQL leaves [bot] off the login of a bot.
type graphActor struct {
	Type  string `json:"__typename"`
	Login string `json:"login"`
}

func (a *graphActor) login() string {
	switch {
	case a == nil:
		return ""
	case a.Type == "Bot" && !strings.HasSuffix(a.Login, "[bot]"):
		return a.Login + "[bot]"
	}
	return a.Login
}

type graphIssue struct {
	Number     int         `json:"number"`
	Title      string      `json:"title"`
	Body       string      `json:"body"`
	State      string      `json:"state"`
	UpdatedAt  time.Time   `json:"updatedAt"`
	LastEdited *time.Time  `json:"lastEditedAt"`
	Author     *graphActor `json:"author"`
	Edits      struct {
		PageInfo struct {
			HasNextPage bool   `json:"hasNextPage"`
			EndCursor   string `json:"endCursor"`
		} `json:"pageInfo"`
		Nodes []struct {
			EditedAt time.Time   `json:"editedAt"`
			Diff     *string     `json:"diff"` // despite its name the whole text
			Editor   *graphActor `json:"editor"`
		} `json:"nodes"`
	} `json:"userContentEdits"`
}

func (i *graphIssue) history() *History {
	return &History{
		Issue:  Issue{Number: i.Number, Title: i.Title, Body: i.Body, Author: i.Author.login(), Open: i.State == "OPEN", UpdatedAt: i.UpdatedAt},
		Edited: i.LastEdited != nil,
	}
}

func (i *graphIssue) revisions() []Revision {
	var out []Revision
	for _, n := range i.Edits.Nodes {
		if n.Diff != nil {
			out = append(out, Revision{Editor: n.Editor.login(), At: n.EditedAt, Body: *n.Diff})
		}
	}
	return out
}

type historyPage struct {
	Viewer struct {
		Login string `json:"login"`
	} `json:"viewer"`
	Repository map[string]*graphIssue `json:"repository"`
}

func alias(number int) string { return fmt.Sprintf("i%d", number) }

func (w *Writer) askHistories(ctx context.Context, repo Repository, numbers []int, after map[int]string) (historyPage, error) {
	var parts []string
	for _, n := range numbers {
		from := ""
		if after[n] != "" {
			text, err := json.Marshal(after[n])
			if err != nil {
				return historyPage{}, err
			}
			from = ",after:" + string(text)
		}
		parts = append(parts, fmt.Sprintf("%s:issue(number:%d){userContentEdits(first:100%s){pageInfo{hasNextPage endCursor} nodes{editedAt diff editor{__typename login}}}"+
			" number title body state updatedAt lastEditedAt author{__typename login}}", alias(n), n, from))
	}
	query := "query($owner:String!,$name:String!){viewer{login} repository(owner:$owner,name:$name){" + strings.Join(parts, " ") + "}}"
	var page historyPage
	return page, w.ask(ctx, query, map[string]string{"owner": repo.Owner, "name": repo.Name}, &page)
}
