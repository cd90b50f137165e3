package upgrade

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// connect logs in to a server and proves its version.
func (r *run) connect(ctx context.Context, address, want string) (*zenml.Client, error) {
	c := zenml.New(address)
	got, err := c.Version(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking the version: %w", err)
	}
	if got != want {
		return nil, fmt.Errorf("the server answers with version %q, not %s", got, want)
	}
	if err := c.LoginKey(ctx, r.APIKey); err != nil {
		return nil, fmt.Errorf("logging in to %s: %w", want, err)
	}
	return c, nil
}

// reads proves that code and database match: hydrated reads answer.
func reads(ctx context.Context, c *zenml.Client) error {
	if bad := c.Healthy(ctx); len(bad) > 0 {
		return fmt.Errorf("reads fail: %s", strings.Join(bad, "; "))
	}
	return nil
}

// compare proves that a server holds what the real one held: no object of the inventory is missing. With
// rows, those of the server's database, long lists are not read to their end.
func (r *run) compare(ctx context.Context, c *zenml.Client, rows zenml.Rows) error {
	after, err := c.Inventory(ctx, rows)
	if err != nil {
		return fmt.Errorf("listing what the server holds: %w", err)
	}
	lost := zenml.Compare(*r.before, after)
	r.report.Lost = lost
	var missing []string
	for kind, l := range lost {
		if n := len(l.Missing); n > 0 {
			missing = append(missing, fmt.Sprintf("%d %s", n, kind))
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		return fmt.Errorf("missing after the change: %s", strings.Join(missing, ", "))
	}
	return nil
}

// check examines a new server before anybody may use it. What needs long on a large server is not
// here: these checks lie in the downtime. They run side by side, for the smoke pipeline mostly waits.
func (r *run) check(ctx context.Context, address, revision string) error {
	const entry = "version and log-in"
	if revision != revisionOf(r.To) { // nothing else is tried on half a migration
		return r.examineAll(ctx, []examination{{entry, func(context.Context) (string, error) {
			return "", fmt.Errorf("the database is at revision %q after the migration, not %s", revision, r.To)
		}}})
	}
	var private []examination
	if !r.SmokeInPublic {
		private = r.smokeRuns(address)
	}
	var c *zenml.Client
	return r.examineAll(ctx,
		[]examination{
			{entry, func(ctx context.Context) (_ string, err error) {
				c, err = r.connect(ctx, address, r.To)
				r.entered = c
				return r.To, err
			}},
			{"permission boundaries", func(ctx context.Context) (string, error) { return r.checkBoundaries(ctx, c) }},
			{"reads", func(ctx context.Context) (string, error) { return "hydrated reads answer", reads(ctx, c) }},
			{"definitions", func(ctx context.Context) (string, error) { return r.checkDefinitions(ctx, c) }},
			{"secret", func(ctx context.Context) (string, error) { return r.readSecret(ctx, c) }},
			{"dashboard", func(ctx context.Context) (string, error) { return r.checkDashboard(ctx, c) }},
			{"inventory", func(ctx context.Context) (string, error) { return nothingMissing, r.compare(ctx, c, r.source().IDs) }},
		},
		private,
		r.keysHold(),
		[]examination{{"artifacts", func(ctx context.Context) (string, error) { return r.checkArtifacts(ctx, address) }}},
	)
}

const nothingMissing = "nothing is missing"

// source is the database that is worked on: the copy's where there is one.
func (r *run) source() Source {
	if r.room != nil {
		return r.copy.DB
	}
	return r.DB
}

// checkWhole has every list of the copy's server read to its end: an object that the new version cannot
// tell shows nowhere else.
func (r *run) checkWhole(ctx context.Context, address string) error {
	c, err := r.connect(ctx, address, r.To)
	if err != nil {
		return err
	}
	return r.examineAll(ctx, []examination{{"whole inventory", func(ctx context.Context) (string, error) {
		return nothingMissing, r.compare(ctx, c, nil)
	}}})
}

func (r *run) checkArtifacts(ctx context.Context, address string) (string, error) {
	if r.report.Artifacts == nil {
		return "", notRunError{"no artifact-root was given"}
	}
	loadedNew, err := r.loadArtifacts(ctx, address, r.To)
	if err != nil {
		return "", err
	}
	a := r.report.Artifacts
	a.judge(r.loadedOld, loadedNew)
	if len(a.Broken) > 0 {
		return "", fmt.Errorf("%d artifacts that %s loads do not load alike under %s: %s", len(a.Broken), r.From, r.To, strings.Join(shorten(a.Broken), "; "))
	}
	return fmt.Sprintf("%d of %d alike", a.Same, a.Tried), nil
}

func unauthorized(err error) bool {
	var status *zenml.StatusError
	return errors.As(err, &status) && status.Code == http.StatusUnauthorized
}

// ExternalStore is Drill.Secret when the database holds no secret's value.
const ExternalStore = "external_store"

// readSecret reads one secret's value by its id: only that tells a wrong encryption key from a
// right one. The value is not kept. A copy is never led to an external store of secrets.
func (r *run) readSecret(ctx context.Context, c *zenml.Client) (string, error) {
	secrets, err := c.List(ctx, "/secrets", url.Values{})
	if err != nil {
		return "", fmt.Errorf("listing secrets: %w", err)
	}
	if len(secrets) == 0 {
		return "none_stored", nil
	}
	if r.room != nil && r.SecretsStore != "sql" {
		return ExternalStore, nil
	}
	if r.room != nil && r.report.Backup != nil && r.report.Backup.Keys.Secrets == database.SecretsKeyMissing {
		return string(database.SecretsKeyMissing), nil // told as a problem, which stops an upgrade
	}
	var value any
	if err := c.Get(ctx, "/secrets/"+url.PathEscape(zenml.Text(secrets[0]["id"])), nil, &value); err != nil {
		return "", fmt.Errorf("reading a secret's value (a 404 means that the encryption key is wrong): %w", err)
	}
	return "decrypted", nil
}

// smokeRuns is the check by the tool's own pipeline.
func (r *run) smokeRuns(address string) []examination {
	return []examination{{"smoke pipeline", func(ctx context.Context) (string, error) {
		return "ran, and its result was read back", r.smoke(ctx, address)
	}}}
}

// smokeAfter runs it where that does not lie in the downtime.
func (r *run) smokeAfter(ctx context.Context, address string) error {
	if !r.SmokeInPublic {
		return nil
	}
	return r.examineAll(ctx, r.smokeRuns(address))
}

// smoke runs the tool's own pipeline with the new version's client.
func (r *run) smoke(ctx context.Context, address string) error {
	probe := r.ready.takeSmoke()
	if probe == nil {
		target, err := r.target(ctx, address, r.To)
		if err != nil {
			return err
		}
		if probe, err = zenml.ReadySmoke(ctx, target); err != nil {
			return err
		}
	}
	defer probe.Close()
	began := r.Now()
	if err := probe.Run(ctx, address); err != nil {
		return fmt.Errorf("%w: %w", errSmoke, err)
	}
	s := r.Now().Sub(began).Seconds()
	r.report.SmokeSeconds = &s
	return nil
}
