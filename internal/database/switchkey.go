package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// ErrNoKey says that a copy holds no API key of that id.
var ErrNoKey = errors.New("the copy holds no such API key")

// SwitchKey switches an API key on or off in the copy, by its id, so that a server of the copy can be
// seen to refuse a revoked key. The servers of a copy may run meanwhile.
func (s *Scratch) SwitchKey(ctx context.Context, id string, on bool) error {
	change := func(c *sql.Conn) error {
		// ZenML keeps an id without its dashes.
		res, err := c.ExecContext(ctx, "UPDATE api_key SET active = ? WHERE id IN (?, ?)", on, id, strings.ReplaceAll(id, "-", ""))
		if err != nil {
			return err
		}
		// MySQL counts the rows that changed, so that a key that is on already counts as none: the caller
		// switches it off first.
		n, err := res.RowsAffected()
		if err == nil && n == 0 {
			err = ErrNoKey
		}
		return err
	}
	var err error
	if d, ok := s.DB.(*MySQL); ok {
		err = d.client.With(ctx, change)
	} else {
		err = withConn(ctx, s.DB.(*SQLite).real, liveWrite, change)
	}
	if err != nil {
		return fmt.Errorf("switching an API key in the copy: %w", err)
	}
	return nil
}
