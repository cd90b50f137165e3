package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/google/go-github/v62/github"
)

// Written is a comment with all that says whether it still is what its author wrote.
type Written struct {
	Comment
	By     Account
	Issue  int
	Edited bool // by anybody, at any time
}

// Comment reads a comment of a repository. Whether it was edited is asked of the record of its edits:
// one that was edited within the second of its making bears no other sign of it.
func (w *Writer) Comment(ctx context.Context, repo Repository, id int64) (Written, error) {
	doing := fmt.Sprintf("reading comment %d", id)
	c, _, err := w.api.Issues.GetComment(ctx, repo.Owner, repo.Name, id)
	if err != nil {
		return Written{}, w.explain(doing, err)
	}
	out := Written{Comment: comment(c), By: account(c.GetUser()), Edited: !c.GetUpdatedAt().Equal(c.GetCreatedAt())}
	if out.Issue, err = strconv.Atoi(path.Base(c.GetIssueURL())); err != nil {
		return Written{}, w.explain(doing, errors.New("the answer names no issue"))
	}
	var answer struct {
		Node *struct {
			LastEditedAt *time.Time `json:"lastEditedAt"`
		} `json:"node"`
	}
	const question = "query($id:ID!){node(id:$id){...on IssueComment{lastEditedAt}}}"
	if err := w.ask(ctx, question, map[string]string{"id": c.GetNodeID()}, &answer); err != nil {
		return Written{}, w.explain(doing, err)
	}
	if answer.Node == nil {
		return Written{}, w.explain(doing, errors.New("the record of its edits cannot be seen"))
	}
	out.Edited = out.Edited || answer.Node.LastEditedAt != nil
	return out, nil
}

// React puts a reaction (eyes, rocket, +1, -1, confused) on a comment and says whether it is new: of
// several who put the same one as the same user just one is told so.
func (w *Writer) React(ctx context.Context, repo Repository, id int64, content string) (bool, error) {
	if w.dry {
		return true, nil
	}
	_, resp, err := w.api.Reactions.CreateIssueCommentReaction(ctx, repo.Owner, repo.Name, id, content)
	if err != nil {
		return false, w.explain(fmt.Sprintf("reacting to comment %d", id), err)
	}
	return resp.StatusCode == http.StatusCreated, nil
}

// Dispatch starts a workflow. It is asked once: when sent is true beside an error the workflow may
// have been started all the same.
func (w *Writer) Dispatch(ctx context.Context, repo Repository, workflow, branch string, inputs map[string]string) (sent bool, err error) {
	if w.dry {
		return true, nil
	}
	values := map[string]any{}
	for name, v := range inputs {
		values[name] = v
	}
	_, err = w.api.Actions.CreateWorkflowDispatchEventByFileName(ctx, repo.Owner, repo.Name, workflow, github.CreateWorkflowDispatchEventRequest{Ref: branch, Inputs: values})
	if err != nil {
		return ambiguous(err), w.explain(fmt.Sprintf("starting the workflow %q", workflow), err)
	}
	return true, nil
}
