// Package serveruse finds out what a running ZenML server really holds and uses, so that a change
// can be told to hit it or not. It only reads, with bounds; what the key may not list is unknown,
// never empty.
package serveruse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// Use is what a server holds. It has no field for a configuration, a secret or an address.
type Use struct {
	Version        string          `json:"version"`
	DeploymentType string          `json:"deployment_type"`
	Pro            bool            `json:"pro"` // deployment_type is "cloud"
	DatabaseType   string          `json:"database_type"`
	Kinds          map[string]Kind `json:"kinds"`     // by the constants below, all of them
	Pipelines      []Pipeline      `json:"pipelines"` // of the newest runs, by name
	Clients        []Client        `json:"clients"`   // of the newest runs, most runs first

	vocabulary map[string]bool // flavors and integrations that this version of the server knows
}

// The kinds that are read.
const (
	Projects         = "project"
	Stacks           = "stack"
	Components       = "component"
	Flavors          = "flavor" // that components use, and custom ones
	Integrations     = "integration"
	Connectors       = "service_connector"
	RunTemplates     = "run_template"
	Snapshots        = "snapshot" // named ones: every run leaves one without a name
	Schedules        = "schedule"
	Materializers    = "materializer" // of artifact versions
	PickledArtifacts = "pickled_artifact"
	Runs             = "run"
)

// Status says how far a kind is known.
type Status string

// The states of knowledge. NotInVersion means that servers of this version have no such thing.
const (
	Read         Status = "read"
	Partial      Status = "partial" // the newest ones; Total counts all
	Unknown      Status = "unknown"
	NotInVersion Status = "not_in_version"
)

// Kind is one kind of content.
type Kind struct {
	Status Status  `json:"status"`
	Total  int     `json:"total"`
	Items  []Item  `json:"items"` // by name
	Why    *string `json:"why"`   // of Unknown and NotInVersion
}

// Item is one thing, or one name with how many bear it. Names come from outside.
type Item struct {
	Name   string `json:"name"`
	Of     string `json:"of"`     // what it is one of: a type, an integration, a state
	Count  int    `json:"count"`  // 1 for a single thing
	Flavor string `json:"flavor"` // of a component

	Integration string `json:"integration"` // behind a flavor; empty for a built-in or custom one
}

// Pipeline is when a pipeline ran last.
type Pipeline struct {
	Name    string  `json:"name"`
	Project string  `json:"project"`
	LastRun *string `json:"last_run"` // as the server has it, UTC
	Status  *string `json:"status"`
}

// Client is what started runs.
type Client struct {
	ZenML  *string `json:"zenml"` // null when the run does not say
	Python *string `json:"python"`
	Runs   int     `json:"runs"`
}

// Bounds of what is read, per project.
const (
	mostItems    = 1000
	mostRuns     = 100
	mostProjects = 100
)

// reading is one look at a server.
type reading struct {
	client *zenml.Client
	use    *Use
	scopes map[string]string // projects by name; one without a name where lists reach over all
	cut    bool              // there are more projects than are read
}

// Look logs in with an API key and reads the server. Every kind ends read or unknown; an error means
// that nothing could be said: a *fault.Error, of kind Input when the key is refused.
func Look(ctx context.Context, url, key string) (*Use, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	c := zenml.New(url)
	info, err := c.Info(ctx)
	if err != nil {
		return nil, fault.Unreachable("the server in server-url did not answer", err, "check server-url and that the server runs")
	}
	var status *zenml.StatusError
	if err := c.LoginKey(ctx, key); errors.As(err, &status) && status.Code == http.StatusUnauthorized {
		return nil, fault.BadInput("the server refused the key in server-token", "give an API key of a service account of this very server")
	} else if err != nil {
		return nil, fault.Unreachable("the server did not answer the log-in", err, "look at the server's log")
	}
	r := &reading{client: c, use: &Use{
		Version: info.Version, DeploymentType: info.DeploymentType, Pro: info.DeploymentType == "cloud", DatabaseType: info.DatabaseType,
		Kinds: map[string]Kind{}, Pipelines: []Pipeline{}, Clients: []Client{}, vocabulary: map[string]bool{},
	}}
	r.projects(ctx)
	r.all(ctx)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reading the server: %w", err)
	}
	return r.use, nil
}

// projects finds the scopes. Without them nothing that belongs to a project can be read.
func (r *reading) projects(ctx context.Context) {
	scopes, err := r.client.Scopes(ctx, r.use.Version)
	k := Kind{Status: Read, Items: []Item{}, Total: len(scopes)}
	switch {
	case err != nil:
		k = unknown(err)
	case scopes == nil:
		scopes = map[string]string{"": ""}
		k = Kind{Status: NotInVersion, Items: []Item{}, Why: why(fmt.Sprintf("ZenML %s has workspaces, whose lists are read together", r.use.Version))}
	}
	for i, name := range slices.Sorted(maps.Keys(scopes)) {
		if i >= mostProjects {
			r.cut, k.Status = true, Partial
			delete(scopes, name)
		} else if name != "" {
			k.Items = append(k.Items, Item{Name: name, Count: 1})
		}
	}
	r.scopes, r.use.Kinds[Projects] = scopes, k
}

// all reads the kinds, three at once.
func (r *reading) all(ctx context.Context) {
	type job struct {
		kinds []string
		since string // the version that brought it
		read  func(context.Context) ([]Kind, error)
	}
	jobs := []job{
		{[]string{Stacks}, "", r.stacks},
		{[]string{Components, Flavors, Integrations}, "", r.components},
		{[]string{Connectors}, "", r.connectors},
		{[]string{RunTemplates}, "0.63.0", r.templates},
		{[]string{Snapshots}, "0.90.0", r.snapshots},
		{[]string{Schedules}, "", r.schedules},
		{[]string{Materializers, PickledArtifacts}, "", r.artifacts},
		{[]string{Runs}, "", r.runs},
	}
	results := make([][]Kind, len(jobs))
	var group errgroup.Group
	group.SetLimit(3)
	for i, j := range jobs {
		group.Go(func() error {
			if j.since != "" && version.Compare(r.use.Version, j.since) < 0 {
				results[i] = []Kind{{Status: NotInVersion, Items: []Item{}, Why: why(fmt.Sprintf("ZenML has it from %s on; the server is %s", j.since, r.use.Version))}}
				return nil
			}
			found, err := j.read(ctx)
			for range j.kinds {
				if err != nil {
					results[i] = append(results[i], unknown(err))
				}
			}
			results[i] = append(results[i], found...)
			return nil
		})
	}
	_ = group.Wait() // a failure is in its kind
	for i, j := range jobs {
		for n, kind := range j.kinds {
			r.use.Kinds[kind] = results[i][n]
		}
	}
}

func unknown(err error) Kind {
	return Kind{Status: Unknown, Items: []Item{}, Why: why(err.Error())}
}

func why(text string) *string { return &text }
