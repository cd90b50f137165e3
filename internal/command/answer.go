package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
)

// Outcome says what became of a comment.
type Outcome string

// The outcomes. Uncertain means that a workflow may have been started.
const (
	Ignored   Outcome = "ignored"
	Refused   Outcome = "refused"
	Started   Outcome = "started"
	Uncertain Outcome = "uncertain"
	HeldUp    Outcome = "held"
	Released  Outcome = "released"
	Told      Outcome = "told"
)

// The reactions, as GitHub names them. Taken is put once: who finds it there leaves the command alone.
const (
	taken   = "rocket"
	agreed  = "+1"
	against = "-1"
	puzzled = "confused"
)

// Answer is what became of a comment, and why. Texts may come from outside.
type Answer struct {
	Outcome  Outcome
	Code     string // why it was ignored or refused
	Text     string
	Next     string
	Asked    *Asked  // null when there is no command that holds
	Run      *Run    // that was asked for
	Workflow string  // that was started
	Standing []Stand // what was told
	Holds    []Held
}

// Workflows are the files of the workflows that commands start.
type Workflows struct{ Staging, Production string }

// Read says what becomes of a comment that asks for nothing, at no cost; nil when it is a command.
func Read(e gha.CommentEvent) *Answer {
	command, fault := Parse(e.Body)
	switch {
	case e.Action != "created":
		return &Answer{Outcome: Ignored, Code: "not_new", Text: "The comment is not new: only a comment's first text can be a command."}
	case command == nil && fault == nil:
		return &Answer{Outcome: Ignored, Code: "no_command", Text: "The comment holds no command."}
	case e.Bot:
		return &Answer{Outcome: Ignored, Code: "bot", Text: "No person wrote the comment."}
	}
	return nil
}

// Answer carries out the command of an event: it reacts, does what is asked and replies.
func (p Place) Answer(ctx context.Context, e gha.CommentEvent, w Workflows) (*Answer, error) {
	a, err := p.carryOut(ctx, e, w)
	var refused *RefusedError
	if errors.As(err, &refused) {
		a, err = p.refused(ctx, e, refused)
	}
	if err != nil && a == nil {
		// The comment must not look as if nobody had seen it; that this fails too is no news.
		_, _ = p.GitHub.React(ctx, p.Repository, e.ID, puzzled)
	}
	return a, err
}

