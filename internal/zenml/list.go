package zenml

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

const (
	pageSize = 500
	// listTries is how often a list is begun anew because something was deleted meanwhile.
	listTries = 3
)

// ErrShifting says that a list changed under the reading each time it was tried.
var ErrShifting = errors.New("the list changed while it was read")

type page[T any] struct {
	TotalPages int `json:"total_pages"`
	Total      int `json:"total"`
	Items      []T `json:"items"`
}

// List reads all pages of a list, oldest first, and holds them whole: for lists that stay short. A list
// that shifts under it is read anew, three times at most, then ErrShifting is returned (wrapped).
func (c *Client) List(ctx context.Context, path string, query url.Values) ([]map[string]any, error) {
	return list[map[string]any](ctx, c, path, query)
}

func list[T any](ctx context.Context, c *Client, path string, query url.Values) (all []T, err error) {
	err = each(ctx, c, path, query, func() { all = []T{} }, func(item T) { all = append(all, item) })
	return all, err
}

// each gives a list's items to take, page by page: no more than one page is held. A list that shifts
// under it is begun anew: then begin is called once more, and what was taken does not count.
func each[T any](ctx context.Context, c *Client, path string, query url.Values, begin func(), take func(T)) error {
	for range listTries {
		begin()
		err := pages(ctx, c, path, query, take)
		if !errors.Is(err, ErrShifting) {
			return err
		}
	}
	return fmt.Errorf("GET %s: %w", path, ErrShifting)
}

// pages reads a list once. Oldest first, so that what is added meanwhile comes last; what is
// deleted moves the rest forward over a page's edge, which the counts give away.
func pages[T any](ctx context.Context, c *Client, path string, query url.Values, take func(T)) error {
	q := url.Values{"sort_by": {"created"}, "size": {strconv.Itoa(pageSize)}}
	maps.Copy(q, query)
	var seen []uuid.UUID
	for n := 1; ; n++ {
		q.Set("page", strconv.Itoa(n))
		var p page[json.RawMessage]
		if err := c.Get(ctx, path, q, &p); err != nil {
			return err
		}
		for _, raw := range p.Items {
			var about struct {
				ID uuid.UUID `json:"id"`
			}
			if err := json.Unmarshal(raw, &about); err != nil || about.ID == uuid.Nil {
				return fmt.Errorf("GET %s: an item of the list has no id", path)
			}
			seen = append(seen, about.ID)
			var item T
			if err := json.Unmarshal(raw, &item); err != nil {
				return fmt.Errorf("GET %s: an item of the list is not of the expected form", path)
			}
			take(item)
		}
		if n >= p.TotalPages || len(p.Items) == 0 {
			if len(NewIDs(seen)) != p.Total { // an item that moved over a page's edge is there twice, or missing
				return ErrShifting
			}
			return nil
		}
	}
}

// First reads the first items of a list, the newest unless the query sorts them otherwise, at most so
// many (10,000 is the server's own bound), and how many there are in all. A scope is a project, empty
// where lists reach over all of them.
func First[T any](ctx context.Context, c *Client, path, scope string, query url.Values, most int) (items []T, total int, err error) {
	q := url.Values{"sort_by": {"desc:created"}, "size": {strconv.Itoa(min(most, pageSize))}}
	maps.Copy(q, query)
	if scope != "" {
		q.Set("project", scope)
	}
	for n := 1; len(items) < most; n++ {
		q.Set("page", strconv.Itoa(n))
		var p page[T]
		if err := c.Get(ctx, path, q, &p); err != nil {
			return nil, 0, err
		}
		items, total = append(items, p.Items...), p.Total
		if n >= p.TotalPages || len(p.Items) == 0 {
			break
		}
	}
	return items[:min(most, len(items))], total, nil
}

// Scopes returns the projects that lists have to be asked for one by one, ids by name: nil below
// 0.80, where a list reaches over all workspaces.
func (c *Client) Scopes(ctx context.Context, serverVersion string) (map[string]string, error) {
	if version.Compare(serverVersion, "0.80.0") < 0 {
		return nil, nil
	}
	found, err := list[named](ctx, c, "/projects", nil)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, p := range found {
		out[p.Name] = p.ID.String()
	}
	return out, nil
}

// ListEverywhere is List over all projects: without one a server lists the default project alone.
func (c *Client) ListEverywhere(ctx context.Context, path string, query url.Values) ([]map[string]any, error) {
	return everywhere(ctx, c, func(q url.Values) ([]map[string]any, error) {
		maps.Copy(q, query)
		return c.List(ctx, path, q)
	})
}

// NewestEverywhere reads at most so many of the newest items of each project, and how many there are in all.
func (c *Client) NewestEverywhere(ctx context.Context, path string, query url.Values, most int) (items []map[string]any, total int, err error) {
	items, err = everywhere(ctx, c, func(q url.Values) ([]map[string]any, error) {
		some, n, err := First[map[string]any](ctx, c, path, q.Get("project"), query, most)
		total += n
		return some, err
	})
	return items, total, err
}

// everywhere joins what one list gives for each project.
func everywhere[T any](ctx context.Context, c *Client, one func(scope url.Values) ([]T, error)) ([]T, error) {
	v, err := c.Version(ctx)
	if err != nil {
		return nil, err
	}
	scopes, err := c.Scopes(ctx, v)
	if err != nil {
		return nil, err
	}
	if len(scopes) == 0 {
		return one(url.Values{})
	}
	var out []T
	for _, name := range slices.Sorted(maps.Keys(scopes)) {
		items, err := one(url.Values{"project": {scopes[name]}})
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}
