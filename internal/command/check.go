package command

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
)

// Place is where commands are given. Config is the default branch's, never a pull request's own.
type Place struct {
	GitHub        *forge.Writer
	Repository    forge.Repository
	DefaultBranch string
	Config        *config.Config
	// Pinned finds the version that a change between two commits raises ZenML to.
	Pinned func(ctx context.Context, base, head string) (string, error)
}

// Person is who gave a command, and what that person may.
type Person struct {
	Login    string
	Role     forge.Role
	Operator bool // listed in the configuration
}

// needed is the role that a command asks for; listed operators need none.
var needed = map[Verb]forge.Role{
	Status: forge.Triage, Rehearse: forge.Write, Hold: forge.Write, Unhold: forge.Write, Upgrade: forge.Maintain, Rollback: forge.Maintain,
}

// May says whether a person may give a command.
func (p Person) May(v Verb) bool { return p.Operator || p.Role >= needed[v] }

// trusted says whether a person gets an answer in words.
func (p Person) trusted() bool { return p.Operator || p.Role >= forge.Triage }

// lifts says whether a person may take away another one's hold.
func (p Person) lifts() bool { return p.Operator || p.Role >= forge.Maintain }

// Person asks what somebody may.
func (p Place) Person(ctx context.Context, login string) (Person, error) {
	who := Person{Login: login, Operator: slices.ContainsFunc(p.Config.Operators, func(o string) bool { return strings.EqualFold(o, login) })}
	var err error
	who.Role, err = p.GitHub.Role(ctx, p.Repository, login)
	return who, err
}

// Asked is a command that holds: unedited, by somebody who may give it.
type Asked struct {
	Command
	By      Person
	Comment forge.Written
	Pull    *forge.PullRequest // nil: the comment stands on an issue
	Commit  string             // head when the comment was made; empty for commands that start nothing
}

// Check reads a comment anew and judges the command in it. An error that is no *RefusedError means that it
// is not known.
func (p Place) Check(ctx context.Context, id int64) (*Asked, error) {
	c, err := p.GitHub.Comment(ctx, p.Repository, id)
	if err != nil {
		return nil, err
	}
	if c.By.Bot || c.By.Login == "" { // an account that is gone has no name
		return nil, &RefusedError{Code: "bot", What: "no person wrote the comment", Next: "let a person give the command", Silent: true}
	}
	command, fault := Parse(c.Body)
	if command == nil && fault == nil {
		return nil, &RefusedError{Code: "no_command", What: "the comment holds no command", Next: usage, Silent: true}
	}
	a := &Asked{Comment: c}
	if a.By, err = p.Person(ctx, c.By.Login); err != nil {
		return nil, err
	}
	switch {
	case !a.By.trusted():
		return nil, &RefusedError{Code: "untrusted", What: fmt.Sprintf("%s has no part in this repository", a.By.Login), Next: "ask somebody who has", Silent: true}
	case fault != nil:
		return nil, fault
	case c.Edited:
		return nil, refuse("edited", "the comment was edited after it was written", "write a new one")
	case !a.By.May(command.Verb):
		return nil, refuse("not_allowed", fmt.Sprintf("%s needs the role %s in this repository or a place among the configuration's operators; %s has the role %s", command.Verb, needed[command.Verb], a.By.Login, a.By.Role),
			"ask somebody who may")
	}
	a.Command = *command
	return a, p.locate(ctx, a)
}

// locate finds out where the comment stands, and what was head when it was made.
func (p Place) locate(ctx context.Context, a *Asked) error {
	thread, err := p.GitHub.Thread(ctx, p.Repository, a.Comment.Issue)
	if err != nil {
		return err
	}
	branch, now := p.DefaultBranch, ""
	if thread.Pull {
		pull, err := p.GitHub.PullRequest(ctx, p.Repository, thread.Number)
		if err != nil {
			return err
		}
		if a.Pull = &pull; pull.Fork(p.Repository) && a.Verb != Status {
			return refuse("fork", "the pull request comes from another repository, where only status is answered", "bring the change into a branch of this repository")
		}
		branch, now = pull.HeadRef, pull.HeadSHA
	}
	if !a.Starts() {
		return nil
	}
	pushes, all, err := p.GitHub.Pushes(ctx, p.Repository, branch)
	if err != nil {
		return err
	}
	a.Commit, err = headAt(pushes, all, a.Comment.CreatedAt, now)
	return err
}

// headAt says which commit a branch pointed to when a comment was made. Both times are GitHub's own,
// in whole seconds. now is the head that the pull request has, empty for a branch of its own; a head
// that has moved since is refused: whoever wrote the comment has not seen what is there now.
func headAt(pushes []forge.Push, all bool, at time.Time, now string) (string, error) {
	const again = "look at what is there now, then comment again"
	at = at.Truncate(time.Second)
	head, known := "", false
	var later []forge.Push
	for _, p := range pushes { // the newest first
		when := p.At.Truncate(time.Second)
		switch {
		case p.Kind == "branch_deletion": // a pull request keeps its head
			continue
		case when.Equal(at):
			return "", refuse("head_unknown", "something was pushed in the very second in which the comment was made, so which of both came first is not known", again)
		case when.After(at):
			later = append(later, p)
			continue
		}
		head, known = p.After, true
		break
	}
	switch {
	case !known && all:
		return "", refuse("head_unknown", "GitHub has no record of a push to the branch before the comment", "push to the branch, then comment again")
	case !known:
		return "", refuse("head_moved", "the branch was pushed to many times since the comment was made", again)
	case slices.ContainsFunc(later, func(p forge.Push) bool { return p.After != head }), now != "" && now != head:
		return "", refuse("head_moved", fmt.Sprintf("the branch has moved on since the comment was made: it was at commit %s then", head), again)
	}
	return head, nil
}
