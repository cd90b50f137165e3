package zenml

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"sync"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Inventory is what a server holds.
type Inventory struct {
	// Kinds holds the ids per kind, and nothing else of so many objects. A kind that this version does
	// not have is absent.
	Kinds map[string]IDs `json:"kinds"`
	// Unreadable names the kinds that exist but whose list this account may not read, and why.
	Unreadable map[string]string `json:"unreadable"`
}

// kind is a list of the API (facts, sections 3.1 and 4.1). Builds and snapshots are not counted:
// 0.90 renamed and rebuilt them.
type kind struct {
	name, path string
	scoped     bool   // lists are of one project from 0.80 on
	table      string // whose rows are the list, where it grows with every run; "" for all others
	own        bool   // only the team's own count, which the details tell
	// parent is the kind whose objects it is asked for one by one where a version refuses to list it (0.80.2).
	parent string
}

var kinds = []kind{
	{name: "user", path: "/users"},
	{name: "stack", path: "/stacks"},
	{name: "component", path: "/components"},
	{name: "service_connector", path: "/service_connectors"},
	{name: "secret", path: "/secrets"},
	{name: "flavor", path: "/flavors", own: true},
	{name: "service_account", path: "/service_accounts"},
	{name: "pipeline", path: "/pipelines", scoped: true},
	{name: "run", path: "/runs", scoped: true, table: "pipeline_run"},
	{name: "artifact", path: "/artifacts", scoped: true, table: "artifact"},
	{name: "artifact_version", path: "/artifact_versions", scoped: true, table: "artifact_version"},
	{name: "model", path: "/models", scoped: true},
	{name: "model_version", path: "/model_versions", scoped: true, parent: "model"},
	{name: "tag", path: "/tags", scoped: true},
	{name: "schedule", path: "/schedules", scoped: true},
	{name: "service", path: "/services", scoped: true},
	{name: "code_repository", path: "/code_repositories", scoped: true},
}

// named is what every listed item has.
type named struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
	Body struct {
		IsCustom bool `json:"is_custom"`
	} `json:"body"`
	Metadata struct {
		IsCustom bool `json:"is_custom"` // of a flavor, below 0.80; only with all details
	} `json:"metadata"`
}

// Inventory lists what the server holds: all projects, un-hydrated but for flavors, four lists at once.
// Built-in flavors are left out, for each start of a server makes them anew. Long lists are not read to
// their end where rows gives what the database holds; with nil each is.
func (c *Client) Inventory(ctx context.Context, rows Rows) (Inventory, error) {
	v, err := c.Version(ctx)
	if err != nil {
		return Inventory{}, fmt.Errorf("taking the inventory: %w", err)
	}
	inv := Inventory{Kinds: map[string]IDs{}, Unreadable: map[string]string{}}
	projects, err := c.projects(ctx, v, &inv)
	if err != nil {
		return Inventory{}, fmt.Errorf("taking the inventory: %w", err)
	}
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, k := range kinds {
		g.Go(func() error {
			found, err := c.readKind(gctx, k, projects, rows)
			mu.Lock()
			defer mu.Unlock()
			return inv.note(k.name, found, err)
		})
	}
	if err := g.Wait(); err != nil {
		return Inventory{}, fmt.Errorf("taking the inventory: %w", err)
	}
	if len(inv.Kinds["user"]) == 0 {
		// Every server has a user. A list without one is a list that this account may not see.
		delete(inv.Kinds, "user")
		inv.Unreadable["user"] = "GET /users: this account sees no users"
	}
	if why, closed := inv.Unreadable["service_account"]; closed {
		inv.Unreadable["api_key"] = why
		return inv, nil
	}
	keys, err := c.apiKeys(ctx, inv.Kinds["service_account"])
	if err := inv.note("api_key", keys, err); err != nil {
		return Inventory{}, fmt.Errorf("taking the inventory: %w", err)
	}
	return inv, nil
}

// note files what reading a kind gave. 404 and 405 mean that the version has no such list, 403
// that this account may not see it; all else stops the inventory.
func (inv *Inventory) note(kind string, found IDs, err error) error {
	var status *StatusError
	switch {
	case err == nil:
		inv.Kinds[kind] = found
	case errors.As(err, &status) && (status.Code == http.StatusNotFound || status.Code == http.StatusMethodNotAllowed):
	case errors.As(err, &status) && status.Code == http.StatusForbidden:
		inv.Unreadable[kind] = status.Error()
	default:
		return fmt.Errorf("kind %s: %w", kind, err)
	}
	return nil
}

// projects lists the projects, called workspaces before 0.80, and returns the scopes to ask for:
// one empty one where lists reach over all of them.
func (c *Client) projects(ctx context.Context, v string, inv *Inventory) ([]string, error) {
	path, scoped := "/projects", true
	if version.Compare(v, "0.80.0") < 0 {
		path, scoped = "/workspaces", false
	}
	found, err := c.readKind(ctx, kind{name: "project", path: path}, nil, nil)
	if err := inv.note("project", found, err); err != nil {
		return nil, err
	}
	if !scoped || len(found) == 0 {
		return []string{""}, nil
	}
	scopes := make([]string, 0, len(found))
	for _, id := range found {
		scopes = append(scopes, id.String())
	}
	return scopes, nil
}

func (c *Client) readKind(ctx context.Context, k kind, projects []string, rows Rows) (IDs, error) {
	scopes := []string{""}
	if k.scoped {
		scopes = projects
	}
	if rows != nil && k.table != "" {
		if ids, err := c.fromRows(ctx, k, scopes, rows); err != nil || ids != nil {
			return ids, err
		}
	}
	var out []uuid.UUID
	for _, project := range scopes {
		q := url.Values{}
		if project != "" {
			q.Set("project", project)
		}
		if k.own {
			q.Set("hydrate", "true")
		}
		found, err := c.readIDs(ctx, k, q)
		var status *StatusError
		if k.parent != "" && errors.As(err, &status) && status.Code == http.StatusBadRequest {
			found, err = c.byParent(ctx, k, q)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return NewIDs(out), nil
}

func (c *Client) readIDs(ctx context.Context, k kind, q url.Values) (found []uuid.UUID, err error) {
	err = each(ctx, c, k.path, q, func() { found = nil }, func(it named) {
		if !k.own || it.Body.IsCustom || it.Metadata.IsCustom {
			found = append(found, it.ID)
		}
	})
	return found, err
}

// byParent lists the objects of one parent after the other.
func (c *Client) byParent(ctx context.Context, k kind, q url.Values) ([]uuid.UUID, error) {
	parents, err := c.readIDs(ctx, kind{path: "/" + k.parent + "s"}, q)
	if err != nil {
		return nil, err
	}
	var out []uuid.UUID
	for _, id := range parents {
		one := maps.Clone(q)
		one.Set(k.parent, id.String())
		found, err := c.readIDs(ctx, k, one)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func (c *Client) apiKeys(ctx context.Context, accounts IDs) (IDs, error) {
	var out []uuid.UUID
	for _, account := range accounts {
		keys, err := c.readIDs(ctx, kind{path: "/service_accounts/" + account.String() + "/api_keys"}, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, keys...)
	}
	return NewIDs(out), nil
}