func (p Place) carryOut(ctx context.Context, e gha.CommentEvent, w Workflows) (*Answer, error) {
	a, err := p.Check(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	if a.Verb == Status {
		return p.tell(ctx, a)
	}
	// What refuses is found before the comment is taken: it may be tried again.
	var run Run
	if a.Starts() {
		if run, err = p.Plan(ctx, a); err != nil {
			return nil, err
		}
	}
	if err := p.unheld(ctx, a); err != nil {
		return nil, err
	}
	first, err := p.GitHub.React(ctx, p.Repository, e.ID, taken)
	if err != nil {
		return nil, err
	}
	if !first {
		return &Answer{Outcome: Ignored, Code: "taken", Text: "The command was taken by an earlier run; comment again to repeat it.", Asked: a}, nil
	}
	if a.Starts() {
		return p.start(ctx, a, run, w)
	}
	return p.hold(ctx, a)
}

// unheld refuses an upgrade while somebody holds upgrades, and lifting what nobody holds or another one
// does.
func (p Place) unheld(ctx context.Context, a *Asked) error {
	switch a.Verb {
	case Upgrade:
		holds, err := p.Holds(ctx, a.Comment.Issue)
		if err != nil || len(holds) == 0 {
			return err
		}
		return refuse("held", "upgrades are "+holds[0].String(), "comment "+Word+" unhold there, when what it waits for is done")
	case Hold, Unhold:
		held, err := p.holdOn(ctx, a.Comment.Issue)
		switch {
		case err != nil:
			return err
		case held == nil && a.Verb == Hold:
			return nil
		case held == nil:
			return refuse("not_held", "nothing is held here", "look at "+Word+" status")
		case a.Verb == Hold: // it would end with the first one, unseen
			return refuse("already_held", "upgrades are already "+held.String(), "hold them on another issue, so that both have to be lifted")
		}
		if ok, err := p.mayLift(ctx, a.By.Login, held.By); err != nil {
			return err
		} else if !ok {
			return refuse("not_allowed", fmt.Sprintf("upgrades are %s, and %s is neither that person, nor a maintainer or operator", held, a.By.Login), "ask one of those")
		}
	default: // rehearsals and rollbacks go on
	}
	return nil
}

func (p Place) hold(ctx context.Context, a *Asked) (*Answer, error) {
	if err := p.setHold(ctx, a.Comment.Issue, a.Verb == Hold); err != nil {
		return nil, err
	}
	out := &Answer{Outcome: Released, Asked: a, Text: fmt.Sprintf("%s lifted the hold.", a.By.Login)}
	if a.Verb == Hold {
		out.Outcome, out.Text = HeldUp, fmt.Sprintf("%s holds all upgrades: %s", a.By.Login, a.Reason)
		out.Next = "Whoever holds, a maintainer or an operator lifts it with " + Word + " unhold"
	}
	return out, p.reply(ctx, a.Comment.ID, a.Comment.Issue, agreed, out)
}

// start starts the workflow, once. It runs on the default branch: what a pull request changes in the
// workflow's file does not count before it is merged.
func (p Place) start(ctx context.Context, a *Asked, run Run, w Workflows) (*Answer, error) {
	out := &Answer{Outcome: Started, Asked: a, Run: &run, Workflow: w.Staging}
	if p.Config.Environments[run.Environment].Kind == "production" {
		out.Workflow = w.Production
	}
	what := fmt.Sprintf("%s of %s to ZenML %s", run.Mode, run.Environment, run.Version)
	out.Text = fmt.Sprintf("Started the workflow %s: %s.", out.Workflow, what)
	out.Next = "It checks this comment once more before it begins, and waits for the environment's reviewers"
	sent, err := p.GitHub.Dispatch(ctx, p.Repository, out.Workflow, p.DefaultBranch, map[string]string{
		"version": run.Version, "mode": run.Mode, "commit": run.Commit, "environment": run.Environment, "from-comment": a.Comment.URL,
	})
	reaction := agreed
	switch {
	case err != nil && sent:
		out.Outcome, reaction = Uncertain, puzzled
		out.Text = fmt.Sprintf("Whether the workflow %s was started is not known: %s.", out.Workflow, what)
		out.Next = "Look at its runs; comment again when there is none"
	case err != nil:
		out.Outcome, reaction = Refused, puzzled
		out.Code, out.Text = "not_started", fmt.Sprintf("The workflow %s was not started: GitHub refused it.", out.Workflow)
		out.Next = "Check that the file is on the default branch, has workflow_dispatch with the inputs version, mode, commit, environment and from-comment, and that the token has actions: write; then comment again"
	}
	return out, errors.Join(err, p.reply(ctx, a.Comment.ID, a.Comment.Issue, reaction, out))
}

// refused reacts, and replies to those who have a part in the repository: others could make us write
// as often as they like.
func (p Place) refused(ctx context.Context, e gha.CommentEvent, r *RefusedError) (*Answer, error) {
	out := &Answer{Outcome: Refused, Code: r.Code, Text: "Refused: " + r.What + ".", Next: r.Next}
	if r.Silent {
		_, err := p.GitHub.React(ctx, p.Repository, e.ID, against)
		return out, err
	}
	return out, p.reply(ctx, e.ID, e.Issue, against, out)
}

// reply reacts to the comment and answers it with one of ours, however often it is run.
func (p Place) reply(ctx context.Context, comment int64, issue int, reaction string, a *Answer) error {
	_, errReact := p.GitHub.React(ctx, p.Repository, comment, reaction)
	_, err := p.GitHub.EnsureComment(ctx, forge.Sticky{
		Repository: p.Repository, Number: issue, Marker: fmt.Sprintf("<!-- zenml-upgrade:answer-%d -->", comment), Body: a.Markdown(),
	})
	return errors.Join(errReact, err)
}
