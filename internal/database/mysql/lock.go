package mysql

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// HeldError says that another session holds the lock.
type HeldError struct{ Holder string }

func (e *HeldError) Error() string { return "another run holds the lock: " + e.Holder }

// Lock is a lock of the server's (GET_LOCK) on the database's name. It ends with its session,
// however that ends, and binds nobody but this tool.
type Lock struct {
	lost   atomic.Bool
	cancel context.CancelFunc
	done   chan struct{}
}

// lockWait is how long the lock of a run that was killed may live: the server notices the end of
// its session only when the statement in it ends (beat).
const (
	lockWait = 3
	beat     = 1
)

// Lock takes the lock. holder tells a second run who has it: it stands in the text of the
// statement that the session runs all the time, which also notices a lost session at once.
func (c *Client) Lock(ctx context.Context, holder string) (*Lock, error) {
	conn, done, err := c.open(ctx, "")
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte(c.Name))
	name := fmt.Sprintf("zenml-upgrade.%x", digest[:16]) // a name has 64 characters at most
	var got sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, ?)", name, lockWait).Scan(&got); err != nil {
		return nil, errors.Join(fmt.Errorf("taking the lock: %w", err), done())
	}
	if got.Int64 != 1 {
		return nil, errors.Join(&HeldError{c.holder(ctx, conn, name)}, done())
	}
	alive, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &Lock{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		said := fmt.Sprintf("/* zenml-upgrade lock held by: %s */", comment(holder))
		for alive.Err() == nil {
			if _, err := conn.ExecContext(alive, fmt.Sprintf("DO %s SLEEP(%d)", said, beat)); err != nil {
				l.lost.Store(alive.Err() == nil)
				break
			}
		}
		_ = done() // the end of the session is the end of the lock
	}()
	return l, nil
}

// Lost says whether the session ended before Release.
func (l *Lock) Lost() bool { return l.lost.Load() }

// Release lets the lock go. The server may take a moment to notice.
func (l *Lock) Release() error {
	l.cancel()
	<-l.done
	if l.Lost() {
		return errors.New("the lock on the database was lost during the run: its session ended")
	}
	return nil
}

// holder finds out who has the lock, as far as this account may see it.
func (c *Client) holder(ctx context.Context, conn *sql.Conn, name string) string {
	var id sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT IS_USED_LOCK(?)", name).Scan(&id); err != nil || !id.Valid {
		return "unknown"
	}
	for range 20 { // between two of its statements it says nothing
		all, err := processList(ctx, conn)
		if err != nil {
			break
		}
		for _, s := range all {
			if _, said, ok := strings.Cut(s.What, "lock held by: "); ok && s.ID == id.Int64 {
				said, _, _ = strings.Cut(said, " */")
				return said
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Sprintf("session %d, whose user cannot be seen", id.Int64)
}

// comment makes text fit for a comment of a statement.
func comment(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`*/\'"`+"`", r) {
			return '_'
		}
		return r
	}, s)
	return cut(s)
}

// SameServer says whether two clients speak with one server. Names and addresses do not tell: a
// lock with a random name, taken through the one, is seen through the other.
func SameServer(ctx context.Context, a, b *Client, random string) (same bool, err error) {
	err = a.WithServer(ctx, func(conn *sql.Conn) error {
		var got, seen sql.NullInt64
		if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 0)", random).Scan(&got); err != nil || got.Int64 != 1 {
			return errors.Join(errors.New("taking a lock with a random name"), err)
		}
		return b.WithServer(ctx, func(other *sql.Conn) error {
			err := other.QueryRowContext(ctx, "SELECT IS_USED_LOCK(?)", random).Scan(&seen)
			same = seen.Valid
			return err
		})
	})
	return same, err
}
