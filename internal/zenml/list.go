package zenml

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
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
		raw, err := c.pages(ctx, path, query)
		if errors.Is(err, ErrShifting) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out := make([]T, len(raw))
		for i, r := range raw {
			if err := json.Unmarshal(r, &out[i]); err != nil {
				return nil, fmt.Errorf("GET %s: an item of the list is not of the expected form", path)
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("GET %s: %w", path, ErrShifting)
}

// pages reads a list once. Oldest first, so that what is added meanwhile comes last; what is
// deleted moves the rest forward over a page's edge, which the counts give away.
func (c *Client) pages(ctx context.Context, path string, query url.Values) ([]json.RawMessage, error) {
	q := url.Values{"sort_by": {"created"}, "size": {strconv.Itoa(pageSize)}}
	maps.Copy(q, query)
	var out []json.RawMessage
	seen := map[string]bool{}
	for n := 1; ; n++ {
		q.Set("page", strconv.Itoa(n))
		var p page
		if err := c.Get(ctx, path, q, &p); err != nil {
			return nil, err
		}
		for _, raw := range p.Items {
			var item struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(raw, &item); err != nil || item.ID == "" {
				return nil, fmt.Errorf("GET %s: an item of the list has no id", path)
			}
			if seen[item.ID] {
				return nil, ErrShifting
			}
			seen[item.ID] = true
		}
		out = append(out, p.Items...)
		if n >= p.TotalPages || len(p.Items) == 0 {
			if len(out) != p.Total {
				return nil, ErrShifting
			}
			return out, nil
		}
	}
}
