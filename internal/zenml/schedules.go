package zenml

import (
	"context"
	"net/url"
)

// SwitchSchedule switches a schedule on or off and returns how it stands afterwards: older servers take
// the change and leave it as it was (0.85 does, 0.98 does not). Whoever runs the schedule outside of
// ZenML is not told.
func (c *Client) SwitchSchedule(ctx context.Context, id string, on bool) (bool, error) {
	path := "/schedules/" + url.PathEscape(id)
	if err := c.Put(ctx, path, map[string]any{"active": on}, nil); err != nil {
		return false, err
	}
	var now struct {
		Body struct {
			Active bool `json:"active"`
		} `json:"body"`
	}
	err := c.Get(ctx, path, nil, &now)
	return now.Body.Active, err
}
