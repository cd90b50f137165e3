package checklist

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
)

// Order is a finding of the release notes that says how clients and server follow each other.
type Order struct {
	ClientsFirst bool // else together
	Why          string
}

// The forms in which notes say that the default order (the server, then its clients) does not hold.
var (
	client       = `\b(?:zenml )?(?:clients?|sdk)\b`
	bothNamed    = regexp.MustCompile(`(?i)` + client + `.*\bservers?\b|\bservers?\b.*` + client)
	inLockstep   = regexp.MustCompile(`(?i)\bsimultaneous(ly)?\b|\bat the same time\b|\btogether\b|\b(in|on) lock-?step\b|\b(same|matching) versions?\b|\bversions? (must|need to|should|have to) match\b|\b(no longer|not) compatible\b|\bincompatible with\b|\b(no longer|not|cannot) (work|talk|connect)s? (with|to)\b`)
	clientsFirst = regexp.MustCompile(`(?i)\bupgrade\b[^.]{0,40}` + client + `[^.]{0,40}\b(first\b|before\b[^.]{0,30}\bservers?\b)|` + client + `[^.]{0,40}\b(must|need to|should|have to) be upgraded (first\b|before\b[^.]{0,30}\bservers?\b)`)
	sentenceEnd  = regexp.MustCompile(`[.;!]\s|\n`)
	libraryBound = regexp.MustCompile(`(?i)\bclient librar(y|ies)\b|\bclient packages?\b`)
)

// OrderOf reads from the words of a finding whether clients and server must be upgraded in another
// order than the guide's. Libraries of other products are clients too, in their words, and say nothing.
func OrderOf(text string) (clientsGoFirst, ok bool) {
	for _, s := range sentenceEnd.Split(text, -1) {
		switch {
		case libraryBound.MatchString(s) || !bothNamed.MatchString(s):
		case clientsFirst.MatchString(s):
			return true, true
		case inLockstep.MatchString(s):
			return false, true
		}
	}
	return false, false
}

// rewrite puts facts into the steps: those that contradict the guide's order move the step, the
// others are told beside it.
func (c Conditions) rewrite(phases []Phase) {
	reasons, clientsGoFirst, needed := c.clientOrder()
	serverSteps := []string{stagingServer, server, brokenServer}
	for i := range phases {
		for j := range phases[i].Steps {
			s := &phases[i].Steps[j]
			if slices.Contains(serverSteps, s.ID) {
				s.Notes = append(s.Notes, c.serverNotes()...)
			}
			if s.ID == tellClients && needed {
				s.Text, s.Moved = "prepare users to upgrade their client together with the server, not after it", &reasons
				if clientsGoFirst {
					s.Text = "prepare users to upgrade their client before the server"
				}
			}
		}
		if phases[i].Number != 5 {
			continue
		}
		if needed {
			phases[i].Steps = c.moveClients(phases[i].Steps, clientsGoFirst, reasons)
		} else if j := index(phases[i].Steps, clients); j >= 0 {
			for _, h := range c.Path {
				phases[i].Steps[j].Notes = append(phases[i].Steps[j].Notes, h.ClientsBecause...)
			}
		}
	}
}

// clientOrder joins all that asks for another order than the guide's. Where one source asks for
// both at once and another for clients first, both at once satisfies the fact that was measured.
func (c Conditions) clientOrder() (reasons string, clientsGoFirst, needed bool) {
	var because []string
	together := false
	for _, h := range c.Path {
		if h.Clients == hops.Together {
			because, together = append(because, h.ClientsBecause...), true
		}
	}
	for _, o := range c.Orders {
		because = append(because, o.Why)
		together = together || !o.ClientsFirst
	}
	slices.Sort(because)
	reasons = "the guide upgrades clients after the server; here: " + strings.Join(slices.Compact(because), "; ")
	return reasons, !together, len(because) > 0
}

// moveClients puts the clients' step beside the server's in each list; the list of breaking changes
// has none in the guide. Where ZenML upgrades the server, it opens the list.
func (c Conditions) moveClients(steps []Step, clientsGoFirst bool, reasons string) []Step {
	for _, l := range []struct {
		list       List
		id, server string
	}{{NonBreaking, clients, server}, {Breaking, "5-breaking-clients", brokenServer}} {
		first := slices.IndexFunc(steps, func(s Step) bool { return s.List != nil && *s.List == l.list })
		if first < 0 {
			continue
		}
		moved := steps[first]
		if j := index(steps, clients); l.id == clients && j >= 0 {
			moved = steps[j]
			steps = slices.Delete(steps, j, j+1)
		} else {
			moved.ID, moved.Audience, moved.ProvedBy, moved.Notes = l.id, Everyone, Person, []string{}
		}
		moved.Text, moved.Moved = "upgrade all clients in the window in which the server is upgraded", &reasons
		at, j := first, index(steps, l.server)
		switch {
		case clientsGoFirst:
			moved.Text = "upgrade all clients before the server"
			at = max(at, j)
		case j >= 0:
			at = j + 1
		}
		steps = slices.Insert(steps, at, moved)
	}
	if j := index(steps, brokenServer); j >= 0 {
		steps[j].Text, steps[j].Moved = "upgrade the server, with its clients", &reasons
		if clientsGoFirst {
			steps[j].Text = "upgrade the server after its clients"
		}
	}
	return steps
}

func index(steps []Step, id string) int {
	return slices.IndexFunc(steps, func(s Step) bool { return s.ID == id })
}

// serverNotes is what the path asks of whoever upgrades the server.
func (c Conditions) serverNotes() []string {
	var out []string
	for _, b := range c.Before {
		out = append(out, "before it: "+b)
	}
	if len(c.Path) > 1 {
		way := []string{c.Path[0].From}
		for _, h := range c.Path {
			way = append(way, h.To)
		}
		out = append(out, fmt.Sprintf("in %d hops: %s", len(c.Path), strings.Join(way, ", then ")))
	}
	return out
}
