package zenml

import (
	"context"
	"fmt"
	"net/url"

	"github.com/google/uuid"
)

// Rows gives the ids of all rows of a table of the server's database.
type Rows func(ctx context.Context, table string) ([]uuid.UUID, error)

const (
	// listedWhole is how many objects of a kind are read one by one, at a millisecond each. Of more, and
	// only where that is asked for, the database tells the ids and the server how many it has.
	listedWhole = pageSize
	// endSize is how many of the oldest and of the newest ones the server has to tell then.
	endSize = 50
	// rowsTries is how often server and database are asked until nothing changed between.
	rowsTries = 5
)

// fromRows takes a long list's ids from the database. They count when the server tells as many, and
// tells the oldest and the newest of each project among them; else none are given, as for a short
// list, and the list is to be read whole. What is made or deleted meanwhile has it look again.
func (c *Client) fromRows(ctx context.Context, k kind, scopes []string, rows Rows) (IDs, error) {
	for range rowsTries {
		told, ends := 0, []uuid.UUID{}
		for _, scope := range scopes {
			total, some, err := c.ends(ctx, k, scope)
			if err != nil {
				return nil, err
			}
			told, ends = told+total, append(ends, some...)
		}
		if told <= listedWhole {
			return nil, nil
		}
		list, err := rows(ctx, k.table)
		if err != nil {
			return nil, fmt.Errorf("reading the rows of table %q: %w", k.table, err)
		}
		if ids := NewIDs(list); len(ids) == told && ids.hasAll(ends) {
			return ids, nil
		}
	}
	return nil, nil
}

// ends reads the oldest and the newest page of one project's list, and how long it is.
func (c *Client) ends(ctx context.Context, k kind, scope string) (total int, some []uuid.UUID, err error) {
	for _, order := range []string{"asc:created", "desc:created"} {
		items, n, err := First[named](ctx, c, k.path, scope, url.Values{"sort_by": {order}}, endSize)
		if err != nil {
			return 0, nil, err
		}
		for _, it := range items {
			some = append(some, it.ID)
		}
		if total = n; total <= len(items) {
			break
		}
	}
	return total, some, nil
}

func (ids IDs) hasAll(some []uuid.UUID) bool {
	for _, id := range some {
		if !ids.Has(id) {
			return false
		}
	}
	return true
}
