package upgrade

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// verify examines the running server and changes nothing of it, but for what ZenML itself writes when
// a key logs in. What would write is skipped and says so.
func (r *run) verify(ctx context.Context) error {
	if err := r.survey(ctx); err != nil {
		return err
	}
	if r.To == "" {
		r.To = r.serverVersion
	}
	r.From, r.report.Target = r.serverVersion, r.To
	p := problems(r.report.Problems)
	for _, e := range []examination{
		{"version and schema", r.verifyVersion},
		{"reads", func(ctx context.Context) (string, error) {
			return "hydrated reads answer", reads(ctx, r.client)
		}},
		{"permission boundaries", func(ctx context.Context) (string, error) {
			b, err := r.client.Boundaries(ctx)
			if err != nil {
				return "", err
			}
			if opened, _ := zenml.CompareBoundaries(nil, b); len(opened) > 0 {
				return "", fmt.Errorf("the server lets in whom it should not: %s", strings.Join(shorten(opened), "; "))
			}
			return fmt.Sprintf("%d requests refused", len(b)), nil
		}},
		{"inventory", func(ctx context.Context) (string, error) { return r.verifyInventory(ctx, &p) }},
		{"secret", func(ctx context.Context) (string, error) { return r.readSecret(ctx, r.client) }},
		{"dashboard", func(ctx context.Context) (string, error) {
			n, err := r.client.Dashboard(ctx)
			if err != nil { // there are servers without one: only a comparison could tell
				p.review("dashboard", err.Error(), "look whether this server is to have a dashboard")
				return "", notRunError{err.Error()}
			}
			return fmt.Sprintf("the first page and its %d files", n), nil
		}},
		{"artifacts", func(ctx context.Context) (string, error) { return r.verifyArtifacts(ctx, &p) }},
		{"smoke pipeline", func(context.Context) (string, error) {
			return "", notRunError{"it would write, and verify changes nothing"}
		}},
	} {
		c, err := r.examined(ctx, e)
		r.report.Checks = append(r.report.Checks, c)
		if err != nil {
			p.block("verify_failed", fmt.Sprintf("%s: %v", e.name, err), "look at the server's log; mode rollback goes back to the last backup")
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	r.report.Problems = p
	r.report.Outcome = Verified
	if len(p.blocking()) > 0 {
		r.report.Outcome = Refused
	}
	return nil
}

func (r *run) verifyVersion(ctx context.Context) (string, error) {
	if r.serverVersion != r.To {
		return "", fmt.Errorf("the server answers with version %s, not %s", r.serverVersion, r.To)
	}
	revision, err := r.DB.Revision(ctx)
	if err == nil && revision != revisionOf(r.To) {
		err = fmt.Errorf("the database is at revision %q, not that of %s: code and schema do not match", revision, r.To)
	}
	return r.To, err
}

func (r *run) verifyInventory(ctx context.Context, p *problems) (string, error) {
	inv, err := r.client.Inventory(ctx, r.DB.IDs)
	if err != nil {
		return "", err
	}
	for _, kind := range slices.Sorted(maps.Keys(inv.Unreadable)) {
		if kind != "user" {
			p.review("right_missing", fmt.Sprintf("the key in server-token may not list every %s", kind), "give the key of a service account with that right")
		}
	}
	return fmt.Sprintf("%d kinds listed", len(inv.Kinds)), r.takeHistory(ctx, r.client, r.DB)
}

// verifyArtifacts loads a sample. There is no older version to compare with: what does not load is for
// a person to look at.
func (r *run) verifyArtifacts(ctx context.Context, p *problems) (string, error) {
	if err := r.sampleArtifacts(ctx, r.client); err != nil {
		return "", err
	}
	if r.report.Artifacts == nil {
		return "", notRunError{"no artifact-root was given"}
	}
	got, err := r.loadArtifacts(ctx, r.PublicURL, r.To)
	if err != nil {
		return "", err
	}
	a := r.report.Artifacts
	a.Tried = len(got)
	for _, id := range slices.Sorted(maps.Keys(got)) {
		if got[id].Status == loaded {
			a.Same++
			continue
		}
		a.Unknown = append(a.Unknown, fmt.Sprintf("%s: %s", id, got[id].Cause))
	}
	if len(a.Unknown) > 0 {
		p.review("artifacts_not_loadable", fmt.Sprintf("%d of %d artifacts do not load", len(a.Unknown), a.Tried), "see artifacts.unknown")
	}
	return fmt.Sprintf("%d of %d load", a.Same, a.Tried), nil
}
