package compat

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// The classes of failure that Artifact.Class names. A class is told by what the old or the new
// version raised, or by how its process ended.
const (
	classMoved          = "class_moved"          // a class or module of the value is not where it was
	materializerMissing = "materializer_missing" // the materializer cannot be imported
	materializerChanged = "materializer_changed" // the materializer raised
	missingDependency   = "missing_dependency"   // a package is not installed
	pickleProtocol      = "pickle_protocol"      // written by another Python, or no valid pickle
	hashMismatch        = "hash_mismatch"        // the stored data is not what the server recorded
	outOfBounds         = "store_out_of_bounds"  // the data lies outside of its artifact store
	valueDiffers        = "value_differs"        // both versions load it, to other values
	dataMissing         = "data_missing"         // nothing lies where the server says
	outOfMemory         = "out_of_memory"
	timedOut            = "timed_out"
	crashed             = "crashed"      // loading ended the Python process
	notReadable         = "not_readable" // the client could not read what the server says of it
	otherClass          = "other"
)

var classes = []string{
	classMoved, materializerMissing, materializerChanged, missingDependency, pickleProtocol, hashMismatch, outOfBounds,
	valueDiffers, dataMissing, outOfMemory, timedOut, crashed, notReadable, otherClass,
}

// matrixLimits bound what loading may take. Two children, their parent and two servers stay below
// 4 GB together.
type matrixLimits struct {
	Batch    int   `json:"batch"`    // artifacts in one child
	Children int   `json:"children"` // at once
	Seconds  int   `json:"seconds"`  // for one artifact
	Memory   int64 `json:"memory"`   // bytes that a child may take beyond its parent
	File     int64 `json:"file"`     // bytes of one file that it may write
	Largest  int64 `json:"largest"`  // bytes in the store; a larger artifact is skipped
}

var usualLimits = matrixLimits{Batch: 25, Children: atOnce, Seconds: 30, Memory: 1 << 30, File: 1 << 30, Largest: 256 << 20}

// loaded is what zu_matrix.py says of one artifact version.
type loaded struct {
	ID        string    `json:"id"`
	Status    string    `json:"status"`    // loaded, failed or skipped
	Digest    string    `json:"digest"`    // as zenml.Loaded.Digest
	Behaviour []float64 `json:"behaviour"` // a model's answers to fixed questions
	Class     *string   `json:"class"`
	Detail    *string   `json:"detail"`
	Python    *string   `json:"python"`
}

// loadOld chooses artifact versions of the old server and loads them with the old client.
func (t *test) loadOld(ctx context.Context) error {
	all, err := t.old.api.ArtifactVersions(ctx)
	if err != nil {
		return err
	}
	t.res.held = len(all)
	t.chosen, t.res.unseen = t.Artifacts.choose(all)
	if t.stored, err = readTree(t.old.stores, nil); err != nil {
		return err
	}
	t.oldLoads, err = t.old.loadArtifacts(ctx, ids(t.chosen), nil, t.limits)
	after, errAfter := readTree(t.old.stores, nil)
	t.res.written = after.changed(t.stored, true) // nothing else runs meanwhile
	return errors.Join(err, errAfter)
}

// loadNew loads with the new client what the old world wrote.
func (t *test) loadNew(ctx context.Context) {
	if len(t.chosen) == 0 {
		return
	}
	now, err := t.new.loadArtifacts(ctx, ids(t.chosen), t.oldLoads, t.limits)
	silence := "the new version gave no answer"
	if err != nil {
		silence = clean(err.Error())
	}
	t.res.Artifacts = compareArtifacts(t.From, t.chosen, t.oldLoads, now, silence)
	if after, err := readTree(t.new.stores, nil); err == nil {
		// Pipelines of the new world add to the stores meanwhile; what was there they leave alone.
		t.res.written = slices.Compact(slices.Sorted(slices.Values(append(t.res.written, after.changed(t.stored, false)...))))
	}
}

func ids(versions []zenml.ArtifactVersion) []string {
	out := make([]string, 0, len(versions))
	for _, v := range versions {
		out = append(out, v.ID)
	}
	return out
}

