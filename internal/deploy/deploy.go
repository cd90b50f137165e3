// Package deploy keeps GitHub's record of which version of ZenML runs in which environment: one
// deployment an upgrade, with what became of it.
package deploy

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Task tells our deployments from those that GitHub makes by itself for every job that names an
// environment, and from other tools'.
const Task = "zenml-upgrade"

// ours begins the description of every status that we give.
const ours = "zenml-upgrade: "

// The states that GitHub knows and we give.
const (
	Queued     = "queued"
	InProgress = "in_progress"
	Success    = "success"
	Failure    = "failure" // rolled back: the environment is as it was
	Broken     = "error"   // the environment waits for a person
	Inactive   = "inactive"
	pending    = "pending" // what GitHub says before there is any status
)

// mostSettled bounds how many older deployments are looked at.
const mostSettled = 20

// Target is what is brought where.
type Target struct {
	Repository    forge.Repository
	Environment   string
	Production    bool
	From, Version string
	Commit        string
	Address       string // of the environment, for all who may read the repository; empty: not shown
	RunURL        string // of the workflow run; may be empty
}

// payload is what a deployment of ours holds.
type payload struct {
	Tool    string `json:"tool"`
	Version string `json:"version"`
	From    string `json:"from"`
	Key     string `json:"key"`
}

// Deployment is the record of an upgrade that is under way.
type Deployment struct {
	w  *forge.Writer
	t  Target
	id int64
}

// Begin makes a deployment, queued. The caller holds the lock on the database, so an older one that has
// not ended belongs to a run that was cut off.
func Begin(ctx context.Context, w *forge.Writer, t Target) (*Deployment, error) {
	err := each(ctx, w, t, func(s Standing) (bool, error) {
		if !s.Underway() {
			return false, nil
		}
		return true, w.SetDeploymentState(ctx, t.Repository, s.ID, forge.NewState{State: Broken, Description: ours + "its run was cut off"})
	})
	if err != nil {
		return nil, err
	}
	return open(ctx, w, t, Queued, "backup, restore drill and rehearsal of "+t.Version+" come first")
}

// open makes a deployment with its first status.
func open(ctx context.Context, w *forge.Writer, t Target, state, description string) (*Deployment, error) {
	p := payload{Tool: Task, Version: t.Version, From: t.From, Key: rand.Text()}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	id, err := w.CreateDeployment(ctx, forge.NewDeployment{
		Repository: t.Repository, SHA: t.Commit, Environment: t.Environment, Task: Task, Production: t.Production, Key: p.Key, Payload: text,
		Description: "ZenML " + t.Version,
	})
	if err != nil {
		return nil, err
	}
	d := &Deployment{w: w, t: t, id: id}
	return d, d.set(ctx, state, description)
}

// Underway says that the running server is about to be touched.
func (d *Deployment) Underway(ctx context.Context) error {
	return d.set(ctx, InProgress, "cutting over to "+d.t.Version)
}

// End says how the upgrade ended. With Success the environment's older deployments become inactive: by
// our own hand, because GitHub leaves those to production as they are.
func (d *Deployment) End(ctx context.Context, state, description string) error {
	if err := d.set(ctx, state, description); err != nil || state != Success {
		return err
	}
	return each(ctx, d.w, d.t, func(s Standing) (bool, error) {
		switch {
		case s.ID >= d.id:
			return true, nil
		case s.State == Inactive:
			return false, nil // those before it were settled with it
		case s.State != Success:
			return true, nil
		}
		return true, d.w.SetDeploymentState(ctx, d.t.Repository, s.ID, forge.NewState{State: Inactive, Description: ours + "superseded by " + d.t.Version})
	})
}

// Forward says that another version serves in place of the one that failed. It gets a deployment of its
// own, which supersedes what ran before; until that is a success this one stays under way.
func (d *Deployment) Forward(ctx context.Context, version string) error {
	t := d.t
	t.Version = version
	next, err := open(ctx, d.w, t, InProgress, "rolled forward from "+d.t.Version+", which failed")
	if err == nil {
		err = next.End(ctx, Success, "ZenML "+version+": rolled forward")
	}
	if err != nil {
		return err
	}
	return d.set(ctx, Failure, "ZenML "+d.t.Version+": failed, and "+version+" serves in its place")
}

