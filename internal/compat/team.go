package compat

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/guard"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

// Hook makes what runs a pipeline where this machine cannot; env leads to the server and names the pipeline.
type Hook func(version string, env ...string) proc.Command

// TeamOptions say what of a repository is run on a server that is not ours.
type TeamOptions struct {
	Pipelines []config.Pipeline // those that are not light are left out, and say so
	Repo      string            // absolute
	Environ   []string          // our process's environment; see proc.BaseEnv
	Secrets   []string          // kept out of everything that processes say
	Stores    string            // where local artifacts lie; "" for a folder that goes with Close
	Hook      Hook              // nil: pipelines run on this machine
}

// Team are a repository's pipelines, to be run with one client on one server.
type Team struct {
	o         TeamOptions
	pipelines []*pipeline
	dir       string // of the world; "" before Prepare
	world     *world // without a server
}

// NewTeam reads the pipelines and tells every fault in them. Nothing is made.
func NewTeam(o TeamOptions) (*Team, error) {
	t := &Team{o: o}
	var faults []error
	for _, c := range o.Pipelines {
		p, err := newPipeline(c, &Options{Environ: o.Environ})
		if err != nil {
			faults = append(faults, err)
			continue
		}
		t.pipelines = append(t.pipelines, p)
	}
	return t, errors.Join(faults...)
}

// Light names the checks of those that are run.
func (t *Team) Light() []string {
	var out []string
	for _, p := range t.pipelines {
		if p.skip == "" {
			out = append(out, p.check())
		}
	}
	return out
}

// Prepare copies the repository for a client, in place of what it prepared before.
func (t *Team) Prepare(version string, client *pyenv.Env) error {
	t.Close()
	dir, err := os.MkdirTemp("", "zenml-upgrade-team-")
	if err != nil {
		return fmt.Errorf("making a folder for the team's pipelines: %w", err)
	}
	t.dir = dir
	t.world = &world{
		name: "new", version: version, dir: filepath.Join(dir, "world"), stores: filepath.Join(dir, "stores"), client: client,
		environ: t.o.Environ, secrets: t.o.Secrets, instead: t.o.Hook,
	}
	return t.world.build(t.o.Repo)
}

// Close removes what Prepare made.
func (t *Team) Close() {
	if t.dir != "" {
		_ = os.RemoveAll(t.dir) // below the machine's temporary folder
		t.dir = ""
	}
}

// Ran is how one of the team's checks ended.
type Ran struct {
	Name    string
	Status  Status
	Seconds float64
	Detail  string // why it did not pass; "" when it did
	Tail    string // the end of what a failed one wrote, secrets removed
}

// Run runs the light pipelines on a server, one after another, until one fails, and then snapshots of them. They do not get the key:
// a guard on loopback is all that they reach, and it goes with the run. The error says why they could not
// be tried; what failed is in the list.
func (t *Team) Run(ctx context.Context, url, key string) (_ []Ran, err error) {
	at, err := t.world.at(ctx, "the new server", guard.Config{URL: url, Key: key, Open: true}, filepath.Join(t.dir, "visit"), t.o.Stores)
	if err != nil {
		return nil, err
	}
	defer at.guard.Close()
	if err := at.enter(ctx); err != nil {
		return nil, err
	}
	var out []Ran
	for _, p := range t.pipelines {
		end := skip(p.skip)
		if p.skip == "" {
			end, _ = at.runPipeline(ctx, p)
		}
		out = append(out, ran(p.check(), end))
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		if at.disturbed != "" { // a server of ours may end with the test; this one must not
			return out, errors.New(at.disturbed)
		}
		if end.Status == Failed {
			return out, nil
		}
	}
	out = append(out, t.snapshots(ctx, at, out)...)
	if at.disturbed != "" {
		return out, errors.New(at.disturbed)
	}
	return out, context.Cause(ctx)
}

// snapshots makes, deletes, makes again and runs snapshots (run templates before 0.90) of the runs that just
// passed. The team's own are read and left in place: of one that is deleted not all comes back.
func (t *Team) snapshots(ctx context.Context, at *world, all []Ran) []Ran {
	var checks []string
	for _, r := range all {
		if name, _ := strings.CutPrefix(r.Name, "pipeline:"); r.Status == Passed {
			checks = append(checks, "snapshot_recreated:"+name, "snapshot_executed:"+name)
		}
	}
	if len(checks) == 0 {
		return nil
	}
	done := at.runSuite(ctx, append([]string{"snapshot:read"}, checks...), nil)
	var out []Ran
	for _, name := range done.names {
		out = append(out, ran(name, done.by[name]))
	}
	return out
}

// ran is an attempt for the caller. One that passed only when it was repeated proves nothing.
func ran(name string, at Attempt) Ran {
	r := Ran{Name: name, Status: at.Status, Detail: value(at.Detail)}
	if at.Seconds != nil {
		r.Seconds = *at.Seconds
	}
	switch {
	case at.unsteady:
		r.Status, r.Detail = Skipped, "it failed, and passed when it was repeated, so nothing is known: "+r.Detail
	case at.Status == Failed:
		r.Tail = at.tail
	}
	r.Detail = strings.TrimSpace(r.Detail)
	return r
}
