package upgrade

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// Check is one examination of a server, an entry of result.json's checks[].
type Check struct {
	Name    string  `json:"name"`
	Server  string  `json:"server"` // "copy": the new version on the restored copy; "real": on the real database, but for "public inventory" and a smoke pipeline in public before anybody can reach it
	Status  Status  `json:"status"` // passed, failed or skipped
	Seconds float64 `json:"seconds"`
	Detail  string  `json:"detail"`
}

// Differences are what the new version does otherwise and a person should look at: sentences.
type Differences struct {
	Boundaries  []string `json:"boundaries"`  // who may do what, and no release note says so
	Definitions []string `json:"definitions"` // of stacks, components and connectors
	Components  []string `json:"components"`  // that were not made by both versions here, so that nothing is known of them
}

type examination struct {
	name string
	do   func(ctx context.Context) (detail string, err error)
}

// notRunError says why a check has nothing to look at.
type notRunError struct{ why string }

func (n notRunError) Error() string { return n.why }

// examineAll runs groups of checks side by side, a group's own one after another, and files how each
// ended. The first that fails stops all.
func (r *run) examineAll(ctx context.Context, groups ...[]examination) error {
	results := make([][]Check, len(groups))
	g, gctx := errgroup.WithContext(ctx)
	for i, group := range groups {
		g.Go(func() error {
			for _, e := range group {
				c, err := r.examined(gctx, e)
				results[i] = append(results[i], c)
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	r.report.Checks = append(r.report.Checks, slices.Concat(results...)...)
	return err
}

// examined runs one check.
func (r *run) examined(ctx context.Context, e examination) (Check, error) {
	c := Check{Name: e.name, Server: "real", Status: Passed}
	if r.room != nil {
		c.Server = "copy"
	}
	began := r.Now()
	detail, err := e.do(ctx)
	c.Seconds, c.Detail = r.Now().Sub(began).Seconds(), detail
	var skip notRunError
	switch {
	case errors.As(err, &skip):
		c.Status, c.Detail, err = Skipped, skip.why, nil
	case err != nil && ctx.Err() != nil:
		c.Status, c.Detail = Skipped, "cut off: another check failed, or the run was stopped"
	case err != nil:
		c.Status, c.Detail = Failed, err.Error()
	}
	return c, err
}

// former is what the old version let people do and showed them.
type former struct {
	boundaries  zenml.Boundaries
	definitions zenml.Definitions
	dashboard   error // why it is not whole, nil when it is
	made        map[string]zenml.Made
}

// lookBefore reads how the old version answers on the copy.
func (r *run) lookBefore(ctx context.Context, c *zenml.Client) (err error) {
	if r.was.boundaries, err = r.boundaries(ctx, c); err != nil {
		return err
	}
	if err := r.askRevoked(ctx, c, r.was.boundaries); err != nil && !errors.Is(err, database.ErrNoKey) {
		return err
	}
	if r.was.definitions, err = c.Definitions(ctx); err != nil {
		return err
	}
	_, r.was.dashboard = c.Dashboard(ctx)
	r.was.made, err = r.components(ctx, c.URL(), r.From)
	return err
}

// boundaries asks a server who may do what. On a copy it also tries what only administrators may.
func (r *run) boundaries(ctx context.Context, c *zenml.Client) (zenml.Boundaries, error) {
	b, err := c.Boundaries(ctx)
	if err != nil || r.room == nil {
		return b, err
	}
	writes, err := c.WriteBoundaries(ctx)
	if err != nil {
		return nil, err
	}
	maps.Copy(b, writes)
	return b, nil
}

// askRevoked revokes the key in the copy, tries it and takes that back: nothing else may use the key
// meanwhile. The error is database.ErrNoKey for a key whose row is not to be found.
func (r *run) askRevoked(ctx context.Context, c *zenml.Client, b zenml.Boundaries) error {
	id := keyID(r.APIKey)
	if err := r.copy.SwitchKey(ctx, id, false); err != nil {
		return err
	}
	asked := b.LoginBoundary(ctx, c.URL(), "revoked key: log-in", r.APIKey)
	return errors.Join(asked, r.copy.SwitchKey(context.WithoutCancel(ctx), id, true))
}

// keyID reads the id in an API key, "" when it has another form (ZENKEY_ and base64 of JSON).
func keyID(key string) string {
	var content struct {
		ID string `json:"id"`
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "ZENKEY_"))
	if err != nil || json.Unmarshal(b, &content) != nil {
		return ""
	}
	return content.ID
}

// declared are the boundaries that a release moved and said so.
var declared = []struct{ since, boundary string }{
	{"0.96.0", "own key: POST /service_accounts"}, // only administrators make service accounts (zenml-io/zenml#5007)
}

func (r *run) checkBoundaries(ctx context.Context, c *zenml.Client) (string, error) {
	now, err := r.boundaries(ctx, c)
	if err != nil {
		return "", err
	}
	return r.judgeBoundaries(now)
}

// checkRevoked tries on the copy how the new version takes a key that was revoked.
func (r *run) checkRevoked(ctx context.Context, c *zenml.Client) (string, error) {
	now := zenml.Boundaries{}
	err := r.askRevoked(ctx, c, now)
	if errors.Is(err, database.ErrNoKey) {
		return "", notRunError{"the key's row was not found in the copy"}
	}
	if err != nil {
		return "", err
	}
	return r.judgeBoundaries(now)
}

func (r *run) judgeBoundaries(now zenml.Boundaries) (string, error) {
	opened, changed := zenml.CompareBoundaries(r.was.boundaries, now)
	if len(opened) > 0 {
		return "", fmt.Errorf("the new version lets in whom it should not: %s", strings.Join(shorten(opened), "; "))
	}
	untold := undeclared(changed, r.From, r.To)
	d := r.report.differ()
	d.Boundaries = append(d.Boundaries, untold...)
	slices.Sort(d.Boundaries)
	d.Boundaries = slices.Compact(d.Boundaries) // on the copy and on the real server
	return fmt.Sprintf("%d requests, %d answered otherwise, %d of them as the release notes say", len(now), len(changed), len(changed)-len(untold)), nil
}

// undeclared leaves out what a release on the way moved and said so.
func undeclared(changed []string, from, to string) []string {
	return slices.DeleteFunc(slices.Clone(changed), func(s string) bool {
		return slices.ContainsFunc(declared, func(d struct{ since, boundary string }) bool {
			return strings.HasPrefix(s, d.boundary+":") && version.Compare(from, d.since) < 0 && version.Compare(d.since, to) <= 0
		})
	})
}

// differ returns the report's differences, which exist from the first check on.
func (r *Report) differ() *Differences {
	if r.Differences == nil {
		r.Differences = &Differences{Boundaries: []string{}, Definitions: []string{}, Components: []string{}}
	}
	return r.Differences
}

func (r *run) checkDefinitions(ctx context.Context, c *zenml.Client) (string, error) {
	now, err := c.Definitions(ctx)
	if err != nil {
		return "", err
	}
	differ := zenml.CompareDefinitions(r.was.definitions, now)
	r.report.differ().Definitions = append([]string{}, differ...)
	n := 0
	for _, objects := range r.was.definitions {
		n += len(objects)
	}
	return fmt.Sprintf("%d stacks, components and connectors, %d differences", n, len(differ)), nil
}

func (r *run) checkDashboard(ctx context.Context, c *zenml.Client) (string, error) {
	n, err := c.Dashboard(ctx)
	if err != nil && r.was.dashboard != nil {
		return "", notRunError{"the old version's is not whole either: " + r.was.dashboard.Error()}
	}
	return fmt.Sprintf("the first page and its %d files", n), err
}

// checkComponents makes every stack component on the copy. On the real server it would only lengthen
// the downtime: the same version would make the same definitions.
func (r *run) checkComponents(ctx context.Context, address string) (string, error) {
	now, err := r.components(ctx, address, r.To)
	if err != nil {
		return "", err
	}
	broken, unknown := zenml.CompareMade(r.was.made, now)
	if len(broken) > 0 {
		return "", fmt.Errorf("%s does not make components that %s makes: %s", r.To, r.From, strings.Join(shorten(broken), "; "))
	}
	r.report.differ().Components = append(r.report.differ().Components, unknown...)
	return fmt.Sprintf("%d made by both versions, %d not known", len(r.was.made)-len(unknown), len(unknown)), nil
}

// components makes the components of a copy. Its room keeps what a team's own flavor does from the
// outside world.
func (r *run) components(ctx context.Context, address, v string) (map[string]zenml.Made, error) {
	target, err := r.target(ctx, address, v)
	if err != nil {
		return nil, err
	}
	return zenml.Components(ctx, target, true)
}
