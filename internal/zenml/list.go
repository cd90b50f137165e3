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

type page struct {
	TotalPages int               `json:"total_pages"`
	Total      int               `json:"total"`
	Items      []json.RawMessage `json:"items"`
}

// List reads all pages of a list, oldest first. A list that shifts under it is read anew, three
// times at most, then ErrShifting is returned (wrapped).
func (c *Client) List(ctx context.Context, path string, query url.Values) ([]map[string]any, error) {
	return list[map[string]any](ctx, c, path, query)
}

func list[T any](ctx context.Context, c *Client, path string, query url.Values) ([]T, error) {
	for range listTries {
		out, err := pages[T](ctx, c, path, query)
		if errors.Is(err, ErrShifting) {
			continue
		}
		return out, err
	}
	return nil, fmt.Errorf("GET %s: %w", path, ErrShifting)
}

// pages reads a list once. Oldest first, so that what is added meanwhile comes last; what is
// deleted moves the rest forward over a page's edge, which the counts give away. Of a page only what T
// takes is kept.
func pages[T any](ctx context.Context, c *Client, path string, query url.Values) ([]T, error) {
	q := url.Values{"sort_by": {"created"}, "size": {strconv.Itoa(pageSize)}}
	maps.Copy(q, query)
	var out []T
	seen := IDs{}
	for n := 1; ; n++ {
		q.Set("page", strconv.Itoa(n))
		var p page
		if err := c.Get(ctx, path, q, &p); err != nil {
			return nil, err
		}
		for _, raw := range p.Items {
			var is identified
			if err := json.Unmarshal(raw, &is); err != nil || is.ID == uuid.Nil {
				return nil, fmt.Errorf("GET %s: an item of the list has no id", path)
			}
			if _, twice := seen[is.ID]; twice {
				return nil, ErrShifting
			}
			seen[is.ID] = struct{}{}
			var item T
			if err := json.Unmarshal(raw, &item); err != nil {
				return nil, fmt.Errorf("GET %s: an item of the list is not of the expected form", path)
			}
			out = append(out, item)
		}
		if n >= p.TotalPages || len(p.Items) == 0 {
			if len(out) != p.Total {
				return nil, ErrShifting
			}
			return out, nil
		}
	}
}

// Newest reads the newest items of a list, at most so many (10,000 is the server's own bound), and
// how many there are in all. A scope is a project, empty where lists reach over all of them.
func Newest[T any](ctx context.Context, c *Client, path, scope string, query url.Values, most int) (items []T, total int, err error) {
	q := url.Values{"sort_by": {"desc:created"}, "size": {strconv.Itoa(min(most, pageSize))}}
	maps.Copy(q, query)
	if scope != "" {
		q.Set("project", scope)
	}
	for n := 1; len(items) < most; n++ {
		q.Set("page", strconv.Itoa(n))
		var p struct {
			TotalPages int `json:"total_pages"`
			Total      int `json:"total"`
			Items      []T `json:"items"`
		}
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
	type project struct{ ID, Name string }
	found, err := list[project](ctx, c, "/projects", nil)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, p := range found {
		out[p.Name] = p.ID
	}
	return out, nil
}

// ListEverywhere is List over all projects: without one a server lists the default project alone.
func (c *Client) ListEverywhere(ctx context.Context, path string, query url.Values) ([]map[string]any, error) {
	return Everywhere[map[string]any](ctx, c, path, query)
}

// Everywhere is ListEverywhere that keeps of each item only what T takes.
func Everywhere[T any](ctx context.Context, c *Client, path string, query url.Values) ([]T, error) {
	return everywhere(ctx, c, func(q url.Values) ([]T, error) {
		maps.Copy(q, query)
		return list[T](ctx, c, path, q)
	})
}

// NewestEverywhere reads at most so many of the newest items of each project, and how many there are in all.
func (c *Client) NewestEverywhere(ctx context.Context, path string, most int) (items []map[string]any, total int, err error) {
	items, err = everywhere(ctx, c, func(q url.Values) ([]map[string]any, error) {
		some, n, err := Newest[map[string]any](ctx, c, path, q.Get("project"), nil, most)
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
