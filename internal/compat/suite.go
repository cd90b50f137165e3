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
var Groups = []string{"basic", "complex", "artifact", "integration", "stack", "connector", "tracking", "snapshot", "client", "dashboard"}

// members are the checks of the groups that have several, but for those that are named by what is found.
var members = map[string][]string{
	"artifact": {"artifact", artifactByName, artifactByID},
	"client":   {"client:lists", "client:writes"},
	"tracking": {"tracking:models", "tracking:mlflow", "tracking:mlflow_kept"},
	"snapshot": {"snapshot:created", "snapshot:executed"},
}

const (
	artifactByName = "artifact:by_name"
	artifactByID   = "artifact:by_id"
)

const suiteTimeout = 20 * time.Minute // of a busy machine, for all checks of a world

// noIntegration stands for the group integration when there is nothing to integrate.
const noIntegration = "integration:none"

// project is what the built-in checks want to know of a repository.
type project struct {
	packages     []string // that it asks for
	parts        []string // of stacks that its code names, such as orchestrator.kubernetes
	integrations []string // to test; empty: those that one of the packages belongs to
}

// suiteChecks returns what zu_suite_run.py is asked for the given groups.
func suiteChecks(groups []string, p project) []string {
	var out []string
	for _, g := range Groups {
		switch {
		case !slices.Contains(groups, g) || g == "dashboard":
		case members[g] != nil:
			out = append(out, members[g]...)
		case g == "integration" && len(p.integrations) > 0:
			for _, name := range p.integrations {
				out = append(out, "integration:"+name)
			}
		case g == "integration":
			if len(p.packages) > 0 {
				out = append(out, "integration="+strings.Join(p.packages, ","))
			}
		case g == "stack":
			out = append(out, "stack="+strings.Join(p.packages, ",")+"/"+strings.Join(p.parts, ","))
		case g == "connector":
			out = append(out, "connector=")
		default:
			out = append(out, g)
		}
	}
	return out
}

func suiteKind(check string) Kind {
	if check == artifactByName || check == artifactByID {
		return KindArtifact
	}
	group, _, _ := strings.Cut(check, ":")
	switch group {
	case "integration", "tracking":
		return KindIntegration
	case "stack":
		return KindStack
	case "connector":
		return KindConnector
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

// runSuite runs built-in checks; those that fail are run once more. kept are the checks that passed on
// the old version, when this is the new one: what they left there must be found.
func (w *world) runSuite(ctx context.Context, checks, kept []string) *attempts {
	done := w.suiteOnce(ctx, checks, kept)
	var failed []string
	for _, name := range done.names {
		if done.by[name].Status == Failed {
			failed = append(failed, name)
		}
	}
	if len(failed) == 0 || ctx.Err() != nil {
		return done
	}
	again := w.suiteOnce(ctx, failed, kept)
	for _, name := range failed {
		done.set(name, repeated(done.by[name], again.by[name]))
	}
	return done.without(again)
}

// suiteRow is one line of zu_suite_run.py.
type suiteRow struct {
	Check    string  `json:"check"`
	Status   Status  `json:"status"`
	Seconds  float64 `json:"seconds"`
	Detail   *string `json:"detail"`
	Optional bool    `json:"optional"` // what it found does not concern every project, or is no gap of it
}

func (w *world) suiteOnce(ctx context.Context, checks, kept []string) *attempts {
	out := &attempts{}
	args := checks
	if len(kept) > 0 {
		args = append([]string{"--kept=" + strings.Join(kept, ",")}, checks...)
	}
	err := w.ask(ctx, suiteTimeout, func(line []byte) {
		var row suiteRow
		if json.Unmarshal(line, &row) == nil && row.Check != "" && (row.Status == Passed || row.Status == Failed || row.Status == Skipped) {
			at := Attempt{Status: row.Status, Seconds: &row.Seconds}
			switch row.Status {
			case Passed:
			case Skipped:
				at = skip(clean(value(row.Detail)))
			case Failed:
				at = w.failed(&row.Seconds, value(row.Detail))
			}
			at.optional = row.Optional
			out.set(row.Check, at)
		}
	}, "zu_suite_run.py", args...)
	if err == nil {
		return out
	}
	// What the crash left unanswered failed with it.
	for _, name := range checks {
		group, _, several := strings.Cut(name, "=")
		begun := several && slices.ContainsFunc(out.names, func(n string) bool { return strings.HasPrefix(n, group+":") })
		if _, ok := out.by[name]; !ok && !begun {
			out.set(name, w.failed(nil, fmt.Sprintf("the suite ended before this check: %v", err)))
		}
	}
	return out
}

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
	for _, name := range suiteChecks(o.Suite, project{integrations: o.Integrations}) {
		name, _, _ = strings.Cut(name, "=") // what stands for several is named by what is found
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
