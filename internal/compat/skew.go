package compat

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// skew asks what this world's client can do on another world's server.
func (w *world) skew(ctx context.Context, on *world) ([]Skew, error) {
	// The same client, with a configuration of its own, pointed at the other server.
	visitor := &world{
		name: w.name, version: w.version, dir: w.dir + "-visits", repo: w.repo, suite: w.suite, stores: w.stores,
		password: on.password, environ: w.environ, secrets: w.secrets, client: w.client, server: on.server,
	}
	if err := visitor.folders(); err != nil {
		return nil, err
	}
	var out []Skew
	err := visitor.ask(ctx, 2*time.Minute, func(line []byte) {
		var row Skew
		if json.Unmarshal(line, &row) == nil && row.Call != "" && (row.Status == Passed || row.Status == Failed) {
			row.Client, row.Server, row.Detail = w.version, on.version, cleaned(row.Detail)
			out = append(out, row)
		}
	}, "zu_probe.py")
	if len(out) == 0 && err == nil {
		err = fmt.Errorf("the probe answered nothing")
	}
	if err != nil && len(out) == 0 {
		return nil, err
	}
	return out, nil
}
