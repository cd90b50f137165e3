package compat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// Groups are the built-in checks that can be asked for.
var Groups = []string{"basic", "complex", "artifact", "integration", "client", "dashboard"}

const suiteTimeout = 10 * time.Minute

// noIntegration stands for the group integration when there is nothing to integrate.
const noIntegration = "integration:none"

// suiteChecks returns what zu_suite_run.py is asked for the given groups; packages are those that
// the repository asks for; integrations, when given, are tested in place of those found by package.
func suiteChecks(groups, packages, integrations []string) []string {
	var out []string
	for _, g := range Groups {
		switch {
		case !slices.Contains(groups, g) || g == "dashboard":
		case g == "client":
			out = append(out, "client:lists", "client:writes")
		case g == "integration" && len(integrations) > 0:
			for _, name := range integrations {
				out = append(out, "integration:"+name)
			}
		case g == "integration":
			if len(packages) > 0 {
				out = append(out, "integration="+strings.Join(packages, ","))
			}
		default:
			out = append(out, g)
		}
	}
	return out
}

func suiteKind(check string) Kind {
	group, _, _ := strings.Cut(check, ":")
	switch group {
	case "integration":
		return KindIntegration
	case "client":
		return KindClient
	default:
		return KindPipeline
	}
}

// integrations returns the names of all integrations that this world's ZenML has.
func (w *world) integrations(ctx context.Context) ([]string, error) {
	var names []string
	err := w.ask(ctx, time.Minute, func(line []byte) {
		var row struct {
			Known []string `json:"known"`
		}
		if json.Unmarshal(line, &row) == nil {
			names = append(names, row.Known...)
		}
	}, "zu_suite_run.py", "known-integrations")
	if err == nil && len(names) == 0 {
		err = errors.New("it named none")
	}
	if err != nil {
		return nil, fmt.Errorf("asking ZenML %s which integrations it has: %w", w.version, err)
	}
	return names, nil
}

// checkIntegrations tells the integrations asked for that neither version has.
func (t *test) checkIntegrations(ctx context.Context) error {
	if len(t.Integrations) == 0 {
		return nil
	}
	var known []string
	for _, w := range []*world{t.old, t.new} {
		if w.server == nil { // a version that does not load has none that could be used
			continue
		}
		names, err := w.integrations(ctx)
		if err != nil {
			return err
		}
		known = append(known, names...)
	}
	return unknownIntegrations(t.Integrations, known)
}

func unknownIntegrations(asked, known []string) error {
	var faults []error
	for _, name := range asked {
		if slices.Contains(known, name) {
			continue
		}
		next := "see \"zenml integration list\" for what there is"
		if near := fault.Near(name, known); near != "" {
			next = fmt.Sprintf("did you mean %q?", near)
		}
		faults = append(faults, fault.BadInput(fmt.Sprintf("integrations %q is known to neither version of ZenML", name), next))
	}
	return errors.Join(faults...)
}

// attempts are one world's results, by check, in the order in which they came.
type attempts struct {
	names []string
	by    map[string]Attempt
}

func (a *attempts) set(name string, at Attempt) {
	if a.by == nil {
		a.by = map[string]Attempt{}
	}
	if _, ok := a.by[name]; !ok {
		a.names = append(a.names, name)
	}
	a.by[name] = at
}

// runSuite runs built-in checks; those that fail are run once more.
func (w *world) runSuite(ctx context.Context, checks []string) *attempts {
	done := w.suiteOnce(ctx, checks)
	var failed []string
	for _, name := range done.names {
		if done.by[name].Status == Failed {
			failed = append(failed, name)
		}
	}
	if len(failed) == 0 || ctx.Err() != nil {
		return done
	}
	again := w.suiteOnce(ctx, failed)
	for _, name := range failed {
		done.set(name, repeated(done.by[name], again.by[name]))
	}
	return done
}

// repeated joins a failed attempt and its repetition.
func repeated(failed, again Attempt) Attempt {
	if again.Status != Passed {
		return failed
	}
	again.unsteady, again.Detail = true, failed.Detail
	return again
}

func (w *world) suiteOnce(ctx context.Context, checks []string) *attempts {
	out := &attempts{}
	err := w.ask(ctx, suiteTimeout, func(line []byte) {
		var row struct {
			Check   string  `json:"check"`
			Status  Status  `json:"status"`
			Seconds float64 `json:"seconds"`
			Detail  *string `json:"detail"`
		}
		if json.Unmarshal(line, &row) == nil && row.Check != "" && (row.Status == Passed || row.Status == Failed || row.Status == Skipped) {
			at := Attempt{Status: row.Status, Seconds: &row.Seconds}
			switch row.Status {
			case Passed:
			case Skipped:
				at = skip(clean(value(row.Detail)))
			case Failed:
				at = w.failed(&row.Seconds, value(row.Detail))
			}
			out.set(row.Check, at)
		}
	}, "zu_suite_run.py", checks...)
	if err == nil {
		return out
	}
	// What the crash left unanswered failed with it.
	for _, name := range checks {
		if _, ok := out.by[name]; !ok {
			out.set(name, w.failed(nil, fmt.Sprintf("the suite ended before this check: %v", err)))
		}
	}
	return out
}

func cleaned(text *string) *string {
	if text == nil {
		return nil
	}
	s := clean(*text)
	return &s
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func failure(seconds *float64, detail string) Attempt {
	return Attempt{Status: Failed, Seconds: seconds, Detail: cleaned(&detail)}
}

func skip(why string) Attempt { return Attempt{Status: Skipped, Detail: &why} }

// Planned is the result of a dry run: it names what a run with these options would check, all of it
// skipped. Artifacts are not among it: they are known only once the old version has written them.
func Planned(o Options) *Result {
	r := emptyResult(o.From, o.To)
	r.Shard = o.Shard
	add := func(name string, kind Kind) {
		c := Check{Name: name, Kind: kind, Required: true, Baseline: skip("dry run"), Candidate: skip("dry run")}
		judge(&c)
		r.Checks = append(r.Checks, c)
	}
	for _, name := range suiteChecks(o.Suite, nil, o.Integrations) {
		add(name, suiteKind(name))
	}
	for _, p := range o.Pipelines {
		add("pipeline:"+p.Name, KindPipeline)
	}
	if slices.Contains(o.Suite, "dashboard") {
		add("dashboard:page", KindDashboard)
	}
	if o.Servers.Old != nil {
		add(teamPipeline, KindPipeline)
		add(teamLists, KindClient)
	}
	r.Reasons = []verdict.Reason{verdict.Because(verdict.Unknown, "dry_run", "this was a dry run: nothing was started and nothing is known", nil)}
	r.Decide("dry_run")
	return r
}
