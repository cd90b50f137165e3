package gha

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// CommentEvent is a comment on an issue or pull request that a workflow run is for. Body and author come
// from outside, and may have changed since.
type CommentEvent struct {
	Action string // created, edited, deleted
	ID     int64
	Issue  int // number of the issue or pull request
	Body   string
	Author string
	Bot    bool // no person wrote it
}

// ReadComment reads the comment of the event issue_comment; any other event is an input fault.
func ReadComment(getenv func(string) string) (CommentEvent, error) {
	if name := getenv("GITHUB_EVENT_NAME"); name != "issue_comment" {
		return CommentEvent{}, fault.BadInput(fmt.Sprintf("the event %q is about no comment", name), "run it in a workflow on issue_comment")
	}
	var doc struct {
		Action  string `json:"action"`
		Comment struct {
			ID   int64  `json:"id"`
			Body string `json:"body"`
			User struct {
				Login string `json:"login"`
				Type  string `json:"type"`
			} `json:"user"`
		} `json:"comment"`
		Issue struct {
			Number int `json:"number"`
		} `json:"issue"`
	}
	data, err := readPayload(getenv("GITHUB_EVENT_PATH"))
	if err == nil {
		err = json.Unmarshal(data, &doc)
	}
	if err == nil && (doc.Comment.ID <= 0 || doc.Issue.Number <= 0) {
		err = errors.New("it names no comment")
	}
	if err != nil {
		return CommentEvent{}, fault.BadInput(fmt.Sprintf("the event of this run cannot be read: %v", err), "run it as a step of a workflow")
	}
	return CommentEvent{
		Action: doc.Action, ID: doc.Comment.ID, Issue: doc.Issue.Number, Body: doc.Comment.Body,
		Author: doc.Comment.User.Login, Bot: doc.Comment.User.Type != "User",
	}, nil
}

// DefaultBranch is the default branch of the repository that the event is about, which every event's
// payload names; empty outside of a workflow run.
func DefaultBranch(getenv func(string) string) (string, error) {
	path := getenv("GITHUB_EVENT_PATH")
	if path == "" {
		return "", nil
	}
	var doc struct {
		Repository struct {
			DefaultBranch string `json:"default_branch"`
		} `json:"repository"`
	}
	data, err := readPayload(path)
	if err == nil {
		err = json.Unmarshal(data, &doc)
	}
	if err != nil {
		return "", fault.BadInput(fmt.Sprintf("the event of this run cannot be read: %v", err), "run it as a step of a workflow")
	}
	return doc.Repository.DefaultBranch, nil
}
