package upgrade

import (
	"context"
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// ready are clients of the new version that have imported ZenML and wait for a server, so that this does
// not lie in the downtime. Each is used once.
type ready struct {
	version string
	smoke   *zenml.SmokeProbe
	load    *zenml.LoadProbe
}

// readyClients starts the clients that the checks of the new version need, and waits for them.
func (r *run) readyClients(ctx context.Context) error {
	target, err := r.target(ctx, r.PublicURL, r.To)
	if err != nil {
		return err
	}
	r.ready = &ready{version: r.To}
	if r.ready.smoke, err = zenml.ReadySmoke(ctx, target); err != nil {
		return err
	}
	if len(r.artifactIDs) > 0 {
		if r.ready.load, err = zenml.ReadyLoad(ctx, target); err != nil {
			return err
		}
		if err := r.ready.load.Await(ctx); err != nil {
			return fmt.Errorf("the client that loads artifacts: %w", err)
		}
	}
	if err := r.ready.smoke.Await(ctx); err != nil {
		return fmt.Errorf("the client that runs the smoke pipeline: %w", err)
	}
	return nil
}

// takeSmoke hands the waiting smoke pipeline over, nil when there is none.
func (w *ready) takeSmoke() (p *zenml.SmokeProbe) {
	if w != nil {
		p, w.smoke = w.smoke, nil
	}
	return p
}

// takeLoad hands the waiting loader of that version over, nil when there is none.
func (w *ready) takeLoad(v string) (p *zenml.LoadProbe) {
	if w != nil && w.version == v {
		p, w.load = w.load, nil
	}
	return p
}

// dismissClients ends those that were not used.
func (r *run) dismissClients() {
	if p := r.ready.takeSmoke(); p != nil {
		p.Close()
	}
	if p := r.ready.takeLoad(r.To); p != nil {
		p.Close()
	}
}
