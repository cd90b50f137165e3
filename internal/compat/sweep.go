package compat

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

const (
	// markPrefix begins the name of all that the tool makes on a team's server.
	markPrefix = "zenml_upgrade_compat_"
	markTime   = "20060102t1504"
	// leftAfter is when what carries a mark is no longer of a run under way: twice what one may take.
	leftAfter = 30 * time.Minute
)

// newMark names what one run of the own pipeline makes. It holds the time, by which a later run knows
// what a killed one left.
func newMark(now time.Time) string {
	return markPrefix + now.UTC().Format(markTime) + "_" + strings.ToLower(rand.Text()[:12])
}

// leftBefore accepts the names of what a run left that began so long ago that it must have ended.
func leftBefore(now time.Time) func(name string) bool {
	return func(name string) bool {
		rest, ok := strings.CutPrefix(name, markPrefix)
		if !ok || len(rest) < len(markTime) {
			return false
		}
		made, err := time.Parse(markTime, rest[:len(markTime)])
		return err == nil && now.UTC().Sub(made) > leftAfter
	}
}

// things are the lists that hold named things of the own pipeline, in the order in which they can be
// deleted. What has no name of its own goes with its pipeline, artifact or run.
var things = []struct {
	path   string
	scoped bool // lists are of one project from 0.80 on
}{
	{"/runs", true}, {"/pipelines", true}, {"/artifacts", true}, {"/stacks", false}, {"/components", false},
}

// sweep deletes on a server what ours accepts by name, and says what is still there.
func sweep(ctx context.Context, c *zenml.Client, release string, ours func(name string) bool) (left []string, err error) {
	scopes, err := c.Scopes(ctx, release)
	if err != nil {
		return nil, fmt.Errorf("looking for what an earlier test left: %w", err)
	}
	for _, kind := range things {
		projects := []string{""}
		if kind.scoped && len(scopes) > 0 {
			projects = nil
			for _, id := range scopes {
				projects = append(projects, id)
			}
		}
		for _, project := range projects {
			still, err := sweepList(ctx, c, kind.path, project, ours)
			if err != nil {
				return nil, err
			}
			left = append(left, still...)
		}
	}
	slices.Sort(left)
	return left, nil
}

func sweepList(ctx context.Context, c *zenml.Client, path, project string, ours func(name string) bool) (left []string, err error) {
	found, err := named(ctx, c, path, project, ours)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	for id := range found {
		for _, part := range parts[path] {
			forget(ctx, c, part, id)
		}
		_ = c.Delete(ctx, path+"/"+id) // the second look tells
	}
	found, err = named(ctx, c, path, project, ours)
	for _, name := range found {
		left = append(left, strings.TrimPrefix(path, "/")+" "+name)
	}
	return left, err
}

// named lists what ours accepts, names by id. A server that does not know the filter answers with
// everything, so each name is looked at.
func named(ctx context.Context, c *zenml.Client, path, project string, ours func(name string) bool) (map[string]string, error) {
	query := url.Values{"name": {"startswith:" + markPrefix}}
	if project != "" {
		query.Set("project", project)
	}
	items, err := c.List(ctx, path, query)
	if err != nil {
		return nil, fmt.Errorf("looking for what a test left: %w", err)
	}
	out := map[string]string{}
	for _, item := range items {
		id, _ := item["id"].(string)
		name, _ := item["name"].(string)
		if id != "" && ours(name) {
			out[id] = name
		}
	}
	return out, nil
}

// part is a list of nameless things that belong to one of ours.
type part struct {
	path   string
	filter string // of the list
	owner  string // key of what it belongs to
}

// parts are what a server does not delete itself with a thing, on every version.
var parts = map[string][]part{
	"/artifacts": {{"/artifact_versions", "artifact_id", "artifact"}},
	// One is the other's name before 0.90.
	"/pipelines": {{"/pipeline_deployments", "pipeline_id", "pipeline"}, {"/pipeline_snapshots", "pipeline", "pipeline"}},
}

// forget deletes the parts of a thing of ours. What fails leaves the thing too, or is a part that this
// version does not have.
func forget(ctx context.Context, c *zenml.Client, p part, owner string) {
	items, err := c.List(ctx, p.path, url.Values{p.filter: {owner}, "hydrate": {"true"}})
	if err != nil {
		return
	}
	for _, item := range items {
		if id, _ := item["id"].(string); id != "" && belongsTo(item, p.owner, owner) {
			_ = c.Delete(ctx, p.path+"/"+id)
		}
	}
}

// belongsTo says whether an item names its owner: a server that does not know the filter lists all.
func belongsTo(item map[string]any, key, owner string) bool {
	for _, group := range []string{"body", "metadata", "resources"} {
		fields, _ := item[group].(map[string]any)
		of, _ := fields[key].(map[string]any)
		if id, _ := of["id"].(string); id == owner {
			return true
		}
	}
	return false
}
