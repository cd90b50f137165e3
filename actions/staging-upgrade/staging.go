package stagingupgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/parity"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// rehearsalAge is how old a rehearsal may be before production is upgraded, when nobody says.
const rehearsalAge = "168h"

// decodeGates reads what must hold before the cut-over.
func (s *settings) decodeGates(in *Inputs) error {
	var faults []error
	duration := func(name, text string) time.Duration {
		d, err := time.ParseDuration(text)
		if text != "" && (err != nil || d <= 0) {
			faults = append(faults, fault.BadInput(fmt.Sprintf("%s %q is no duration", name, text), "write it like 10m or 1h"))
		}
		return d
	}
	if text := cmp.Or(in.MaintenanceWindow, s.env.Window); text != "" {
		w, err := config.ParseWindow(text)
		if err != nil {
			faults = append(faults, fault.BadInput(fmt.Sprintf("maintenance-window: %v", err), "write it like 2026-11-28T22:00/2h Europe/Berlin"))
		}
		s.window = &upgrade.Window{Start: w.Start, Length: w.Length}
	}
	s.drain = duration("drain-timeout", in.DrainTimeout)
	age := in.RehearsalMaxAge
	if age == "" && s.env.Kind == "production" {
		age = rehearsalAge
	}
	if age != "off" {
		s.rehearsed = duration("rehearsal-max-age", age)
	}
	return errors.Join(faults...)
}

// decodeStaging finds the server that a plan compares with.
func (s *settings) decodeStaging(cfg *config.Config, in *Inputs) error {
	if s.mode != upgrade.Plan {
		return nil
	}
	s.stagingURL = strings.TrimRight(in.StagingURL, "/")
	if s.stagingURL == "" && cfg != nil && s.env.CompareWith != "" {
		s.stagingURL = strings.TrimRight(cfg.Environments[s.env.CompareWith].ServerURL, "/")
	}
	if s.stagingURL == "" {
		if in.StagingToken != "" || in.StagingDatabaseURL != "" {
			return fault.BadInput("staging-url is missing, and its key or database is given", "give staging-url, or compare-with in the environment")
		}
		return nil
	}
	if u, err := url.Parse(s.stagingURL); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fault.BadInput(fmt.Sprintf("staging-url %q is no http(s) address", s.stagingURL), "write it like https://staging.example.org")
	}
	return nil
}

// Staging is how the staging server differs from the server that is to be upgraded.
type Staging struct {
	URL         string              `json:"url"`
	Differences []parity.Difference `json:"differences"` // null when it could not be compared
	Why         string              `json:"why"`         // then
}

// compareWithStaging compares the two servers, or says why that cannot be done.
func (a *stagingUpgrade) compareWithStaging(ctx context.Context, rt *action.Runtime) *Staging {
	out := &Staging{URL: a.set.stagingURL}
	if a.in.StagingToken == "" {
		out.Why = "staging-token is not given"
		return out
	}
	staging, err := a.side(ctx, rt, a.set.stagingURL, a.in.StagingToken, a.in.StagingDatabaseURL)
	if err != nil {
		out.Why = fmt.Sprintf("the staging server: %v", err)
		return out
	}
	production, err := a.side(ctx, rt, a.set.serverURL, a.in.ServerToken, a.in.DatabaseURL)
	if err != nil {
		out.Why = fmt.Sprintf("the server: %v", err)
		return out
	}
	out.Differences = parity.Compare(staging, production)
	return out
}

func (a *stagingUpgrade) side(ctx context.Context, rt *action.Runtime, address, key, databaseURL string) (*parity.Side, error) {
	engine := ""
	if databaseURL != "" {
		db, err := database.Open(databaseURL, database.Options{Environ: rt.Environ})
		if err != nil {
			return nil, err
		}
		if engine, err = database.Engine(ctx, db); err != nil {
			return nil, err
		}
	}
	c := zenml.New(address)
	if err := c.LoginKey(ctx, key); err != nil {
		return nil, fmt.Errorf("logging in: %w", err)
	}
	return parity.Read(ctx, c, engine)
}

// judgeStaging lowers the decision by each difference.
func (r *Result) judgeStaging() {
	if r.Staging == nil {
		return
	}
	if r.Staging.Differences == nil {
		r.Reasons = append(r.Reasons, verdict.Because(verdict.Review, "staging_not_compared",
			"whether staging is like this server is not known: "+r.Staging.Why, nil))
	}
	for _, d := range r.Staging.Differences {
		r.Reasons = append(r.Reasons, verdict.Because(verdict.Review, "staging_differs",
			"what passed in staging proves less here: "+d.Sentence(), nil))
	}
}

func (r *Result) stagingSection() []report.Section {
	if r.Staging == nil || r.Staging.Differences == nil {
		return nil
	}
	t := report.Table{Header: []string{"What", "Name", "Staging", "This server"}}
	for _, d := range r.Staging.Differences {
		t.Rows = append(t.Rows, []report.Text{report.T(d.Kind), report.T(d.Name), report.T(d.Staging), report.T(d.Production)})
	}
	if len(t.Rows) == 0 {
		return []report.Section{{Title: "Staging is like this server", Blocks: []report.Block{report.List{Items: []report.Text{
			report.T("Stacks, components, integrations, authentication and database are of the same kinds."),
		}}}}}
	}
	return []report.Section{{Title: "Staging differs from this server", Blocks: []report.Block{t}}}
}
