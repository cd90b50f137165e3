package upgrade

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// survey reaches the running server and reads what later steps need. It changes nothing.
func (r *run) survey(ctx context.Context) error {
	if r.PublicURL == "" {
		return r.surveyDatabase(ctx)
	}
	c := zenml.New(r.PublicURL)
	v, err := c.Version(ctx)
	if err != nil {
		return unreachable(fmt.Sprintf("the server %s did not answer", r.PublicURL), err, "check server-url and that the server runs")
	}
	r.serverVersion = v
	if r.From == "" {
		r.From = v
	}
	if err := c.LoginKey(ctx, r.APIKey); err != nil {
		if unauthorized(err) {
			f := fault.BadInput(fmt.Sprintf("the server %s refused the key in server-token", r.PublicURL), "give an API key of a service account of this very server")
			f.Safe = untouched
			return f
		}
		return unreachable(fmt.Sprintf("the server %s did not answer the log-in", r.PublicURL), err, "look at the server's log")
	}
	r.client = c
	// What a list without details answers proves nothing about code and schema.
	if _, _, err = c.NewestEverywhere(ctx, "/runs", url.Values{"hydrate": {"true"}}, newestRuns); err != nil {
		return unreachable("the server did not list its pipeline runs", err, "check the rights of the key in server-token")
	}
	return nil
}

// surveyDatabase takes the version from the database: a clean release's revision is its version. What
// is wrong with it is told by the preflight.
func (r *run) surveyDatabase(ctx context.Context) error {
	revision, err := r.DB.Revision(ctx)
	if err != nil {
		return unreachable("the database did not answer", err, "check database-url, or backup")
	}
	if r.From == "" && version.Valid(revision) == nil {
		r.From = revision
	}
	return nil
}

// untouched is what a user wants to hear first after an early fault.
const untouched = "nothing was changed"

func unreachable(what string, err error, next string) error {
	f := fault.Unreachable(what, err, next)
	f.Safe = untouched
	return f
}

// newestRuns is how many of each project's newest runs are read with all their details.
const newestRuns = 50

// readRuns looks through the rows of the runs, of every project, for those under way: at 8,192 runs the
// server takes a minute to list them.
func (r *run) readRuns(ctx context.Context) error {
	var running []database.Run
	err := r.DB.Runs(ctx, func(run database.Run) {
		if unfinished(run.Status) {
			running = append(running, run)
		}
	})
	if err == nil {
		r.running = running
	}
	return err
}

// underway names the runs that may not be cut off.
func (r *run) underway() []string {
	var names []string
	for _, o := range r.running {
		names = append(names, o.Name)
	}
	return names
}

// errBlocked is why preflight fails; what blocks is in the report's problems.
var errBlocked = errors.New("problems stand against the upgrade")