// loadArtifacts loads artifact versions in this world; expect holds what another version found.
// Every id is in the answer but those that a probe which ended too early never reached; the error
// says why.
func (w *world) loadArtifacts(ctx context.Context, ids []string, expect map[string]loaded, l *matrixLimits) (map[string]loaded, error) {
	out := map[string]loaded{}
	digests := map[string]string{}
	for id, e := range expect {
		digests[id] = e.Digest
	}
	for left := ids; len(left) > 0; {
		before := len(out)
		err := w.loadOnce(ctx, map[string]any{"ids": left, "expect": digests, "limits": l}, len(left), out)
		left = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { _, done := out[id]; return done })
		switch {
		case ctx.Err() != nil:
			return out, context.Cause(ctx)
		case len(left) > 0 && len(out) == before:
			return out, cmp.Or(err, errors.New("the probe ended without a word"))
		}
	}
	return out, nil
}

func (w *world) loadOnce(ctx context.Context, task map[string]any, count int, out map[string]loaded) error {
	b, err := json.Marshal(task)
	if err != nil {
		return fmt.Errorf("writing the list of artifacts: %w", err)
	}
	path := filepath.Join(w.dir, fmt.Sprintf("artifacts-%d.json", w.outputs.Add(1)))
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return fmt.Errorf("writing the list of artifacts: %w", err)
	}
	timeout := 5*time.Minute + time.Duration(count)*time.Second
	return w.ask(ctx, timeout, func(line []byte) {
		var row loaded
		if json.Unmarshal(line, &row) == nil && row.ID != "" {
			out[row.ID] = row
		}
	}, "zu_matrix.py", path)
}

// compareArtifacts joins what the two versions found. An artifact of which the new version said
// nothing was not loaded: silence says why.
func compareArtifacts(from string, chosen []zenml.ArtifactVersion, old, now map[string]loaded, silence string) []Artifact {
	out := make([]Artifact, 0, len(chosen))
	for _, v := range chosen {
		o, asked := old[v.ID]
		if !asked {
			o = loaded{Status: string(Skipped), Detail: &silence}
		}
		a := Artifact{
			ID: v.ID, Name: optional(v.Name), Version: optional(v.Version), Type: optional(v.Type), Materializer: optional(v.Materializer),
			WrittenBy: WrittenBy{ZenML: from, Python: o.Python}, LoadOld: status(o), Server: "test",
		}
		n, answered := now[v.ID]
		if !answered {
			n = loaded{Status: string(Skipped), Detail: &silence}
		}
		a.LoadNew = status(n)
		switch {
		case a.LoadNew != Passed:
			a.Class, a.Cause = n.Class, cleaned(cmp.Or(n.Detail, o.Detail))
		case a.LoadOld != Passed:
			a.Class, a.Cause = o.Class, cleaned(o.Detail)
		default:
			a.compare(o, n)
		}
		if a.Class != nil && !slices.Contains(classes, *a.Class) {
			a.Class = new(string)
			*a.Class = otherClass
		}
		out = append(out, a)
	}
	return out
}

// compare tells whether two loaded values are the same: by digest; where that cannot tell, by how
// a model behaves.
func (a *Artifact) compare(o, n loaded) {
	a.SameValue = zenml.SameValue(o.Digest, n.Digest)
	if a.SameValue == nil && o.Digest != "" && n.Digest != "" && len(o.Behaviour) > 0 && len(o.Behaviour) == len(n.Behaviour) {
		same := alike(o.Behaviour, n.Behaviour)
		a.SameValue = &same
	}
	if a.SameValue == nil {
		form := "the value's form differs, which may come from another version of its library"
		a.Cause = cleaned(cmp.Or(n.Detail, o.Detail, &form))
		return
	}
	if !*a.SameValue {
		class, cause := valueDiffers, "the new version reads another value than the old one"
		a.Class, a.Cause = &class, &cause
	}
}

// alike compares two models' answers. Libraries sum in other orders from release to release, so the
// last digits do not count.
func alike(a, b []float64) bool {
	for i := range a {
		if math.Abs(a[i]-b[i]) > 1e-6*max(1, math.Abs(a[i]), math.Abs(b[i])) {
			return false
		}
	}
	return true
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func status(l loaded) Status {
	switch l.Status {
	case "loaded":
		return Passed
	case string(Skipped):
		return Skipped
	}
	return Failed
}

// asCheck restates an artifact as a check. A value that changed is a failure on the new version.
func (a *Artifact) asCheck() Check {
	c := Check{
		Name: "artifact:" + a.label(), Kind: KindArtifact, Required: true,
		Baseline: Attempt{Status: a.LoadOld}, Candidate: Attempt{Status: a.LoadNew},
	}
	if a.LoadOld != Passed {
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
