package upgrade

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// sampleSize bounds how many artifact versions are loaded: each is loaded three times, once of it
// during the downtime.
const sampleSize = 25

// ArtifactCheck counts artifact versions loaded by the old and by the new version.
type ArtifactCheck struct {
	Tried    int      `json:"tried"`
	Same     int      `json:"same"`      // loaded by both, with the same value
	Unknown  []string `json:"unknown"`   // id and reason: not comparable, or not loadable by the old version either
	Broken   []string `json:"broken"`    // id and reason: the old version loads it, the new one does not, or not alike
	NotTried int      `json:"not_tried"` // beyond the sample
}

// sampleArtifacts chooses the newest artifact versions of all projects.
func (r *run) sampleArtifacts(ctx context.Context, c *zenml.Client) error {
	if r.ArtifactRoot == "" {
		return nil
	}
	list, total, err := c.NewestEverywhere(ctx, "/artifact_versions", nil, sampleSize)
	if err != nil {
		return fmt.Errorf("listing artifact versions: %w", err)
	}
	slices.SortFunc(list, func(a, b object) int {
		return strings.Compare(zenml.Text(zenml.Field(b, "created")), zenml.Text(zenml.Field(a, "created")))
	})
	for _, o := range list[:min(sampleSize, len(list))] {
		r.artifactIDs = append(r.artifactIDs, zenml.Text(o["id"]))
	}
	r.report.Artifacts = &ArtifactCheck{NotTried: total - len(r.artifactIDs), Unknown: []string{}, Broken: []string{}}
	return nil
}

func (r *run) loadArtifacts(ctx context.Context, address, v string) (map[string]zenml.Loaded, error) {
	if len(r.artifactIDs) == 0 {
		return map[string]zenml.Loaded{}, nil
	}
	got, err := r.load(ctx, address, v)
	if err != nil {
		return nil, fmt.Errorf("loading artifacts with %s: %w", v, err)
	}
	return got, nil
}

func (r *run) load(ctx context.Context, address, v string) (map[string]zenml.Loaded, error) {
	probe := r.ready.takeLoad(v)
	if probe == nil {
		target, err := r.target(ctx, address, v)
		if err != nil {
			return nil, err
		}
		if probe, err = zenml.ReadyLoad(ctx, target); err != nil {
			return nil, err
		}
	}
	defer probe.Close()
	return probe.Run(ctx, address, r.artifactIDs)
}

// target is where and how a probe of version v runs.
func (r *run) target(ctx context.Context, address, v string) (zenml.Target, error) {
	python, err := r.Python(ctx, v)
	if err != nil {
		return zenml.Target{}, fmt.Errorf("making an environment with the client of %s: %w", v, err)
	}
	return zenml.Target{
		Python: python, URL: address, APIKey: r.APIKey, Dir: r.CodeRoot, StoresPath: r.ArtifactRoot,
		Environ: r.Environ, Timeout: 5 * time.Minute, Room: r.room,
	}, nil
}

const loaded = "loaded" // as zenml.Loaded.Status says

// steady takes the digest from what loads differently each time (a materializer that adds the time
// of loading): a difference under the new version would prove nothing.
func steady(first, second map[string]zenml.Loaded) {
	for id, l := range first {
		if l.Status == loaded && (second[id].Status != loaded || second[id].Digest != l.Digest) {
			l.Digest = ""
			first[id] = l
		}
	}
}

// judge compares what the two versions loaded. What the old version could not load here either
// says nothing about the upgrade: it is unknown, never fine.
func (a *ArtifactCheck) judge(before, after map[string]zenml.Loaded) {
	a.Tried, a.Same, a.Unknown, a.Broken = len(before), 0, []string{}, []string{}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		b, c := before[id], after[id]
		same := zenml.Same(b, c)
		switch {
		case b.Status != loaded:
			a.Unknown = append(a.Unknown, fmt.Sprintf("%s: not loadable before the upgrade: %s", id, b.Cause))
		case c.Status != loaded:
			a.Broken = append(a.Broken, fmt.Sprintf("%s: %s", id, c.Cause))
		case same == nil:
			a.Unknown = append(a.Unknown, fmt.Sprintf("%s: loads, but a %s cannot be compared", id, b.Type))
		case !*same:
			a.Broken = append(a.Broken, fmt.Sprintf("%s: the value of this %s differs", id, b.Type))
		default:
			a.Same++
		}
	}
}
