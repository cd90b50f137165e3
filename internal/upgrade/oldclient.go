package upgrade

import (
	"context"
	"fmt"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// tryControl asks what the old version's client can do on the old version: what fails there is no
// matter of versions.
func (r *run) tryControl(ctx context.Context, s Server) error {
	if !r.OldClients || r.Mode == BackUp {
		return nil
	}
	calls, err := r.calls(ctx, s)
	r.control = calls
	return err
}

// tryOldClient asks what the old version's client can do on the new version, on the copy: that is
// what users meet who upgrade later than the server.
func (r *run) tryOldClient(ctx context.Context, s Server) error {
	if r.control == nil {
		return nil
	}
	calls, err := r.calls(ctx, s)
	if err != nil {
		return err
	}
	fails := map[string]bool{}
	for _, c := range r.control {
		fails[c.Name] = c.Failed
	}
	r.report.Rehearsal.Skew = []Skew{}
	for _, c := range calls {
		k := Skew{Client: r.From, Server: r.To, Call: c.Name, Status: "passed", Detail: c.Detail}
		switch {
		case c.Failed && fails[c.Name]:
			k.Status, k.Detail = "skipped", "fails on a server of its own version too: "+c.Detail
		case c.Failed:
			k.Status = "failed"
		}
		r.report.Rehearsal.Skew = append(r.report.Rehearsal.Skew, k)
	}
	return nil
}

func (r *run) calls(ctx context.Context, s Server) ([]zenml.Call, error) {
	target, err := r.target(ctx, s.PrivateURL(), r.From)
	if err != nil {
		return nil, err
	}
	calls, err := zenml.Calls(ctx, target)
	if err != nil {
		return nil, fmt.Errorf("trying the client of %s: %w", r.From, err)
	}
	return calls, nil
}
