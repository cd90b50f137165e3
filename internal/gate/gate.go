// Package gate judges what must hold before an upgrade may touch anything. A gate is open, closed or
// unknown, and only an open one lets an upgrade through.
package gate

import (
	"context"
	"fmt"
	"strings"
)

// Verdict says whether a gate lets an upgrade through.
type Verdict string

// The verdicts. Unknown closes.
const (
	Open    Verdict = "open"
	Closed  Verdict = "closed"
	Unknown Verdict = "unknown"
)

// Gate is one judged gate, as it stands in result.json's gates[]. Texts may come from outside.
type Gate struct {
	Name     string   `json:"name"` // stable, snake_case
	Needed   string   `json:"needed"`
	Got      string   `json:"got"`
	Evidence []string `json:"evidence"` // addresses, names and times that show it
	Verdict  Verdict  `json:"verdict"`
	Next     string   `json:"next"` // what to do about it; empty when it is open
}

// Lets says whether the gate lets an upgrade through.
func (g Gate) Lets() bool { return g.Verdict == Open }

// Rule is a gate before it is judged.
type Rule struct {
	Name   string
	Needed string
	Ask    func(ctx context.Context) (Answer, error) // an error: it is not known
}

// Answer is what was found.
type Answer struct {
	Open     bool
	Got      string
	Next     string // what to do when it is not open
	Evidence []string
}

// Judge asks every rule, so that all that stands against an upgrade is told at once.
func Judge(ctx context.Context, rules []Rule) []Gate {
	gates := []Gate{}
	for _, r := range rules {
		g := Gate{Name: r.Name, Needed: r.Needed, Evidence: []string{}, Verdict: Unknown}
		a, err := r.Ask(ctx)
		switch {
		case err != nil:
			g.Got, g.Next = "not known: "+err.Error(), "mend what keeps it from being known, then run again"
		case a.Open:
			g.Got, g.Verdict = a.Got, Open
		default:
			g.Got, g.Next, g.Verdict = a.Got, a.Next, Closed
		}
		g.Evidence = append(g.Evidence, a.Evidence...)
		gates = append(gates, g)
	}
	return gates
}

// Shut returns the gates that let nothing through.
func Shut(gates []Gate) []Gate {
	var out []Gate
	for _, g := range gates {
		if !g.Lets() {
			out = append(out, g)
		}
	}
	return out
}

// Sentence tells a gate that lets nothing through.
func (g Gate) Sentence() string {
	return fmt.Sprintf("gate %s is %s: needed is %s; %s", strings.ReplaceAll(g.Name, "_", " "), g.Verdict, g.Needed, g.Got)
}