// Withdraw says that an environment was put back without an upgrade under way, and that t.Version serves
// there again, empty when that is not known. What is recorded of other versions does not run there any
// more: it is no longer active, and nothing waits for a person.
func Withdraw(ctx context.Context, w *forge.Writer, t Target) error {
	return each(ctx, w, t, func(s Standing) (bool, error) {
		state := Failure
		switch {
		case s.State == Success && s.Version != "" && s.Version == t.Version:
			return false, nil // it serves still, or again
		case s.State == Success:
			state = Inactive
		case !s.Underway() && s.State != Broken:
			return true, nil
		}
		what := "rolled back to " + cmp.Or(t.Version, "what ran before")
		return true, w.SetDeploymentState(ctx, t.Repository, s.ID, forge.NewState{State: state, Description: ours + what, LogURL: t.RunURL})
	})
}

// Break says that an environment waits for a person after a way back that did not succeed. The newest
// deployment that ran, or was to, bears it.
func Break(ctx context.Context, w *forge.Writer, t Target, description string) error {
	return each(ctx, w, t, func(s Standing) (bool, error) {
		switch {
		case s.State == Broken:
			return false, nil
		case !s.Underway() && s.State != Success:
			return true, nil
		}
		return false, w.SetDeploymentState(ctx, t.Repository, s.ID, forge.NewState{State: Broken, Description: ours + description, LogURL: t.RunURL})
	})
}

func (d *Deployment) set(ctx context.Context, state, description string) error {
	s := forge.NewState{State: state, Description: ours + description, LogURL: d.t.RunURL}
	if state == Success {
		s.EnvironmentURL = d.t.Address
	}
	return d.w.SetDeploymentState(ctx, d.t.Repository, d.id, s)
}

// each shows our deployments to an environment, the newest first, until do says stop.
func each(ctx context.Context, w *forge.Writer, t Target, do func(Standing) (more bool, err error)) error {
	list, err := w.Deployments(ctx, t.Repository, t.Environment, Task)
	if err != nil {
		return err
	}
	for _, one := range list[:min(len(list), mostSettled)] {
		s, err := standing(ctx, w.Reader, t.Repository, one)
		if err != nil {
			return err
		}
		if more, err := do(s); err != nil || !more {
			return err
		}
	}
	return nil
}

// Standing is a deployment of ours and what became of it.
type Standing struct {
	ID      int64
	Version string // empty when the payload says none
	Commit  string
	State   string
	By      forge.Account // who made it
	StateBy forge.Account // who said what became of it
	At      time.Time     // when that was said
	RunURL  string
}

// Underway says whether it has not ended.
func (s Standing) Underway() bool {
	return s.State == Queued || s.State == InProgress || s.State == pending
}

func standing(ctx context.Context, r *forge.Reader, repo forge.Repository, d forge.Deployment) (Standing, error) {
	s := Standing{ID: d.ID, Commit: d.SHA, State: pending, By: d.Creator, StateBy: d.Creator, At: d.CreatedAt}
	var p payload
	if json.Unmarshal(d.Payload, &p) == nil && p.Tool == Task && version.Valid(p.Version) == nil {
		s.Version = p.Version
	}
	states, err := r.DeploymentStates(ctx, repo, d.ID)
	for _, st := range states {
		// When any job of the environment ends well, GitHub makes older deployments inactive by itself. That
		// says nothing about the version of ZenML that runs there.
		if st.State == Inactive && st.Creator.Bot && !strings.HasPrefix(st.Description, ours) {
			continue
		}
		s.State, s.StateBy, s.At, s.RunURL = st.State, st.Creator, st.CreatedAt, st.LogURL
		break
	}
	return s, err
}

// Look returns the newest active deployment to an environment, nil when there is none, and those that
// are newer than it, the newest first.
func Look(ctx context.Context, r *forge.Reader, repo forge.Repository, environment string) (active *Standing, newer []Standing, err error) {
	list, err := r.Deployments(ctx, repo, environment, Task)
	if err != nil {
		return nil, nil, err
	}
	for _, one := range list[:min(len(list), mostSettled)] {
		s, err := standing(ctx, r, repo, one)
		if err != nil {
			return nil, nil, err
		}
		if s.State == Success {
			return &s, newer, nil
		}
		newer = append(newer, s)
	}
	return nil, newer, nil
}
