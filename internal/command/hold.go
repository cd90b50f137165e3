package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
)

// Label is on every issue and pull request on which somebody holds all upgrades of the repository.
const Label = "zenml-upgrade-hold"

// Held is a hold and who put it up.
type Held struct {
	Issue  int
	By     string // empty when that is not known
	At     time.Time
	Reason string // from outside; empty when none is known
	Off    string // who took the label off and may not: the hold stands all the same
}

func (h Held) String() string {
	text := fmt.Sprintf("held on #%d", h.Issue)
	if h.By != "" {
		text += " by " + h.By
	}
	if !h.At.IsZero() {
		text += " since " + h.At.UTC().Format(time.RFC3339)
	}
	if h.Reason != "" {
		text += ": " + h.Reason
	}
	if h.Off != "" {
		text += fmt.Sprintf(" (%s took the label off, and may not)", h.Off)
	}
	return text
}

// Holds returns all holds: of open issues and pull requests with the label, and by its history that of
// the one that is named, 0 for none, whatever labels it bears now.
func (p Place) Holds(ctx context.Context, named int) ([]Held, error) {
	labelled, err := p.GitHub.Labelled(ctx, p.Repository, Label)
	if err != nil {
		return nil, err
	}
	numbers := map[int]bool{}
	for _, i := range labelled {
		numbers[i.Number] = true
	}
	var out []Held
	for _, i := range labelled {
		h, err := p.holdOn(ctx, i.Number)
		if err != nil {
			return nil, err
		}
		if h == nil { // it bears the label, whoever put it there
			h = &Held{Issue: i.Number}
		}
		out = append(out, *h)
	}
	if named > 0 && !numbers[named] {
		h, err := p.holdOn(ctx, named)
		if err != nil {
			return nil, err
		}
		if h != nil {
			out = append(out, *h)
		}
	}
	return out, nil
}

// holdOn reads a hold out of the label's history, nil when there is none. A label that a bot put on or
// took off is the doing of whoever commented the command before it. It counts as taken off only when its
// holder or somebody who may lift holds did that.
func (p Place) holdOn(ctx context.Context, number int) (*Held, error) {
	history, err := p.GitHub.Timeline(ctx, p.Repository, number)
	if err != nil {
		return nil, err
	}
	var held *Held
	var hold, unhold said
	for _, h := range history {
		switch {
		case h.Kind == "commented":
			if c, fault := Parse(h.Body); c != nil && fault == nil && !h.Who.Bot && h.UpdatedAt.Equal(h.At) {
				switch c.Verb {
				case Hold:
					hold = said{h.Who.Login, h.At, c.Reason}
				case Unhold:
					unhold = said{h.Who.Login, h.At, ""}
				default:
				}
			}
		case h.Label != Label:
		case h.Kind == "labeled" && held != nil: // put back on: the hold is the one that it was
			held.Off = ""
		case h.Kind == "labeled":
			held = &Held{Issue: number, By: h.Who.Login, At: h.At}
			if h.Who.Bot {
				held.By, held.Reason = hold.by, hold.reason
			}
		case held != nil:
			off := h.Who.Login
			if h.Who.Bot {
				off = unhold.since(held.At)
			}
			if ok, err := p.mayLift(ctx, off, held.By); err != nil {
				return nil, err
			} else if ok {
				held = nil
			} else {
				held.Off = h.Who.Login
			}
		}
	}
	return held, nil
}

// said is the newest command of a kind.
type said struct {
	by     string
	at     time.Time
	reason string
}

// since is who said it, unless that was before.
func (s said) since(t time.Time) string {
	if s.at.Before(t) {
		return ""
	}
	return s.by
}

func (p Place) mayLift(ctx context.Context, login, holder string) (bool, error) {
	switch {
	case login == "":
		return false, nil
	case strings.EqualFold(login, holder):
		return true, nil
	}
	who, err := p.Person(ctx, login)
	return who.lifts(), err
}

// HoldRule is the gate hold: nobody holds upgrades. named is the issue or pull request that the upgrade
// was asked for on, 0 for none.
func (p *Place) HoldRule(named func() int) gate.Rule {
	return gate.Rule{Name: "hold", Needed: "nobody holds upgrades", Ask: func(ctx context.Context) (gate.Answer, error) {
		if p == nil {
			return gate.Answer{}, errNotAsked
		}
		holds, err := p.Holds(ctx, named())
		if err != nil {
			return gate.Answer{}, err
		}
		if len(holds) == 0 {
			return gate.Answer{Open: true, Got: "nobody does"}, nil
		}
		answer := gate.Answer{Next: "comment " + Word + " unhold there, when what it waits for is done"}
		for _, h := range holds {
			answer.Evidence = append(answer.Evidence, fmt.Sprintf("%s on #%d since %s", h.By, h.Issue, h.At.UTC().Format(time.RFC3339)))
			answer.Got = strings.TrimPrefix(answer.Got+"; "+h.String(), "; ")
		}
		return answer, nil
	}}
}

// setHold puts the label on or takes it off, so that the history shows it.
func (p Place) setHold(ctx context.Context, number int, on bool) error {
	thread, err := p.GitHub.Thread(ctx, p.Repository, number)
	if err != nil {
		return err
	}
	want := []string{Label}
	// A label that somebody took off who may not is put on first: only taking it off lifts the hold.
	if _, err := p.GitHub.EnsureLabels(ctx, p.Repository, number, thread.Labels, want, want); err != nil || on {
		return err
	}
	_, err = p.GitHub.EnsureLabels(ctx, p.Repository, number, want, want, nil)
	return err
}
