package compat

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

const probeTimeout = 10 * time.Minute

// loaded is what a probe says of one artifact version.
type loaded struct {
	ID           string  `json:"id"`
	Name         *string `json:"name"`
	Version      *string `json:"version"`
	Type         *string `json:"type"`
	Materializer *string `json:"materializer"`
	Loaded       bool    `json:"loaded"`
	Digest       string  `json:"digest"` // as zenml.Loaded.Digest
	Detail       *string `json:"detail"`
	Python       *string `json:"python"`
}

// loadArtifacts loads artifact versions, all when no ids are given. The second result is how many
// there are beyond the probe's limit.
func (w *world) loadArtifacts(ctx context.Context, ids []string) ([]loaded, int, error) {
	var out []loaded
	leftOut := 0
	err := w.ask(ctx, probeTimeout, func(line []byte) {
		var row struct {
			loaded
			LeftOut int `json:"left_out"`
		}
		if json.Unmarshal(line, &row) != nil {
			return
		}
		leftOut += row.LeftOut
		if row.ID != "" {
			out = append(out, row.loaded)
		}
	}, "zu_probe.py", append([]string{"artifacts"}, ids...)...)
	return out, leftOut, err
}

// compareArtifacts joins what the two probes say. An artifact of which the new probe said nothing
// was not loaded: reason says why.
func compareArtifacts(from string, old, now []loaded, silence string) []Artifact {
	by := map[string]loaded{}
	for _, n := range now {
		by[n.ID] = n
	}
	out := make([]Artifact, 0, len(old))
	for _, o := range old {
		a := Artifact{
			ID: o.ID, Name: o.Name, Version: o.Version, Type: o.Type, Materializer: o.Materializer,
			WrittenBy: WrittenBy{ZenML: from, Python: o.Python}, LoadOld: ended(o.Loaded),
		}
		n, answered := by[o.ID]
		switch {
		case !answered:
			a.LoadNew, a.Cause = Skipped, &silence
		case !n.Loaded:
			a.LoadNew, a.Cause = Failed, cleaned(n.Detail)
		case !o.Loaded:
			a.LoadNew, a.Cause = Passed, cleaned(o.Detail)
		case o.Digest == "" || n.Digest == "":
			a.LoadNew, a.Cause = Passed, cleaned(cmp.Or(n.Detail, o.Detail))
		default:
			a.LoadNew, a.SameValue = Passed, zenml.SameValue(o.Digest, n.Digest)
			a.Cause = difference(a.SameValue)
		}
		out = append(out, a)
	}
	return out
}

// difference words how the two values compare, nil when they are the same.
func difference(same *bool) *string {
	cause := "the new version reads another value than the old one"
	switch {
	case same == nil:
		cause = "the value's form differs, which may come from another version of its library"
	case *same:
		return nil
	}
	return &cause
}

func ended(ok bool) Status {
	if ok {
		return Passed
	}
	return Failed
}

// asCheck restates an artifact as a check. A value that changed is a failure on the new version.
func (a *Artifact) asCheck() Check {
	c := Check{
		Name: "artifact:" + a.label(), Kind: KindArtifact, Required: true,
		Baseline: Attempt{Status: a.LoadOld}, Candidate: Attempt{Status: a.LoadNew},
	}
	if a.LoadOld == Failed {
		c.Baseline.Detail = a.Cause
	}
	if a.LoadNew != Passed {
		c.Candidate.Detail = a.Cause
	}
	if a.SameValue != nil && !*a.SameValue {
		c.Candidate.Status, c.Candidate.Detail = Failed, a.Cause
	}
	return c
}

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
	}, "zu_probe.py", "calls")
	if len(out) == 0 && err == nil {
		err = fmt.Errorf("the probe answered nothing")
	}
	if err != nil && len(out) == 0 {
		return nil, err
	}
	return out, nil
}
