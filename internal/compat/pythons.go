package compat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// PythonFact is what is known of one Python version that was asked for.
type PythonFact struct {
	Version  string  `json:"version"`
	Ran      bool    `json:"ran"`      // whether the checks ran on it
	Resolves *bool   `json:"resolves"` // whether the requirements can be installed beside the new version; null when the resolver did not answer
	Before   *bool   `json:"before"`   // the same beside the old version
	Proof    *string `json:"proof"`    // the resolver's words when they cannot
	Why      *string `json:"why"`      // why nothing ran
}

// RunAll tests on each of several Python versions. The requirements are resolved for every one;
// the checks run where the interpreter is there, else the version is told as skipped.
func RunAll(ctx context.Context, o Options, pythons []string) (*Result, error) {
	facts, err := resolveFor(ctx, o, pythons)
	if err != nil {
		return nil, err
	}
	all := emptyResult(o.From, o.To)
	all.Shard = o.Shard
	var missing error
	ran := 0
	for i, p := range pythons {
		one := o
		one.Python, one.label = p, "-py"+fileName(p)
		res, err := Run(ctx, one)
		var none *pyenv.NoPythonError
		switch {
		case err == nil:
			ran++
			facts[i].Ran = true
			all.add(p, res)
			continue
		case errors.As(err, &none):
			missing = cmp.Or(missing, err)
		case facts[i].Before == nil || *facts[i].Before: // else the old version does not run there
			return nil, err
		}
		why := clean(err.Error())
		facts[i].Why = &why
		c := Check{Name: "python:" + p, Kind: KindPython, Required: true, Baseline: skip(why), Candidate: skip(why)}
		judge(&c)
		all.Checks = append(all.Checks, c)
	}
	if ran == 0 && missing != nil {
		return nil, missing
	}
	all.Pythons = facts
	all.Reasons = append(all.Reasons, pythonReasons(facts, o.To, ran)...)
	all.Decide("compatible")
	return all, nil
}

// resolveFor asks for each Python whether the requirements can be installed beside both versions.
func resolveFor(ctx context.Context, o Options, pythons []string) ([]PythonFact, error) {
	t := &test{Options: o, res: &Result{}}
	if err := t.readNeeds(); err != nil {
		return nil, unreadable(err)
	}
	facts := make([]PythonFact, len(pythons))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, p := range pythons {
		facts[i].Version = p
		for _, ask := range []struct {
			version string
			answer  **bool
			proof   bool
		}{{o.From, &facts[i].Before, false}, {o.To, &facts[i].Resolves, true}} {
			g.Go(func() error {
				_, err := o.Pyenv.Resolve(ctx, pyenv.Question{Requirements: t.needs.Client(ask.version), Python: p})
				var conflict *pyenv.Conflict
				yes := err == nil
				switch {
				case yes:
					*ask.answer = &yes
				case errors.As(err, &conflict):
					*ask.answer = &yes
					if proof := clean(conflict.Proof); ask.proof {
						facts[i].Proof = &proof
					}
				case ctx.Err() != nil:
					return context.Cause(ctx)
				}
				return nil // an index that did not answer leaves it unknown
			})
		}
	}
	return facts, g.Wait()
}

// add joins what was found on one Python to the whole.
func (r *Result) add(python string, one *Result) {
	mark := " on Python " + python
	for _, c := range one.Checks {
		c.Name += mark
		r.Checks = append(r.Checks, c)
	}
	for _, reason := range one.Reasons {
		reason.Text += "," + mark
		r.Reasons = append(r.Reasons, reason)
	}
	for _, d := range one.Deprecated {
		d.Check += mark
		r.Deprecated = append(r.Deprecated, d)
	}
	for _, b := range one.Code {
		b.Check += mark
		r.Code = append(r.Code, b)
	}
	r.Artifacts = append(r.Artifacts, one.Artifacts...)
	r.held += one.held
	if r.Skew == nil { // a matter of ZenML's versions, not of Python's
		r.Skew = one.Skew
	}
	if r.Machine == nil {
		r.Machine = one.Machine
	}
	if r.Servers == nil {
		r.Servers = one.Servers
	}
	if len(r.Pins.Files) == 0 || !one.Pins.Resolved {
		r.Pins = one.Pins
	}
}

func pythonReasons(facts []PythonFact, to string, ran int) []verdict.Reason {
	var unresolved, unknown, skipped []string
	for _, f := range facts {
		switch {
		case f.Resolves == nil:
			unknown = append(unknown, f.Version)
		case !*f.Resolves && !f.Ran: // one that ran tells it itself
			unresolved = append(unresolved, f.Version)
		}
		if !f.Ran {
			skipped = append(skipped, f.Version)
		}
	}
	var out []verdict.Reason
	if len(unresolved) > 0 {
		out = append(out, verdict.Because(verdict.Unknown, "python_unresolved",
			fmt.Sprintf("the requirements cannot be installed beside ZenML %s on Python %s", to, strings.Join(unresolved, ", ")), unresolved))
	}
	if len(unknown) > 0 {
		out = append(out, verdict.Because(verdict.Unknown, "python_not_resolved",
			"the resolver did not answer for Python "+strings.Join(unknown, ", "), unknown))
	}
	if len(skipped) > 0 {
		out = append(out, verdict.Because(verdict.Review, "python_skipped", "nothing ran on Python "+strings.Join(skipped, ", "), skipped))
	}
	if ran == 0 {
		out = append(out, verdict.Because(verdict.Unknown, nothingPassed, "nothing ran on any Python, so nothing shows that the new version works", nil))
	}
	return out
}

// pythonSection is the table of the Python versions.
func (r *Result) pythonSection() report.Section {
	t := report.Table{Header: []string{"Python", "requirements, old", "requirements, new", "checks"}}
	word := func(b *bool) report.Text {
		switch {
		case b == nil:
			return report.T("not known")
		case *b:
			return report.T("resolve")
		}
		return report.Text{{Plain: "do not resolve", Bold: true}}
	}
	blocks := []report.Block{}
	for _, f := range r.Pythons {
		ran := "ran"
		if !f.Ran {
			ran = "skipped: " + value(f.Why)
		}
		t.Rows = append(t.Rows, []report.Text{report.C(f.Version), word(f.Before), word(f.Resolves), report.T(ran)})
		if f.Proof != nil {
			blocks = append(blocks, report.Para{Text: report.T("The resolver says for Python " + f.Version + ":")}, report.Code{Text: *f.Proof})
		}
	}
	return report.Section{Title: "Python versions", Blocks: append([]report.Block{t}, blocks...)}
}
