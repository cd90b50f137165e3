// Package tracking keeps one issue for each environment and target version: the verdict, the guide's phases as
// boxes, and who or what ticked them.
//
// Three sources are joined, each time anew. What runs proved lies in a hidden state in the issue's text, which is
// taken from the texts that this program's own token wrote. Who ticked a box is read from GitHub's history of
// the texts, never from the state. Who may tick is the configuration's to say. Because the history forgets no
// text, a tick that a second writer overwrites at the same moment is found there and comes back.
package tracking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// GitHub is what tracking needs of it.
type GitHub interface {
	IssuesLabelled(ctx context.Context, repo forge.Repository, label string) ([]forge.Issue, error)
	Histories(ctx context.Context, repo forge.Repository, numbers []int) (viewer string, list []forge.History, err error)
	CreateIssue(ctx context.Context, repo forge.Repository, n forge.NewIssue, same func(forge.Issue) bool) (forge.Issue, error)
	EditIssue(ctx context.Context, repo forge.Repository, number int, e forge.IssueEdit) (forge.Issue, error)
	DryRun() bool
}

// Wish says which issue a run is to keep, and who may tick in it.
type Wish struct {
	Number      int    // 0: found by environment and target, made when there is none
	Environment string // of the configuration; empty when it has none
	Operators   []string
	Teams       []config.Team
	Key         []byte // of the hidden state's HMAC; none: the state is not signed
}

// Run is what one run has to say.
type Run struct {
	From, To string
	By       checklist.Prover
	// Phases is the checklist for this upgrade. A whole one replaces what is known, with all that By proved
	// before; any other stands only until a run makes a whole one.
	Phases   []Phase
	Whole    bool
	Proofs   []Proof
	Decision verdict.Decision
	Says     string   // one sentence, without hosts, paths and names of tables
	Codes    []string // of the reasons
	Finished bool     // the environment runs the target now
	Figures  []Figure // the report that the issue is closed with
	Journal  []Entry  // of an upgrade or a rollback: a mirror of its journal, for showing only
}

// Place is where the issue and the run are.
type Place struct {
	Repository forge.Repository
	ServerURL  string // what GITHUB_SERVER_URL holds
	RunID      string // number of the workflow run, or NUMBER/attempts/N; empty outside of one
}

// label finds the issues; their markers tell them apart.
const label = "zenml-upgrade"

// mostRounds is how often the issue is written because somebody else did at the same time.
const mostRounds = 4

// keeper is one update.
type keeper struct {
	gh    GitHub
	place Place
	wish  Wish
	run   Run

	id     identity // of the issue
	viewer string
	wrote  map[string]bool // the texts that this update wrote
}

// Update makes the issue tell what the run has to say, and returns a sentence for the summary: where the issue
// is, or why it was left alone. The error is not nil when GitHub failed.
func Update(ctx context.Context, gh GitHub, place Place, wish Wish, run Run) (string, error) {
	k := &keeper{gh: gh, place: place, wish: wish, run: run, id: identity{wish.Environment, run.To}, wrote: map[string]bool{}}
	at, err := k.find(ctx)
	if err == nil && at.issue == nil && at.stays == "" {
		at, err = k.create(ctx)
	}
	switch {
	case err != nil:
		return "", err
	case at.stays != "":
		return at.stays, nil
	}
	change, err := k.keep(ctx, *at.issue)
	if err == nil {
		err = k.supersede(ctx, at)
	}
	if err != nil {
		return "", err
	}
	if gh.DryRun() {
		return fmt.Sprintf("Dry run, nothing was written. Tracking issue %d would be: %s.", at.issue.Number, change), nil
	}
	return fmt.Sprintf("Tracking issue %d: %s.", at.issue.Number, change), nil
}

// create makes the issue. Another run may do so at the same time: of two the older one stays.
func (k *keeper) create(ctx context.Context) (found, error) {
	text, err := k.text(k.apply(state{}), ticks{}, "")
	if err != nil {
		return found{}, err
	}
	made, err := k.gh.CreateIssue(ctx, k.place.Repository, forge.NewIssue{Title: k.id.title(), Body: text, Label: label}, func(i forge.Issue) bool {
		return i.Open && normal(i.Body) == normal(text)
	})
	switch {
	case err != nil:
		return found{}, err
	case k.gh.DryRun():
		return found{stays: "Dry run, nothing was written. The tracking issue would be made."}, nil
	}
	k.wrote[normal(text)] = true
	at, err := k.find(ctx)
	if err != nil || at.issue != nil || at.stays != "" {
		return at, err
	}
	viewer, list, err := k.gh.Histories(ctx, k.place.Repository, []int{made.Number}) // the list is behind
	if err != nil {
		return found{}, err
	}
	k.viewer = viewer
	return found{issue: &list[0]}, nil
}

// keep writes until what stands there is what should. After every write it looks again: somebody may have
// ticked a box, or another run written, between its look and its write.
func (k *keeper) keep(ctx context.Context, h forge.History) (forge.Change, error) {
	change := forge.Unchanged
	if k.wrote[normal(h.Body)] {
		change = forge.Created
	}
	var written time.Time
	for range mostRounds {
		if h.UpdatedAt.Before(written) {
			return change, nil // what was read is older than what was written: the next run looks again
		}
		want, err := k.desired(h)
		if err != nil {
			return change, err
		}
		if normal(want.Body) == normal(h.Body) && want.Open == h.Open {
			return change, nil
		}
		edited, err := k.gh.EditIssue(ctx, k.place.Repository, h.Number, want)
		if err != nil {
			return change, err
		}
		if change == forge.Unchanged {
			change = forge.Updated
		}
		if k.gh.DryRun() {
			return change, nil
		}
		k.wrote[normal(want.Body)], written = true, edited.UpdatedAt
		_, list, err := k.gh.Histories(ctx, k.place.Repository, []int{h.Number})
		if err != nil {
			return change, err
		}
		h = list[0]
	}
	return change, errors.New("others keep writing the tracking issue at the same time; no tick is lost, the next run looks again")
}

// desired is what the issue should be like after this run, out of all that is known.
func (k *keeper) desired(h forge.History) (forge.IssueEdit, error) {
	known := k.known(h)
	next := k.apply(known)
	text, err := k.text(next, k.ticks(h), notes(h))
	closing := next.Finished && !known.Finished
	return forge.IssueEdit{Body: text, Open: (h.Open || gone(h.Body)) && !closing, Reason: "completed"}, err
}
